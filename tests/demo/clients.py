"""Clients of the examples, for the demo and the tests: a raw connection, HTTP, mail and Redis's own tools."""

from __future__ import annotations

import shutil
import smtplib
import socket
import struct
import urllib.error
import urllib.request
from email.message import EmailMessage
from types import TracebackType
from typing import NamedTuple, Self

from servers import PATIENCE, Failure, Server, execute

CURL = shutil.which("curl")
REDIS_CLI = shutil.which("redis-cli")
REDIS_BENCHMARK = shutil.which("redis-benchmark")


class Wire:
    """A blocking connection that says exactly the bytes it is told to; a read that would hang raises TimeoutError."""

    def __init__(self, address: tuple[str, int], *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self._input = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        self.socket.sendall(data)

    def trickle(self, data: bytes) -> None:
        """Send ``data`` byte by byte."""
        for byte in data:
            self.socket.sendall(bytes([byte]))

    def line(self) -> bytes:
        """Return the next line without its end; b"" at the end of the stream, too."""
        return self._input.readline().rstrip(b"\r\n")

    def read(self, size: int = -1) -> bytes:
        """Return the next ``size`` bytes, or all up to the end of the stream."""
        return self._input.read(size)

    def finish(self) -> None:
        """Say that nothing more will be sent; what comes can still be read."""
        self.socket.shutdown(socket.SHUT_WR)

    def vanish(self) -> None:
        """Break the connection as a crash does: the server gets a reset, not an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._input.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Answer(NamedTuple):
    """What an HTTP server answered."""

    status: int
    body: str


def fetch_title(url: str, post: str | None = None) -> str:
    """Return the command that fetch() runs as a person would type it."""
    return f"curl --data '{post}' {url}" if post is not None else f"curl {url}"


def fetch(url: str, post: str | None = None, *options: str) -> Answer:
    """Get ``url``, or post a text to it, with curl if there is one (``options`` are curl's) and urllib if not."""
    if CURL is None and not options:
        return _fetch_with_urllib(url, post)
    data = [] if post is None else ["--data", post]
    # No proxy that the environment names: the server is on this machine.
    result = curl("--write-out", r"\n%{http_code}", *data, *options, url)
    body, _, status = result.rpartition("\n")
    return Answer(int(status), body)


def curl(*arguments: str) -> str:
    """Run the real curl and return what it printed."""
    assert CURL is not None
    result = execute([CURL, "--silent", "--show-error", "--noproxy", "*", "--max-time", str(PATIENCE), *arguments])
    if result.returncode:
        raise Failure(f"curl {' '.join(arguments)} ended with status {result.returncode}: {result.stdout}")
    return result.stdout


def _fetch_with_urllib(url: str, post: str | None) -> Answer:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, None if post is None else post.encode(), timeout=PATIENCE) as response:
            return Answer(response.status, response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode())


def mail(text: str, subject: str = "A message") -> EmailMessage:
    """Return a message from alice to bob."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "alice@example.org", "bob@example.org", subject
    message.set_content(text)
    return message


def smtp(server: Server) -> smtplib.SMTP:
    """Return a client of the standard library, connected; its own host name is given, not looked up."""
    return smtplib.SMTP(*server.address, local_hostname="client.example.org", timeout=PATIENCE)


def redis_cli(server: Server, *command: str, text: str | None = None) -> str:
    """Run the real redis-cli and return what it printed, with ``text`` as its input if given."""
    assert REDIS_CLI is not None
    return execute([REDIS_CLI, "-h", server.address[0], "-p", server.port, *command], text=text).stdout.strip()


class ChatClient(Wire):
    """A member of the chat room; it has taken its nickname when it is made."""

    def __init__(self, server: Server, nickname: str, *, receive_buffer: int | None = None) -> None:
        super().__init__(server.address, receive_buffer=receive_buffer)
        self.nickname = nickname
        self.expect("* Welcome. What is your nickname?")
        self.say(nickname)
        self.expect(f"* You are {nickname}.")

    def say(self, line: str) -> None:
        """Send a line."""
        self.send(line.encode() + b"\r\n")

    def expect(self, *starts: str) -> None:
        """Hear as many lines as given and raise Failure if one does not start as told."""
        for start in starts:
            heard = self.line().decode()
            if not heard.startswith(start):
                raise Failure(f"{self.nickname} heard {heard!r} instead of {start!r}")
