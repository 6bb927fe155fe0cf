"""Says some lines to line_server.py and prints the answers.

Run it:

    python line_client.py 8007 hello world
"""

from __future__ import annotations

import sys

from asynchat_selectors import async_chat, loop


class Client(async_chat):
    """Sends ``lines``, and hangs up when each has been answered."""

    def __init__(self, port, lines):
        super().__init__()
        self.set_terminator(b"\n")
        self.unanswered = len(lines)
        self.create_socket()
        self.connect(("127.0.0.1", port))
        for line in lines:
            # Not connected yet: this is queued, and leaves when the connection stands.
            self.push(line.encode() + b"\n")

    def handle_connect(self):
        print("connected")

    def frame_received(self, frame):
        print(frame.decode())
        self.unanswered -= 1
        if self.unanswered == 0:
            self.close_when_done()


if __name__ == "__main__":
    Client(int(sys.argv[1]), sys.argv[2:])
    # Returns when no channel is left.
    loop()
