"""A chat room: each line that a member says goes to all the others.

Many channels, one thread: the room is a plain dict, and no lock is needed, because callbacks run one at a time. Run it:

    python chat_room.py --port 8023
    telnet 127.0.0.1 8023
"""

from __future__ import annotations

import asynchat
import functools
import re
import socket

from serving import arguments, serve

NICKNAME = re.compile(r"[A-Za-z0-9_-]{1,16}")
HELP = "/nick NAME  change your name    /who  who is here    /quit  leave"


class Room(dict[str, "Member"]):
    """The members by their nicknames."""

    def tell(self, text: str, but: Member | None = None) -> None:
        """Send a line to all members ``but`` one."""
        # A copy is walked: push() may send at once and find a connection broken, and that member leaves the dict.
        for member in list(self.values()):
            if member is not but:
                member.say(text)


class Member(asynchat.async_chat):
    """One connection: its first line is a nickname, the lines that follow are said to the room."""

    MAX_LINE = 512
    # Output queued for a member that does not read, in entries of the queue; a room must not hoard it for ever.
    MAX_QUEUED = 10_000

    def __init__(self, sock: socket.socket, room: Room) -> None:
        super().__init__(sock)
        self.room = room
        self.nickname = ""
        self.received: list[bytes] = []
        self.size = 0
        self.leaving = False
        # Telnet ends a line with \r\n, netcat with \n: the last byte serves both.
        self.set_terminator(b"\n")
        self.say("* Welcome. What is your nickname?")

    def say(self, text: str) -> None:
        """Send a line to this member."""
        if self.leaving:
            return
        if len(self.producer_fifo) > self.MAX_QUEUED:
            self.handle_close()
        else:
            self.push(text.encode() + b"\r\n")

    def collect_incoming_data(self, data: bytes) -> None:
        self.size += len(data)
        if self.size <= self.MAX_LINE:
            self.received.append(data)

    def found_terminator(self) -> None:
        line, size = b"".join(self.received), self.size
        self.received, self.size = [], 0
        if self.leaving:
            return
        if size > self.MAX_LINE:
            self.say(f"* A line is {self.MAX_LINE} bytes at most, yours was dropped.")
            return
        # Control characters would steer the terminals of the others.
        text = "".join(c for c in line.decode(errors="replace") if c.isprintable()).strip()
        if text.startswith("/"):
            self.obey(*text[1:].partition(" ")[::2])
        elif not self.nickname:
            self.rename(text)
        elif text:
            self.room.tell(f"{self.nickname}: {text}", but=self)

    def obey(self, command: str, argument: str) -> None:
        """Carry out a line that starts with a slash."""
        if command == "quit":
            self.say("* Bye.")
            self.leave()
            self.close_when_done()
        elif command == "who":
            self.say("* Here: " + (", ".join(sorted(self.room)) or "nobody"))
        elif command == "nick":
            self.rename(argument.strip())
        else:
            self.say(f"* {HELP}")

    def rename(self, nickname: str) -> None:
        """Take a nickname, the first one or another, and tell the room."""
        if not NICKNAME.fullmatch(nickname):
            self.say("* A nickname is 1 to 16 letters, digits, _ or -. What is yours?")
        elif nickname in self.room:
            self.say(f"* {nickname} is taken. Choose another.")
        else:
            old, self.nickname = self.nickname, nickname
            self.room.pop(old, None)
            self.room[nickname] = self
            self.say(f"* You are {nickname}. {HELP}")
            self.room.tell(f"* {old} is now {nickname}" if old else f"* {nickname} came in", but=self)

    def leave(self) -> None:
        """Leave the room, once, whichever way it happened."""
        self.leaving = True
        if self.room.pop(self.nickname, None):
            self.room.tell(f"* {self.nickname} left")

    def handle_close(self) -> None:
        """The connection ended: the member hung up or vanished, or close_when_done() has come to its end."""
        self.leave()
        self.close()


if __name__ == "__main__":
    serve(arguments("A chat room with nicknames.").parse_args(), functools.partial(Member, room=Room()))
