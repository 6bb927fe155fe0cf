"""A server that says each line back: the least that a program on asynchat consists of.

Run it:

    python line_server.py 8007
"""

from __future__ import annotations

import sys

from asynchat_selectors import async_chat, dispatcher, loop


class Line(async_chat):
    """One client."""

    def __init__(self, sock):
        super().__init__(sock)
        # What ends a frame. It is not a part of the frame.
        self.set_terminator(b"\n")

    def frame_received(self, frame):
        """Called with each whole line, however the network has cut it."""
        self.push(b"you said: " + frame + b"\n")


class Listener(dispatcher):
    """The listening socket."""

    def __init__(self, port):
        super().__init__()
        self.create_socket()
        self.set_reuse_addr()
        self.bind(("127.0.0.1", port))
        self.listen(100)

    def handle_accepted(self, sock, addr):
        # The new channel enters the map of channels, and that keeps it alive.
        Line(sock)


if __name__ == "__main__":
    listener = Listener(int(sys.argv[1]))
    print("listening on {}:{}".format(*listener.socket.getsockname()), flush=True)
    loop()
