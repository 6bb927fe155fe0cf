"""An SMTP server that takes every message and delivers none: something for a program under test to send mail to.

Run it:

    python smtp_sink.py --port 8025 --save inbox
"""

from __future__ import annotations

import asynchat
import itertools
import re
import socket
from collections.abc import Callable
from pathlib import Path

from serving import BackPressure, arguments, serve

PATH = r":\s*<([^<>\s]*)>((?:\s+\S+)*)\s*"
MAIL = re.compile("FROM" + PATH, re.IGNORECASE)
RCPT = re.compile("TO" + PATH, re.IGNORECASE)

Deliver = Callable[[str, list[str], bytes], None]


class SMTPHandler(BackPressure, asynchat.async_chat):
    """One client. ``deliver(sender, recipients, message)`` is called for each message that is complete."""

    MAX_LINE = 2048
    MAX_MESSAGE = 1024 * 1024
    MAX_RECIPIENTS = 100
    MAX_ERRORS = 20

    def __init__(self, sock: socket.socket, deliver: Deliver) -> None:
        super().__init__(sock)
        # Commands and text alike are lines. The end of a message could be found at once with the terminator
        # b"\r\n.\r\n", but not that of an empty one: its first line is the dot, and the \r\n before it, that of
        # the DATA command, has been found already. Only \r\n ends a line: a server that takes a bare \n for an
        # end as well can be made to see messages that the one before it did not.
        self.set_terminator(b"\r\n")
        self.deliver = deliver
        self.state = "greeting"
        self.errors = 0
        self.line: list[bytes] = []
        self.line_size = 0
        self.reset()
        self.push(b"220 smtp-sink ESMTP asynchat\r\n")

    def reset(self) -> None:
        """Forget the message under way."""
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.text: list[bytes] = []
        self.text_size = 0

    def collect_incoming_data(self, data: bytes) -> None:
        """Keep a piece of a line, as long as the line, or the message it belongs to, is not too long anyway."""
        self.line_size += len(data)
        # However full the message is, a line of one byte is looked at: it may be the dot.
        limit = max(1, self.MAX_MESSAGE - self.text_size) if self.state == "data" else self.MAX_LINE
        if self.line_size <= limit:
            self.line.append(data)

    def found_terminator(self) -> None:
        line, size = b"".join(self.line), self.line_size
        self.line, self.line_size = [], 0
        if self.state == "data":
            self.text_line(line, size)
        elif self.state != "done":
            self.command_line(line, size)

    # The message

    def text_line(self, line: bytes, size: int) -> None:
        """Take a line of the message; a dot in front of another one is there to tell it from the end."""
        if line == b"." and size == 1:
            self.message_complete()
            return
        stuffed = line.startswith(b".")
        self.text_size += size - stuffed + 2
        if self.text_size <= self.MAX_MESSAGE:
            self.text.append(line[stuffed:] + b"\r\n")

    def message_complete(self) -> None:
        self.state = "ready"
        if self.text_size > self.MAX_MESSAGE:
            self.reply(552, f"a message is {self.MAX_MESSAGE} bytes at most")
        else:
            assert self.sender is not None
            self.deliver(self.sender, self.recipients, b"".join(self.text))
            self.reply(250, "message taken")
        self.reset()

    # Commands

    def command_line(self, line: bytes, size: int) -> None:
        if size > self.MAX_LINE:
            self.reply(500, f"a line is {self.MAX_LINE} bytes at most")
            return
        verb, _, argument = line.decode("utf-8", "replace").strip().partition(" ")
        command = COMMANDS.get(verb.upper())
        if command is None:
            self.reply(500, f"unknown command {verb[:40]!a}")
        elif verb.upper() in ("MAIL", "RCPT", "DATA") and self.state == "greeting":
            self.reply(503, "say HELO or EHLO first")
        else:
            command(self, argument.strip())

    def reply(self, code: int, *lines: str) -> None:
        """Queue a reply; all lines but the last have a hyphen behind the code."""
        for line in lines[:-1]:
            self.push(f"{code}-{line}\r\n".encode("ascii", "replace"))
        self.push(f"{code} {lines[-1]}\r\n".encode("ascii", "replace"))
        self.errors += code >= 500
        if self.errors > self.MAX_ERRORS and self.state != "done":
            self.push(b"421 too many errors\r\n")
            self.hang_up()

    def hang_up(self) -> None:
        self.state = "done"
        self.close_when_done()

    def helo(self, name: str) -> None:
        self.greet(name, "smtp-sink")

    def ehlo(self, name: str) -> None:
        self.greet(name, "smtp-sink", "PIPELINING", "8BITMIME", f"SIZE {self.MAX_MESSAGE}")

    def greet(self, name: str, *lines: str) -> None:
        if not name:
            self.reply(501, "say who you are")
            return
        self.reset()
        self.state = "ready"
        self.reply(250, *lines)

    def mail(self, argument: str) -> None:
        match = MAIL.fullmatch(argument)
        size = re.search(r"\sSIZE=(\d{1,18})(?!\S)", match[2], re.ASCII | re.IGNORECASE) if match else None
        if not match:
            self.reply(501, "the syntax is MAIL FROM:<address>")
        elif self.sender is not None:
            self.reply(503, "one sender for each message")
        elif size and int(size[1]) > self.MAX_MESSAGE:
            self.reply(552, f"a message is {self.MAX_MESSAGE} bytes at most")
        else:
            self.sender = match[1]
            self.reply(250, "sender taken")

    def rcpt(self, argument: str) -> None:
        match = RCPT.fullmatch(argument)
        if self.sender is None:
            self.reply(503, "say MAIL FROM first")
        elif not match or not match[1]:
            self.reply(501, "the syntax is RCPT TO:<address>")
        elif len(self.recipients) == self.MAX_RECIPIENTS:
            self.reply(452, "too many recipients")
        else:
            self.recipients.append(match[1])
            self.reply(250, "recipient taken")

    def data(self, argument: str) -> None:
        if argument:
            self.reply(501, "DATA takes no argument")
        elif not self.recipients:
            self.reply(503, "say RCPT TO first")
        else:
            self.state = "data"
            self.reply(354, "end the message with a dot on a line of its own")

    def rset(self, argument: str) -> None:
        self.reset()
        self.reply(250, "forgotten")

    def noop(self, argument: str) -> None:
        self.reply(250, "done")

    def vrfy(self, argument: str) -> None:
        self.reply(252, "send it and see")

    def quit(self, argument: str) -> None:
        self.reply(221, "bye")
        self.hang_up()


COMMANDS: dict[str, Callable[[SMTPHandler, str], None]] = {
    "HELO": SMTPHandler.helo,
    "EHLO": SMTPHandler.ehlo,
    "MAIL": SMTPHandler.mail,
    "RCPT": SMTPHandler.rcpt,
    "DATA": SMTPHandler.data,
    "RSET": SMTPHandler.rset,
    "NOOP": SMTPHandler.noop,
    "VRFY": SMTPHandler.vrfy,
    "QUIT": SMTPHandler.quit,
}


class Inbox:
    """Tells of each message and writes it to a file of its own, if there is a folder to write to."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.numbers = itertools.count(1)

    def deliver(self, sender: str, recipients: list[str], message: bytes) -> None:
        number = next(self.numbers)
        to = ", ".join(map(ascii, recipients))
        print(f"message {number} from {sender!a} to {to}: {len(message)} bytes", flush=True)
        if self.folder:
            (self.folder / f"{number}.eml").write_bytes(message)


def main() -> None:
    """Serve until interrupted."""
    parser = arguments("An SMTP server that takes every message and delivers none.")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write each message to DIR/1.eml, DIR/2.eml, ...")
    options = parser.parse_args()
    if options.save:
        try:
            options.save.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"--save {options.save}: {error.strerror}; name a folder that can be written to")
    inbox = Inbox(options.save)
    serve(options, lambda sock: SMTPHandler(sock, inbox.deliver))


if __name__ == "__main__":
    main()
