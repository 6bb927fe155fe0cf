"""Says some lines to line_server.py and prints the answers.

Run it:

    python line_client.py 8007 hello world
"""

from __future__ import annotations

import sys

from asynchat_selectors import async_chat, connect, loop


class Client(async_chat):
    """Sends ``lines``, and hangs up when each has been answered."""

    terminator = b"\n"

    def __init__(self, lines):
        super().__init__()
        self.unanswered = len(lines)
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
    connect(Client(sys.argv[2:]), "127.0.0.1", int(sys.argv[1]))
    # Returns when no channel is left.
    loop()
