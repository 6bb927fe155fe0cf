"""The HTTP server, driven by curl, http.client and raw bytes."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

import clients
from clients import Wire, curl, fetch
from servers import PATIENCE, Server

needs_curl = pytest.mark.skipif(clients.CURL is None, reason="there is no curl")

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HELLO = b"Hello from asynchat.\nTry /numbers/1000, or POST something to /echo.\n"


@pytest.fixture
def server(server_of: Callable[..., Server]) -> Server:
    """A running HTTP server."""
    return server_of("http_server.py")


@pytest.fixture
def connection(server: Server) -> Iterator[http.client.HTTPConnection]:
    """A client of the standard library, which keeps its connection as long as it may."""
    connection = http.client.HTTPConnection(*server.address, timeout=PATIENCE)
    yield connection
    connection.close()


def answer(wire: Wire) -> tuple[int, dict[bytes, bytes], bytes]:
    """Read one answer: status, headers and body."""
    status = int(wire.line().split()[1])
    headers = dict(line.split(b": ", 1) for line in iter(wire.line, b""))
    return status, headers, wire.read(int(headers[b"Content-Length"]))


def exchange(server: Server, request: bytes) -> tuple[int, bytes]:
    """Send a request that ends the connection; return the answer's status and body, after which nothing comes."""
    with Wire(server.address) as wire:
        wire.send(request)
        status, headers, body = answer(wire)
        assert b"close" == headers[b"Connection"]
        assert b"" == wire.read()
    return status, body


# Real clients


def test_get(server: Server) -> None:
    """A page is fetched."""
    assert (200, HELLO.decode()) == fetch(server.url("/"))


def test_post(server: Server) -> None:
    """A body is sent and comes back."""
    assert (200, "to and fro") == fetch(server.url("/echo"), "to and fro")


def test_not_found(server: Server) -> None:
    """A page that is not there is a 404; what follows a question mark is not part of its name."""
    assert (404, "there is no /nowhere\n") == fetch(server.url("/nowhere?/echo"))


@needs_curl
def test_curl_keeps_its_connection(server: Server) -> None:
    """Two pages cost one connection."""
    connects = curl("-o/dev/null", "-o/dev/null", "-w%{num_connects} ", server.url("/"), server.url("/"))
    assert "1 0 " == connects


@needs_curl
def test_curl_closes_with_http_1_0(server: Server) -> None:
    """A client of HTTP/1.0 needs a connection for each page."""
    connects = curl("-0", "-o/dev/null", "-o/dev/null", "-w%{num_connects} ", server.url("/"), server.url("/"))
    assert "1 1 " == connects


@needs_curl
def test_curl_asks_before_it_sends_a_body(server: Server) -> None:
    """A client that expects 100 Continue is told to continue."""
    result = fetch(server.url("/echo"), "x" * 100_000, "-H", "Expect: 100-continue", "-i")
    assert result.body.startswith("HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\n")
    assert result.body.endswith("\n\n" + "x" * 100_000)


@needs_curl
@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "BREW"])
def test_curl_gets_501_for_other_methods(server: Server, method: str) -> None:
    """A method that is not supported is a 501, and the connection goes on."""
    assert (501, f"method {method} is not supported\n") == fetch(server.url("/"), None, "-X", method)


@needs_curl
def test_curl_head(server: Server) -> None:
    """HEAD gets the headers of GET and nothing else."""
    headers = curl("--head", server.url("/numbers/123"))
    assert headers.startswith("HTTP/1.1 200 OK\n")
    assert "Content-Length: 1230\n" in headers
    assert headers.endswith("\n\n")


def test_http_client_reuses_its_connection(connection: http.client.HTTPConnection) -> None:
    """Requests with and without bodies, good and bad paths, follow each other on one connection."""
    for method, path, body, status in (
        ("GET", "/", None, 200),
        ("POST", "/echo", b"one\r\n\r\ntwo", 200),
        ("HEAD", "/", None, 200),
        ("POST", "/echo", b"", 200),
        ("GET", "/nowhere", None, 404),
        ("GET", "/echo", None, 405),
        ("POST", "/", b"x", 405),
        ("PUT", "/", b"body", 501),
        ("GET", "/numbers/3", None, 200),
    ):
        connection.request(method, path, body)
        sock = connection.sock
        response = connection.getresponse()
        content = response.read()
        assert (method, path, status) == (method, path, response.status)
        assert sock is connection.sock is not None
    assert b"        0\n        1\n        2\n" == content


def test_the_echo_keeps_the_content_type(connection: http.client.HTTPConnection) -> None:
    """A body comes back with the type it was sent with."""
    connection.request("POST", "/echo", b"{}", {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert (b"{}", "application/json") == (response.read(), response.headers["Content-Type"])


def test_405_names_what_is_allowed(connection: http.client.HTTPConnection) -> None:
    """The answer to a wrong method tells the right ones."""
    connection.request("POST", "/")
    response = connection.getresponse()
    assert (405, "GET, HEAD") == (response.status, response.headers["Allow"])
    response.read()


def test_the_largest_body(connection: http.client.HTTPConnection) -> None:
    """A body of just the limit is taken and comes back whole."""
    body = bytes(range(256)) * 4096
    connection.request("POST", "/echo", body)
    assert body == connection.getresponse().read()


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 8 * 1024 * 1024])
def test_a_too_large_body(connection: http.client.HTTPConnection, size: int) -> None:
    """A body over the limit is a 413, also for a client that sends it all before it reads."""
    connection.request("POST", "/echo", bytes(size))
    response = connection.getresponse()
    assert (413, "close") == (response.status, response.headers["Connection"])
    assert f"a body is 1048576 bytes at most, not {size}\n" == response.read().decode()


def test_a_long_answer_to_a_slow_reader(server: Server) -> None:
    """An answer of ten megabytes arrives whole although the client takes it in small sips."""
    with Wire(server.address, receive_buffer=4096) as wire:
        wire.send(b"GET /numbers/999999 HTTP/1.0\r\n\r\n")
        status, _, body = answer(wire)
        assert (200, b"") == (status, wire.read())
    assert b"".join(b"%9d\n" % number for number in range(999_999)) == body


# Framing


def test_pipelined_requests_are_answered_in_turn(server: Server) -> None:
    """Requests in one segment, bodies and long answers among them, get their answers in their order."""
    with Wire(server.address) as wire:
        wire.send(
            GET
            + b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
            + b"GET /numbers/50000 HTTP/1.1\r\nHost: a\r\n\r\n"
            + b"GET /numbers/0 HTTP/1.1\r\nHost: a\r\n\r\n"
            + b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            + GET
        )
        assert HELLO == answer(wire)[2]
        assert b"\r\n\r\n" == answer(wire)[2]
        assert 500_000 == len(answer(wire)[2])
        assert b"" == answer(wire)[2]
        assert (404, b"there is no /last\n") == answer(wire)[::2]
        assert b"" == wire.read()


def test_a_byte_by_byte_sender_is_served(server: Server) -> None:
    """It does not matter in which pieces headers and body arrive."""
    with Wire(server.address) as wire:
        wire.trickle(b"\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n\r\n\r\n!" + GET)
        assert b"\r\n\r\n!" == answer(wire)[2]
        assert HELLO == answer(wire)[2]


@pytest.mark.parametrize(
    ("request_head", "stays_open"),
    [
        (b"GET / HTTP/1.1\r\nHost: a", True),
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close", False),
        (b"GET / HTTP/1.0", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive, close", False),
    ],
)
def test_who_closes(server: Server, request_head: bytes, stays_open: bool) -> None:
    """HTTP/1.1 keeps the connection unless told to close it, HTTP/1.0 the other way round."""
    with Wire(server.address) as wire:
        wire.send(request_head + b"\r\n\r\n")
        _, headers, body = answer(wire)
        assert HELLO == body
        assert (b"keep-alive" if stays_open else b"close") == headers[b"Connection"]
        if stays_open:
            wire.send(GET)
            assert HELLO == answer(wire)[2]
        else:
            assert b"" == wire.read()


# Bad requests


@pytest.mark.parametrize(
    ("request_head", "status", "reason"),
    [
        (b"", 400, b"request line b'' is not METHOD TARGET HTTP/1.1"),
        (b"HELLO", 400, b"request line b'HELLO' is not METHOD TARGET HTTP/1.1"),
        (b"GET /", 400, b"request line b'GET /' is not METHOD TARGET HTTP/1.1"),
        (b"GET  / HTTP/1.1", 400, b"request line b'GET  / HTTP/1.1' is not METHOD TARGET HTTP/1.1"),
        (b"GET /\xff HTTP/1.1", 400, b"request line b'GET /\\xff HTTP/1.1' is not METHOD TARGET HTTP/1.1"),
        (b"G@T / HTTP/1.1", 400, b"request line b'G@T / HTTP/1.1' is not METHOD TARGET HTTP/1.1"),
        (b"GET / HTTP/2.0", 505, b"only HTTP/1.0 and HTTP/1.1 are spoken here"),
        (b"GET / HTTP/1.1", 400, b"an HTTP/1.1 request must name its host"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400, b"two different values for header host"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon", 400, b"header line b'no colon' is not NAME: VALUE"),
        (b"GET / HTTP/1.1\r\nHost : a", 400, b"header line b'Host : a' is not NAME: VALUE"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded", 400, b"header line b' folded' is not NAME: VALUE"),
        (b"GET / HTTP/1.1\r\nHost: a\nX: y", 400, b"header line b'Host: a\\nX: y' is not NAME: VALUE"),
        (b"GET / HTTP/1.1\r\nHost: a\0", 400, b"header line b'Host: a\\x00' is not NAME: VALUE"),
        (b"POST / HTTP/1.0\r\nContent-Length: -5", 400, b"content-length '-5' is not a number of bytes"),
        (b"POST / HTTP/1.0\r\nContent-Length: +5", 400, b"content-length '+5' is not a number of bytes"),
        (b"POST / HTTP/1.0\r\nContent-Length: 1_0", 400, b"content-length '1_0' is not a number of bytes"),
        (b"POST / HTTP/1.0\r\nContent-Length: 5, 5", 400, b"content-length '5, 5' is not a number of bytes"),
        (b"POST / HTTP/1.0\r\nContent-Length:", 400, b"content-length '' is not a number of bytes"),
        (b"POST / HTTP/1.0\r\nContent-Length: \xb2", 400, b"content-length '\xc2\xb2' is not a number of bytes"),
        (b"POST / HTTP/1.0\r\nContent-Length: " + b"9" * 5000, 400, b"content-length '" + b"9" * 80),
        (b"POST / HTTP/1.0\r\nContent-Length: 5\r\nContent-Length: 6", 400, b"two different values for header"),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked", 501, b"transfer-encoding is not supported"),
        (b"POST / HTTP/1.0\r\nContent-Length: 999999999999999999", 413, b"a body is 1048576 bytes at most"),
    ],
)
def test_a_bad_request_is_refused(server: Server, request_head: bytes, status: int, reason: bytes) -> None:
    """The answer to a bad request says what is wrong; the connection ends, and what follows is not answered."""
    actual, body = exchange(server, request_head + b"\r\n\r\n" + GET)
    assert status == actual
    assert body.startswith(reason)


def test_a_header_block_of_just_the_limit(server: Server) -> None:
    """Eight kibibytes of headers are taken."""
    head = b"GET / HTTP/1.0\r\nX: "
    assert (200, HELLO) == exchange(server, head + b"y" * (8192 - len(head)) + b"\r\n\r\n")


@pytest.mark.parametrize("size", [8193, 100_000])
def test_a_too_long_header_block(server: Server, size: int) -> None:
    """More is a 431, which the client gets although it sent all of it."""
    head = b"GET / HTTP/1.0\r\nX: "
    assert (431, b"a header block is 8192 bytes at most\n") == exchange(
        server, head + b"y" * (size - len(head)) + b"\r\n\r\n"
    )


def test_headers_that_never_end(server: Server) -> None:
    """The connection of a client that sends headers for ever is closed."""
    with Wire(server.address) as wire, pytest.raises(ConnectionError):
        wire.send(b"X: y\r\n" * 10_000_000)


def test_a_costly_header_is_refused_at_once(server: Server) -> None:
    """Blanks that end in a forbidden byte cost no more than other headers do."""
    status, _ = exchange(server, b"GET / HTTP/1.0\r\nX:" + b" " * 8000 + b"\0\r\n\r\n")
    assert 400 == status


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
        b"GET /numbers/999999 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
@pytest.mark.parametrize("manner", ["close", "vanish"])
def test_a_client_that_leaves_hurts_nobody(
    server: Server, leaves_nothing: Callable[..., AbstractContextManager[None]], sent: bytes, manner: str
) -> None:
    """After a client that left in mid-request or mid-answer the next one is served, and nothing is left of it."""
    with leaves_nothing(server, lambda: exchange(server, b"GET / HTTP/1.0\r\n\r\n")):
        wire = Wire(server.address)
        wire.send(sent)
        getattr(wire, manner)()
