"""A key-value server that speaks RESP, the protocol of Redis: redis-cli, redis-benchmark and redis-py can talk to it.

A command is an array of strings, each with its length in front, so the terminator goes to and fro between a
line's end and a count of bytes:

    *2\\r\\n $4\\r\\n ECHO\\r\\n $5\\r\\n hello\\r\\n

Run it:

    python resp_server.py --port 7000
    redis-cli -p 7000 set key value
"""

from __future__ import annotations

import asynchat
import functools
import socket
from collections.abc import Callable

from serving import BackPressure, arguments, serve

Store = dict[bytes, bytes]


class ProtocolError(Exception):
    """Bytes that are no command: it is unknown where the next one starts, so the connection ends."""


class RespHandler(BackPressure, asynchat.async_chat):
    """One client. Pipelining needs no code: commands are answered in the order in which they are framed."""

    MAX_LINE = 64 * 1024
    MAX_ARGUMENTS = 1024
    MAX_COMMAND = 16 * 1024 * 1024

    def __init__(self, sock: socket.socket, store: Store) -> None:
        super().__init__(sock)
        self.store = store
        self.version = 2
        self.received: list[bytes] = []
        self.size = 0
        self.await_command()

    def await_command(self) -> None:
        """Collect a line: a command in plain words, or the length of an array."""
        self.state = "command"
        self.arguments: list[bytes] = []
        self.missing = 0
        self.budget = self.MAX_COMMAND
        # Real clients end lines with \r\n, a person with netcat with \n.
        self.set_terminator(b"\n")

    def collect_incoming_data(self, data: bytes) -> None:
        if self.state == "done":
            return
        self.received.append(data)
        self.size += len(data)
        if self.state != "string" and self.size > self.MAX_LINE:
            self.hang_up("too big inline request")

    def found_terminator(self) -> None:
        data = b"".join(self.received)
        self.received, self.size = [], 0
        try:
            if self.state == "command":
                self.command_line(data.removesuffix(b"\r"))
            elif self.state == "length":
                self.string_length(data.removesuffix(b"\r"))
            elif self.state == "string":
                self.string(data)
        except ProtocolError as error:
            self.hang_up(str(error))

    def command_line(self, line: bytes) -> None:
        if line.startswith(b"*"):
            self.missing = number(line[1:], self.MAX_ARGUMENTS, "invalid multibulk length")
            self.next_argument()
        else:
            self.arguments = line.split()
            self.command_complete()

    def string_length(self, line: bytes) -> None:
        if not line.startswith(b"$"):
            raise ProtocolError(f"expected '$', got {line[:1].decode('latin-1')!r}")
        length = number(line[1:], self.budget, "invalid bulk length")
        self.budget -= length
        self.state = "string"
        # The string's own \r\n is counted in, so that a string of no bytes is a frame as well.
        self.set_terminator(length + 2)

    def string(self, data: bytes) -> None:
        if not data.endswith(b"\r\n"):
            raise ProtocolError("a string must end in CRLF")
        self.arguments.append(data[:-2])
        self.missing -= 1
        self.next_argument()

    def next_argument(self) -> None:
        if self.missing:
            self.state = "length"
            self.set_terminator(b"\n")
        else:
            self.command_complete()

    def command_complete(self) -> None:
        """Answer the command, if there is one: an empty line is none."""
        if self.arguments:
            name, *arguments = self.arguments
            command = COMMANDS.get(name.upper())
            if command is None:
                self.error(f"unknown command {name[:80].decode('latin-1')!r}")
            elif not command[1] <= len(arguments) <= command[2]:
                self.error(f"wrong number of arguments for {name.decode('latin-1').lower()!r} command")
            else:
                command[0](self, *arguments)
        if self.state != "done":
            self.await_command()

    def hang_up(self, problem: str = "") -> None:
        """Close when all replies are sent; nothing else from this client is looked at."""
        if problem:
            self.error(f"Protocol error: {problem}")
        self.state = "done"
        self.set_terminator(None)
        self.close_when_done()

    # Replies

    def error(self, text: str, kind: str = "ERR") -> None:
        self.push(f"-{kind} {text}\r\n".encode("latin-1", "replace"))

    def status(self, text: bytes) -> None:
        self.push(b"+" + text + b"\r\n")

    def integer(self, value: int) -> None:
        self.push(b":%d\r\n" % value)

    def bulk(self, value: bytes | None) -> None:
        if value is None:
            self.push(b"_\r\n" if self.version == 3 else b"$-1\r\n")
        else:
            self.push(b"$%d\r\n%b\r\n" % (len(value), value))

    # Commands

    def ping(self, message: bytes | None = None) -> None:
        if message is None:
            self.status(b"PONG")
        else:
            self.bulk(message)

    def set(self, key: bytes, value: bytes) -> None:
        self.store[key] = value
        self.status(b"OK")

    def get(self, key: bytes) -> None:
        self.bulk(self.store.get(key))

    def delete(self, *keys: bytes) -> None:
        self.integer(sum(self.store.pop(key, None) is not None for key in keys))

    def hello(self, version: bytes = b"", *options: bytes) -> None:
        """Agree on a version of the protocol: they differ here in how nothing and a map are written."""
        if version and version not in (b"2", b"3"):
            self.error("unsupported protocol version", kind="NOPROTO")
            return
        self.version = int(version or self.version)
        self.push(b"%3\r\n" if self.version == 3 else b"*6\r\n")
        self.bulk(b"server")
        self.bulk(b"asynchat")
        self.bulk(b"version")
        self.bulk(b"7.0.0")
        self.bulk(b"proto")
        self.integer(self.version)

    def client(self, *arguments: bytes) -> None:
        """Clients introduce themselves; they are believed."""
        self.status(b"OK")

    def command(self, *arguments: bytes) -> None:
        """redis-cli asks for help texts of the commands; there are none."""
        self.push(b"*0\r\n")

    def select(self, index: bytes) -> None:
        if index == b"0":
            self.status(b"OK")
        else:
            self.error("DB index is out of range")

    def quit(self) -> None:
        self.status(b"OK")
        self.hang_up()


def number(digits: bytes, largest: int, problem: str) -> int:
    """Return the number from 0 to ``largest`` that ``digits`` spells; anything else is a ``problem``."""
    if not digits.isdigit() or len(digits) > 18 or int(digits) > largest:
        raise ProtocolError(problem)
    return int(digits)


# What to call, and how few and how many arguments it takes.
COMMANDS: dict[bytes, tuple[Callable[..., None], int, int]] = {
    b"PING": (RespHandler.ping, 0, 1),
    b"ECHO": (RespHandler.bulk, 1, 1),
    b"SET": (RespHandler.set, 2, 2),
    b"GET": (RespHandler.get, 1, 1),
    b"DEL": (RespHandler.delete, 1, RespHandler.MAX_ARGUMENTS),
    b"HELLO": (RespHandler.hello, 0, 8),
    b"CLIENT": (RespHandler.client, 1, 8),
    b"COMMAND": (RespHandler.command, 0, RespHandler.MAX_ARGUMENTS),
    b"SELECT": (RespHandler.select, 1, 1),
    b"QUIT": (RespHandler.quit, 0, 0),
}

if __name__ == "__main__":
    options = arguments("A small key-value server that speaks RESP.").parse_args()
    serve(options, functools.partial(RespHandler, store={}))
