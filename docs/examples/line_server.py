"""A server that says each line back: the least that a program on asynchat consists of.

Run it:

    python line_server.py 8007
"""

from __future__ import annotations

import sys

from asynchat_selectors import async_chat, serve


class Line(async_chat):
    """One client."""

    # What ends a frame. It is not a part of the frame.
    terminator = b"\n"

    def frame_received(self, frame):
        """Called with each whole line, however the network has cut it."""
        if frame == b"quit":
            self.close_when_done()
        else:
            self.push(b"you said: " + frame + b"\n")


def tell(listener):
    """Called when the server is ready."""
    print("listening on {}:{}".format(*listener.addresses[0]), flush=True)


if __name__ == "__main__":
    serve(Line, "127.0.0.1", int(sys.argv[1]), ready=tell)
