"""An HTTP/1.1 server: one channel that changes its terminator as a request goes by.

The header block ends in an empty line, so the terminator is ``\\r\\n\\r\\n``. It tells how long the body is, so the
next terminator is that count. After the last request of a connection nothing that comes is of interest, so it is None.
Run it:

    python http_server.py --port 8000
    curl http://127.0.0.1:8000/
    curl http://127.0.0.1:8000/numbers/1000
    curl --data 'any text' http://127.0.0.1:8000/echo
"""

from __future__ import annotations

import asynchat
import re
import socket
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

from serving import BackPressure, arguments, serve

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rb"(%s) ([!-~]+) HTTP/(\d)\.(\d)" % TOKEN)
HEADER = re.compile(rb"(%s):([^\x00\r\n]*)" % TOKEN)


class Refusal(Exception):
    """A request that gets an error for an answer and ends the connection."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Request(NamedTuple):
    """What the header block says."""

    method: str
    path: str
    headers: dict[str, str]
    length: int
    keep_alive: bool


def parse(block: bytes) -> Request:
    """Return the request that a header block, without its final empty line, describes; raise Refusal for a bad one."""
    first, *lines = block.split(b"\r\n")
    match = REQUEST_LINE.fullmatch(first)
    if not match:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"request line {first[:80]!r} is not METHOD TARGET HTTP/1.1")
    if match[3] != b"1":
        raise Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.0 and HTTP/1.1 are spoken here")
    headers: dict[str, str] = {}
    for line in lines:
        header = HEADER.fullmatch(line)
        if not header:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"header line {line[:80]!r} is not NAME: VALUE")
        name, value = header[1].decode().lower(), header[2].strip(b" \t").decode("latin-1")
        if name in ("host", "content-length") and headers.get(name, value) != value:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"two different values for header {name}")
        headers[name] = value
    if match[4] != b"0" and "host" not in headers:
        raise Refusal(HTTPStatus.BAD_REQUEST, "an HTTP/1.1 request must name its host")
    connection = headers.get("connection", "").lower().replace(" ", "").split(",")
    # The rule of the protocol: 1.1 keeps the connection unless told to close it, 1.0 closes it unless told to keep it.
    keep_alive = "close" not in connection and (match[4] != b"0" or "keep-alive" in connection)
    path = match[2].decode().partition("?")[0]
    return Request(match[1].decode(), path, headers, body_length(headers), keep_alive)


def body_length(headers: dict[str, str]) -> int:
    """Return how many bytes follow the header block."""
    if "transfer-encoding" in headers:
        raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "transfer-encoding is not supported, send a content-length")
    length = headers.get("content-length", "0")
    # int() alone would take "-5", "+5", "1_000" and the digits of other scripts, and two servers that
    # disagree on where a request ends are a security hole.
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        raise Refusal(HTTPStatus.BAD_REQUEST, f"content-length {length[:80]!r} is not a number of bytes")
    return int(length)


class Numbers:
    """A producer: ``count`` lines of ten bytes, made while the client takes them, so a long answer needs no memory."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.next = 0

    def more(self) -> bytes:
        start, self.next = self.next, min(self.next + 1000, self.count)
        return b"".join(b"%9d\n" % number for number in range(start, self.next))


class HTTPHandler(BackPressure, asynchat.async_chat):
    """One connection: requests are answered in turn, over and over, until either side wants to close."""

    MAX_HEADERS = 8 * 1024
    MAX_BODY = 1024 * 1024
    # A refused request is read and dropped to its end up to this size: hanging up on a client that is still
    # sending would make its kernel throw the answer away.
    MAX_DROPPED = 16 * 1024 * 1024

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.await_headers()

    def await_headers(self) -> None:
        """Collect up to the empty line."""
        self.state = "headers"
        self.request: Request | None = None
        self.received: list[bytes] = []
        self.size = 0
        self.set_terminator(b"\r\n\r\n")

    def collect_incoming_data(self, data: bytes) -> None:
        """Keep the bytes of a request, but never more than its limit."""
        if self.state not in ("headers", "body"):
            return
        self.size += len(data)
        if self.state == "body" or self.size <= self.MAX_HEADERS:
            self.received.append(data)
        elif self.size > self.MAX_DROPPED:
            self.refuse_headers()

    def found_terminator(self) -> None:
        """Go on to the next state: a header block, a body or a dropped body is complete."""
        if self.state == "headers":
            self.headers_complete()
        elif self.state == "body":
            self.respond()
        elif self.state == "dropped":
            self.hang_up()

    def headers_complete(self) -> None:
        """Read the header block and collect the body that it announces, if any."""
        if self.size > self.MAX_HEADERS:
            self.refuse_headers()
            return
        try:
            # Empty lines before a request line are allowed, by the standard, and forgiven.
            self.request = parse(b"".join(self.received).lstrip(b"\r\n"))
        except Refusal as refusal:
            self.answer(refusal.status, f"{refusal}\n", keep_alive=False)
            self.hang_up()
            return
        self.received = []
        length = self.request.length
        if length > self.MAX_BODY:
            self.refuse_body(length)
        elif length == 0:
            # A count of 0 would mean "no terminator": there is nothing to wait for.
            self.respond()
        else:
            if self.request.headers.get("expect", "").lower() == "100-continue":
                self.push(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.state = "body"
            self.set_terminator(length)

    def refuse_headers(self) -> None:
        self.answer(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"a header block is {self.MAX_HEADERS} bytes at most\n",
            keep_alive=False,
        )
        self.hang_up()

    def refuse_body(self, length: int) -> None:
        """Answer at once, then let the client finish what it is sending, within reason."""
        self.answer(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"a body is {self.MAX_BODY} bytes at most, not {length}\n",
            keep_alive=False,
        )
        if length > self.MAX_DROPPED:
            self.hang_up()
        else:
            self.state = "dropped"
            self.set_terminator(length)

    def hang_up(self) -> None:
        """Close once everything is sent; whatever else the client says is ignored."""
        self.state = "done"
        self.set_terminator(None)
        self.close_when_done()

    def respond(self) -> None:
        """Answer the request, which is complete, and wait for the next one."""
        request = self.request
        assert request is not None
        body = b"".join(self.received)
        numbers = re.fullmatch(r"/numbers/(\d{1,6})", request.path, re.ASCII)
        if request.method not in ("GET", "HEAD", "POST"):
            self.answer(HTTPStatus.NOT_IMPLEMENTED, f"method {request.method} is not supported\n")
        elif request.path == "/echo":
            self.answer_for("POST", body, request.headers.get("content-type", "application/octet-stream"))
        elif request.path == "/":
            self.answer_for("GET", "Hello from asynchat.\nTry /numbers/1000, or POST something to /echo.\n")
        elif numbers:
            self.answer_for("GET", Numbers(int(numbers[1])))
        else:
            self.answer(HTTPStatus.NOT_FOUND, f"there is no {request.path}\n")
        if request.keep_alive:
            self.await_headers()
        else:
            self.hang_up()

    def answer_for(self, method: str, content: str | bytes | Numbers, kind: str = "text/plain; charset=utf-8") -> None:
        """Answer with ``content`` if ``method`` is what the client said; whatever can be got has a HEAD too."""
        assert self.request is not None
        allowed = "GET, HEAD" if method == "GET" else method
        if self.request.method in allowed.split(", "):
            self.answer(HTTPStatus.OK, content, kind)
        else:
            self.answer(HTTPStatus.METHOD_NOT_ALLOWED, f"{self.request.path} takes {allowed} only\n", allow=allowed)

    def answer(
        self,
        status: HTTPStatus,
        content: str | bytes | Numbers,
        kind: str = "text/plain; charset=utf-8",
        *,
        keep_alive: bool | None = None,
        allow: str = "",
    ) -> None:
        """Queue an answer; ``keep_alive`` is the request's own wish unless it is given."""
        if keep_alive is None:
            keep_alive = self.request is not None and self.request.keep_alive
        if isinstance(content, str):
            content = content.encode()
        length = content.count * 10 if isinstance(content, Numbers) else len(content)
        head = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {kind}",
            f"Content-Length: {length}",
            f"Connection: {'keep-alive' if keep_alive else 'close'}",
        ]
        if allow:
            head.append(f"Allow: {allow}")
        block = "\r\n".join([*head, "", ""]).encode("latin-1")
        if self.request is not None and self.request.method == "HEAD":
            self.push(block)
        elif isinstance(content, Numbers):
            self.push(block)
            self.push_with_producer(content)
        else:
            # One push, one packet: a second one may have to wait until the client has acknowledged the first.
            self.push(block + content)


if __name__ == "__main__":
    serve(arguments("A small HTTP server on asynchat.").parse_args(), HTTPHandler)
