"""The server's half of an echo conversation: a command line, then exactly as many bytes as it announced."""

from __future__ import annotations

import asynchat
import logging
import socket


class EchoHandler(asynchat.async_chat):
    """Answers ``ECHO length\\n`` and ``length`` bytes with those bytes, as often as the client asks."""

    # Far too small for real work: it shows that a message may arrive in any number of pieces.
    ac_in_buffer_size = 64

    MAX_COMMAND = 64
    MAX_LENGTH = 1024 * 1024

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.log_to = logging.getLogger("EchoHandler")
        self.await_command()

    def await_command(self) -> None:
        """Collect up to the next newline, which ends a command."""
        self.state = "command"
        self.received: list[bytes] = []
        self.set_terminator(b"\n")

    def collect_incoming_data(self, data: bytes) -> None:
        self.log_to.info("collect_incoming_data() -> (%d bytes) %r", len(data), data)
        if self.state == "refused":
            return
        self.received.append(data)
        if self.state == "command" and sum(map(len, self.received)) > self.MAX_COMMAND:
            self.refuse(f"a command is {self.MAX_COMMAND} bytes at most")

    def found_terminator(self) -> None:
        self.log_to.info("found_terminator() in state %r", self.state)
        if self.state == "refused":
            return
        received = b"".join(self.received)
        if self.state == "command":
            self.process_command(received)
        else:
            self.process_message(received)

    def process_command(self, line: bytes) -> None:
        """Check the command and collect the message it announces."""
        command, _, length = line.rstrip(b"\r").partition(b" ")
        if command != b"ECHO":
            self.refuse(f"unknown command {command!r}, say ECHO length")
        elif not length.isdigit() or not 0 < int(length) <= self.MAX_LENGTH:
            self.refuse(f"length {length!r} is not a number from 1 to {self.MAX_LENGTH}")
        else:
            self.state = "message"
            self.received = []
            # What asynchat is about: from here on a count of bytes ends the frame, and no longer a newline.
            self.set_terminator(int(length))

    def process_message(self, message: bytes) -> None:
        """Send the message back; push() queues it, and the loop sends it as the client takes it."""
        self.push(message)
        self.await_command()

    def refuse(self, reason: str) -> None:
        """Say what is wrong and hang up once that is sent; what still comes in is dropped."""
        self.state = "refused"
        self.set_terminator(None)
        self.push(b"ERROR " + reason.encode() + b"\n")
        self.close_when_done()

    def handle_close(self) -> None:
        self.log_to.info("handle_close()")
        self.close()
