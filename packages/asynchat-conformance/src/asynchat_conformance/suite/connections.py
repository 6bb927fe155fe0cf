"""CON and ACC: connecting and accepting."""

from __future__ import annotations

import errno
import os
import resource
import socket
import tempfile
from pathlib import Path
from typing import Any

from .._events import ACCEPTED, CLOSE, CONNECT, DATA, END
from .._registry import Capability, Level, check
from .._rig import Rig
from .._sockets import ScriptedSocket

_CONNECT = [Capability.CONNECT]
_LISTEN = [Capability.LISTEN]


def _server(rig: Rig, family: int = socket.AF_INET, address: Any = ("127.0.0.1", 0)) -> socket.socket:
    """Return a plain listening socket, closed with the rig."""
    listener = socket.create_server(address, family=family)
    rig.peer(listener)
    return listener


def _closed_port() -> tuple[str, int]:
    """Return an address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address: tuple[str, int] = listener.getsockname()
    return address


def _take(rig: Rig, listener: socket.socket) -> Any:
    """Accept the connection that waits."""
    return rig.peer(listener.accept()[0])


@check("CON-001", Level.MUST, needs=_CONNECT)
def connect_comes_first(rig: Rig) -> None:
    """handle_connect runs once, before any callback for data."""
    listener = _server(rig)
    client = rig.client()
    client.connect(listener.getsockname())
    client.peer = _take(rig, listener)
    client.peer.send(b"hello\n")

    rig.until(lambda: END in client.events, "the greeting")

    rig.expect(rig.trace(client), [CONNECT, DATA(b"hello"), END])


@check("CON-002", Level.MUST, needs=_CONNECT)
def connected_says_so(rig: Rig) -> None:
    """The attribute connected is false before and in handle_connect, and true after it returned."""
    listener = _server(rig)
    seen = []
    client = rig.client(connect=lambda ch: seen.append(bool(ch.connected)))
    seen.append(bool(client.connected))
    client.connect(listener.getsockname())
    rig.until(lambda: CONNECT in client.events, "the connection")
    rig.settle()
    seen.append(bool(client.connected))

    rig.expect(seen, [False, False, True])


@check("CON-003", Level.MUST, needs=_CONNECT)
def refused(rig: Rig) -> None:
    """When it is refused, connect raises or handle_error or handle_close runs, and the channel leaves the map."""
    client = rig.client()
    try:
        client.connect(_closed_port())
        rig.until(lambda: client.events, "the refusal")
        told = CONNECT not in client.events
    except OSError:
        told = True
    rig.settle()

    assert told, client.events
    assert len(rig.map) == 0


@check("CON-004", Level.MUST, needs=_CONNECT)
def the_greeting_is_not_lost(rig: Rig) -> None:
    """A greeting that arrives with the connection, before the first poll, is not lost."""
    listener = _server(rig)
    client = rig.client()
    client.connect(listener.getsockname())
    peer = _take(rig, listener)
    peer.send(b"220 ready\n")
    peer.close()

    rig.until(lambda: CLOSE in client.events, "the end")

    rig.expect(rig.trace(client), [CONNECT, DATA(b"220 ready"), END, CLOSE])


@check("CON-005", Level.MUST, needs=[Capability.CONNECT, Capability.UNIX])
def immediate_success(rig: Rig) -> None:
    """A connection that succeeds at once also calls handle_connect once."""
    with tempfile.TemporaryDirectory() as folder:
        listener = _server(rig, socket.AF_UNIX, str(Path(folder) / "s"))
        client = rig.client(family=socket.AF_UNIX)
        client.connect(listener.getsockname())
        client.peer = _take(rig, listener)
        trace = rig.feed(client, b"a\n")

    rig.expect(trace, [CONNECT, DATA(b"a"), END])


@check("CON-006", Level.MUST, needs=_CONNECT)
def close_while_connecting(rig: Rig) -> None:
    """Closing while connecting leaks nothing and calls nothing."""
    listener = _server(rig)
    client = rig.client()
    client.connect(listener.getsockname())

    client.close()
    rig.settle()

    rig.expect((client.events, len(rig.map)), ([], 0))


@check("CON-007", Level.MUST, needs=[Capability.CONNECT, Capability.IPV6])
def ipv6(rig: Rig) -> None:
    """Connecting over IPv6 loopback works."""
    listener = _server(rig, socket.AF_INET6, ("::1", 0))
    client = rig.client(family=socket.AF_INET6)
    client.connect(listener.getsockname())
    client.peer = _take(rig, listener)

    rig.expect(rig.feed(client, b"a\n"), [CONNECT, DATA(b"a"), END])


@check("CON-008", Level.MUST, needs=_CONNECT)
def addr_is_set(rig: Rig) -> None:
    """The attribute addr is the peer's address."""
    listener = _server(rig)
    client = rig.client()
    client.connect(listener.getsockname())
    rig.until(lambda: CONNECT in client.events, "the connection")
    served = rig.chat(tcp=True)

    rig.expect(client.addr, listener.getsockname())
    rig.expect(served.addr, served.peer.sock.getsockname())


@check("CON-009", Level.MUST)
def an_unconnected_socket(rig: Rig) -> None:
    """An unconnected socket in the constructor gives connected = False."""
    sock = socket.socket()
    channel = rig.backend.async_chat(sock, rig.map)

    assert not channel.connected
    channel.close()


@check("CON-010", Level.MUST)
def sockets_become_non_blocking(rig: Rig) -> None:
    """A blocking socket is made non-blocking."""
    ours, theirs = socket.socketpair()
    ours.setblocking(True)
    channel = rig.adopt(ours, theirs)

    rig.expect(channel.socket.gettimeout(), 0.0)


@check("CON-011", Level.MUST, needs=_CONNECT)
def a_refused_connection_leaves_no_descriptor(rig: Rig) -> None:
    """A refused connection leaves no descriptor open."""
    client = rig.client()
    try:
        client.connect(_closed_port())
        rig.until(lambda: client.events, "the refusal")
    except OSError:
        client.close()
    rig.settle()

    rig.expect(client.socket.fileno(), -1)


@check("CON-012", Level.SHOULD, needs=_CONNECT, slow=True)
def many_connects(rig: Rig) -> None:
    """100 connections begun together all finish."""
    listener = _server(rig)
    listener.listen(200)
    clients = [rig.client() for _ in range(100)]
    for client in clients:
        client.connect(listener.getsockname())

    rig.until(lambda: all(CONNECT in client.events for client in clients), "all connections")


@check("CON-013", Level.MUST, needs=_CONNECT)
def connecting_again(rig: Rig) -> None:
    """After close(), connect works again on a new socket, with nothing left of the old connection."""
    listener = _server(rig)
    client = rig.client()
    for round_ in (b"first", b"second"):
        if round_ == b"second":
            client.close()
            client.create_socket(socket.AF_INET, socket.SOCK_STREAM)
        client.connect(listener.getsockname())
        client.peer = _take(rig, listener)
        rig.feed(client, round_ + b"\nhalf")
        client.push(round_)
        rig.expect(rig.drain(client), round_)

    rig.expect(
        rig.trace(client),
        [CONNECT, DATA(b"first"), END, DATA(b"half"), CONNECT, DATA(b"second"), END, DATA(b"half")],
    )


@check("ACC-001", Level.MUST, needs=_LISTEN)
def accepted_has_socket_and_address(rig: Rig) -> None:
    """handle_accepted(sock, addr) runs once for each connection."""
    taken: list[Any] = []
    listener = rig.listener(accepted=lambda ch, sock, addr: taken.append((rig.peer(sock), addr)))
    peer = rig.dial(listener)

    rig.until(lambda: taken, "the connection")
    rig.settle()

    rig.expect([addr for _, addr in taken], [peer.sock.getsockname()])


@check("ACC-002", Level.MUST, needs=_LISTEN)
def ten_waiting_connections(rig: Rig) -> None:
    """Ten waiting connections are all accepted."""
    listener = rig.listener(accepted=lambda ch, sock, addr: sock.close())
    for _ in range(10):
        rig.dial(listener)

    rig.until(lambda: len(listener.events) == 10, "ten connections")


@check("ACC-003", Level.MUST, needs=_LISTEN)
def the_default_closes(rig: Rig) -> None:
    """The default handle_accepted closes the socket."""
    listener = rig.listener()
    peer = rig.dial(listener)

    rig.until(lambda: ACCEPTED in listener.events, "the connection")
    rig.settle()
    peer.receive()

    assert peer.at_eof


@check("ACC-004", Level.MUST, needs=[Capability.LISTEN, Capability.READINESS])
def nobody_there_any_more(rig: Rig) -> None:
    """An accept that finds nobody (EAGAIN, ECONNABORTED) is harmless."""
    listener = rig.listener(accepted=lambda ch, sock, addr: sock.close())
    errors = [errno.EAGAIN, errno.ECONNABORTED]

    class Aborting(ScriptedSocket):
        def accept(self) -> Any:
            if errors:
                number = errors.pop()
                raise OSError(number, os.strerror(number))
            return self._sock.accept()

    listener.socket = Aborting(listener.socket)
    rig.dial(listener)

    rig.until(lambda: ACCEPTED in listener.events, "the connection")

    rig.expect((listener.events, errors), ([ACCEPTED], []))


@check("ACC-005", Level.MUST, needs=_LISTEN)
def a_new_chat_joins_in(rig: Rig) -> None:
    """A chat made in handle_accepted joins the map and gets data that was sent already."""
    served: list[Any] = []

    def take(listener: Any, sock: Any, addr: Any) -> None:
        served.append(rig.recorder(rig.backend.async_chat)(sock, rig.map))
        served[-1].set_terminator(b"\n")

    listener = rig.listener(accepted=take)
    peer = rig.dial(listener)
    peer.send(b"early\n")

    rig.until(lambda: served and END in served[0].events, "the frame")

    rig.expect(rig.trace(served[0]), [DATA(b"early"), END])


@check("ACC-006", Level.MUST, needs=_LISTEN)
def closing_the_listener_keeps_the_channels(rig: Rig) -> None:
    """Closing the listener in handle_accepted keeps the channels that live."""
    served: list[Any] = []

    def take(listener: Any, sock: Any, addr: Any) -> None:
        served.append(rig.recorder(rig.backend.async_chat)(sock, rig.map))
        served[-1].set_terminator(b"\n")
        listener.close()

    listener = rig.listener(accepted=take)
    peer = rig.dial(listener)
    rig.until(lambda: served, "the connection")
    peer.send(b"a\n")

    rig.until(lambda: END in served[0].events, "the frame")


@check("ACC-007", Level.SHOULD, needs=_LISTEN, slow=True)
def out_of_descriptors(rig: Rig) -> None:
    """EMFILE on accept is reported, does not spin, and does not cost the listener."""
    listener = rig.listener(accepted=lambda ch, sock, addr: sock.close())
    rig.settle()
    first = rig.dial(listener)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first.sock.fileno() + 1, hard))
    try:
        for _ in range(20):
            rig.poll()
        reports = len(listener.logs) + len(listener.events)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    rig.until(lambda: ACCEPTED in listener.events, "the connection, when descriptors are free again")
    assert 1 <= reports < 10, f"{reports} reports in 20 polls"


@check("ACC-008", Level.MUST, needs=_LISTEN)
def a_listener_does_not_write(rig: Rig) -> None:
    """A listener gets no write events."""
    listener = rig.listener(write=lambda ch: None)
    for _ in range(5):
        rig.poll()

    rig.expect(listener.events, [])


@check("ACC-009", Level.MUST, needs=_LISTEN)
def rebinding(rig: Rig) -> None:
    """set_reuse_addr allows the port to be bound again at once."""
    taken: list[Any] = []
    first = rig.listener(reuse=True, accepted=lambda ch, sock, addr: taken.append(rig.peer(sock)))
    rig.dial(first)
    rig.until(lambda: taken, "the connection")
    taken[0].close()
    first.close()

    second = rig.backend.dispatcher(None, rig.map)
    second.create_socket(socket.AF_INET, socket.SOCK_STREAM)
    second.set_reuse_addr()
    second.bind(first.address)
    second.listen(5)

    rig.expect(second.socket.getsockname(), first.address)
