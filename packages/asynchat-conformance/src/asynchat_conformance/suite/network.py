"""NET: listen, connect by name, and the graceful stop."""

from __future__ import annotations

import resource
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from .._events import CLOSE, CONNECT, DATA, END, ERROR, Event
from .._registry import Capability, Level, check
from .._rig import Rig
from .._sockets import Peer

_LISTEN: list[Capability | str] = [Capability.LISTEN, "listen"]
_UNIX: list[Capability | str] = [*_LISTEN, Capability.UNIX]
_CONNECT: list[Capability | str] = [Capability.CONNECT, "connect"]
_STOP: list[Capability | str] = [*_LISTEN, "shutdown"]

_HERE = "127.0.0.1"
_MIB = 1 << 20


def _factory(rig: Rig, made: list[Any] | None = None, **hooks: Any) -> Callable[..., Any]:
    """Return a factory of recording channels that send each line back."""
    hooks = hooks or {"collect": lambda ch, data: ch.push(data), "found": lambda ch: ch.push(b"\n")}
    recorder = rig.recorder(rig.backend.async_chat, **hooks)

    def factory(sock: Any, map: Any) -> Any:
        channel = recorder(sock, map)
        channel.set_terminator(b"\n")
        if made is not None:
            made.append(channel)
        return channel

    return factory


def _listen(rig: Rig, factory: Any = None, host: str | None = _HERE, **options: Any) -> Any:
    return rig.backend.listen(factory or _factory(rig), host, map=rig.map, **options)


def _dial(rig: Rig, address: Any) -> Peer:
    """Connect to an address by a plain socket; the kernel completes that before anybody accepts."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    peer = rig.peer(sock)
    sock.settimeout(5)
    sock.connect(address)
    sock.setblocking(False)
    return peer


def _ask(rig: Rig, peer: Peer, line: bytes = b"a\n") -> bytes:
    """Send a line; return what comes back until its end, or the connection's."""
    peer.send(line)
    begin = len(peer.received)

    def answered() -> bool:
        peer.receive()
        return peer.at_eof or peer.received[begin:].endswith(b"\n")

    rig.until(answered, "the answer")
    return peer.received[begin:]


def _ended(rig: Rig, peer: Peer) -> None:
    """Poll until the peer sees the end."""
    rig.until(lambda: peer.receive() * 0 or peer.at_eof, "the end of the connection")


def _client(rig: Rig, **methods: Any) -> Any:
    """Make a recording channel without a socket."""
    recorder = rig.recorder(type("Client", (rig.backend.async_chat,), methods))
    channel = recorder(None, rig.map)
    channel.set_terminator(b"\n")
    return channel


@check("NET-001", Level.MUST, needs=_LISTEN)
def listening_on_a_host(rig: Rig) -> None:
    """listen() serves a host and port; with port 0, addresses tells which one it is. After close() it refuses."""
    listener = _listen(rig)
    (host, port) = listener.addresses[0]

    rig.expect((host, port > 0, _ask(rig, _dial(rig, (host, port)))), (_HERE, True, b"a\n"))

    listener.close()
    with suppress(ConnectionRefusedError):
        _dial(rig, (host, port))
        raise AssertionError("it still listens")


@check("NET-002", Level.MUST, needs=_UNIX)
def listening_on_a_path(rig: Rig) -> None:
    """listen() serves the path of a Unix socket, with the mode asked for; close() removes the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "socket")
        listener = _listen(rig, host=None, path=str(path), mode=0o600)

        rig.expect((listener.addresses, path.stat().st_mode & 0o777), ([str(path)], 0o600))
        rig.expect(_ask(rig, _dial(rig, str(path))), b"a\n")

        listener.close()
        rig.expect(path.exists(), False)


@check("NET-003", Level.MUST, needs=_LISTEN)
def listening_on_a_descriptor(rig: Rig) -> None:
    """listen() serves a bound socket that the process inherited as a descriptor."""
    inherited = socket.create_server((_HERE, 0))
    address = inherited.getsockname()

    listener = _listen(rig, host=None, fd=inherited.detach())

    rig.expect((listener.addresses, _ask(rig, _dial(rig, address))), ([address], b"a\n"))


@check("NET-004", Level.MUST, needs=_LISTEN)
def a_raising_factory(rig: Rig) -> None:
    """A handler factory that raises costs its own connection, never the listener."""
    good, fail = _factory(rig), [True]

    def factory(sock: Any, map: Any) -> Any:
        if fail:
            fail.clear()
            raise LookupError("on purpose")
        return good(sock, map)

    listener = _listen(rig, factory)
    _ended(rig, _dial(rig, listener.addresses[0]))

    rig.expect(len(listener.addresses), 1)
    rig.expect(_ask(rig, _dial(rig, listener.addresses[0])), b"a\n")


@check("NET-005", Level.MUST, needs=_LISTEN)
def all_places_taken(rig: Rig) -> None:
    """At max_connections nobody more is accepted; who waits is served when a connection ends."""
    listener = _listen(rig, max_connections=1)
    first = _dial(rig, listener.addresses[0])
    _ask(rig, first)
    second = _dial(rig, listener.addresses[0])
    second.send(b"b\n")
    _ask(rig, first)
    rig.settle()
    rig.expect((second.receive(), len(listener.connections)), (0, 1))

    first.close()

    rig.expect(_ask(rig, second, b""), b"b\n")


@check("NET-006", Level.MUST, needs=_LISTEN)
def too_many_of_one_address(rig: Rig) -> None:
    """Above max_connections_per_ip a connection is closed at once; when another ends there is a place again."""
    listener = _listen(rig, max_connections_per_ip=1)
    first = _dial(rig, listener.addresses[0])
    _ask(rig, first)
    _ended(rig, _dial(rig, listener.addresses[0]))
    rig.expect(_ask(rig, first), b"a\n")

    first.close()
    rig.until(lambda: not listener.connections, "the end of the first connection")

    rig.expect(_ask(rig, _dial(rig, listener.addresses[0])), b"a\n")


@check("NET-007", Level.MUST, needs=_UNIX)
def files_of_unix_sockets(rig: Rig) -> None:
    """The file that a dead server left is replaced; that of a live one is an OSError, and it goes on serving."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "socket"))
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        live = _listen(rig, host=None, path=path)
        rig.expect(_ask(rig, _dial(rig, path)), b"a\n")

        with suppress(OSError):
            _listen(rig, host=None, path=path)
            raise AssertionError("the file of a live server was replaced")

        rig.expect(_ask(rig, _dial(rig, path)), b"a\n")
        live.close()


@check("NET-008", Level.MUST, needs=_LISTEN)
def values_that_cannot_be(rig: Rig) -> None:
    """A bad value is a ValueError that names it, and nothing is left in the map."""
    for options, value in (
        ({"port": 65536}, "65536"),
        ({"backlog": 0}, "0"),
        ({"max_connections": -7}, "-7"),
        ({"max_connections_per_ip": 0}, "0"),
        ({"proxy_protocol_from": ["10.0.0.0/33"]}, "10.0.0.0/33"),
    ):
        try:
            _listen(rig, **options)
        except ValueError as error:
            rig.expect((value in str(error), "\n" in str(error)), (True, False))
        else:
            raise AssertionError(f"{options} is taken")
    rig.expect(len(rig.map), 0)


@check("NET-009", Level.MUST, needs=_CONNECT)
def all_addresses_of_a_name(rig: Rig) -> None:
    """connect() by a name tries its addresses until one answers: one handle_connect, and no failure is told."""
    with socket.socket() as deaf, socket.create_server((_HERE, 0)) as listener:
        deaf.bind((_HERE, 0))
        addresses = [deaf.getsockname(), listener.getsockname()]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
        numeric, getaddrinfo = socket.AI_NUMERICHOST, socket.getaddrinfo

        def resolve(host: Any, port: Any, *args: Any, **options: Any) -> Any:
            named = host == "name.test" and not options.get("flags", 0) & numeric
            return found if named else getaddrinfo(host, port, *args, **options)

        channel = _client(rig)
        with patch.object(socket, "getaddrinfo", resolve):
            rig.backend.connect(channel, "name.test", listener.getsockname()[1])
            channel.push(b"hello")
            peer = rig.take(listener)
        rig.until(lambda: peer.receive() or len(peer.received) == 5, "the output")

    rig.expect((channel.events, channel.addr), ([CONNECT], addresses[1]))


@check("NET-010", Level.MUST, needs=_CONNECT)
def nobody_answers(rig: Rig) -> None:
    """When no address answers, handle_error and handle_close are called once each, and not within connect()."""
    with socket.socket() as deaf:
        deaf.bind((_HERE, 0))
        channel = _client(rig)
        rig.backend.connect(channel, *deaf.getsockname())
        rig.expect(channel.events, [])

        rig.until(lambda: channel.events, "the failure")
        rig.settle()

    rig.expect((channel.events, len(rig.map)), ([ERROR(ConnectionRefusedError), CLOSE], 0))


@check("NET-011", Level.MUST, needs=_CONNECT, slow=True)
def no_answer_in_time(rig: Rig) -> None:
    """connect() gives up after its time-out: connection_failed is told, once, in place of handle_error."""

    def failed(channel: Any, error: OSError) -> None:
        channel.events.append(Event("FAILED", type(error).__name__))
        channel.close()

    with socket.create_server((_HERE, 0), backlog=0) as full:
        for _ in range(3):
            sock = socket.socket()
            rig.peer(sock)
            sock.connect_ex(full.getsockname())
        channel = _client(rig, connection_failed=failed)
        rig.backend.connect(channel, *full.getsockname(), timeout=0.03)
        rig.until(lambda: channel.events, "the time-out")
        rig.settle()

    rig.expect((channel.events, len(rig.map)), ([Event("FAILED", "TimeoutError")], 0))


@check("NET-012", Level.MUST, needs=_LISTEN)
def a_trusted_balancer(rig: Rig) -> None:
    """A PROXY header, version 1 or 2, of a trusted address gives the client's address; what follows is the stream."""
    client = ("192.0.2.7", 4711)
    one = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n"
    two = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\7\xc0\0\2\1" + (4711).to_bytes(2, "big") + b"\0\x19"
    for header in (one, two):
        made: list[Any] = []
        listener = _listen(rig, _factory(rig, made), proxy_protocol_from=["127.0.0.0/8"])
        answer = _ask(rig, _dial(rig, listener.addresses[0]), header + b"a\n")
        rig.expect((answer, [channel.addr for channel in made]), (b"a\n", [client]))
        rig.expect(rig.trace(made[0]), [DATA(b"a"), END])


@check("NET-013", Level.MUST, needs=_LISTEN)
def a_balancer_that_is_not_trusted(rig: Rig) -> None:
    """What looks like a PROXY header, from an address that is not trusted, is data, and changes no address."""
    made: list[Any] = []
    listener = _listen(rig, _factory(rig, made), proxy_protocol_from=["192.0.2.0/24"])
    header = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n"

    rig.expect(_ask(rig, _dial(rig, listener.addresses[0]), header), header)
    rig.expect(made[0].addr[0], _HERE)


@check("NET-014", Level.MUST, needs=_STOP, slow=True)
def a_graceful_stop(rig: Rig) -> None:
    """shutdown() refuses newcomers; what was accepted is answered, all output is sent, then each channel is closed."""
    made: list[Any] = []
    listener = _listen(rig, _factory(rig, made, found=lambda ch: ch.push(b"x" * (4 * _MIB))))
    address = listener.addresses[0]
    peer = _dial(rig, address)
    peer.send(b"a\n")
    rig.until(lambda: made and END in made[0].events, "the request")

    stop = rig.backend.shutdown(5, map=rig.map)
    rig.until(lambda: peer.receive() * 0 or stop.finished, "the end of the stop")
    _ended(rig, peer)

    rig.expect((len(peer.received), peer.was_reset, stop.aborted, made[0].events.count(CLOSE)), (4 * _MIB, False, 0, 1))
    with suppress(ConnectionRefusedError):
        _dial(rig, address)
        raise AssertionError("it still listens")


@check("NET-015", Level.MUST, needs=_STOP, slow=True)
def a_stop_has_an_end(rig: Rig) -> None:
    """What has not finished when the time of shutdown() is over is aborted; so it is by its abort(), at once."""
    _stop_unfinished(rig, 0.05, lambda stop: None)
    _stop_unfinished(rig, 60, lambda stop: stop.abort())


def _stop_unfinished(rig: Rig, timeout: float, then: Callable[[Any], object]) -> None:
    """Stop while a peer does not take its output; expect that it was cut off, and told once."""
    made: list[Any] = []
    listener = _listen(rig, _factory(rig, made, found=lambda ch: ch.push(b"x" * (8 * _MIB))))
    _dial(rig, listener.addresses[0]).send(b"a\n")
    rig.until(lambda: made and END in made[0].events, "the request")

    stop = rig.backend.shutdown(timeout, map=rig.map)
    then(stop)
    rig.until(lambda: stop.finished, "the end of the stop")

    rig.expect((stop.aborted, listener.connections, made[0].events.count(CLOSE)), (1, [], 1))


@check("NET-016", Level.MUST, needs=_LISTEN)
def many_at_once(rig: Rig) -> None:
    """At most 100 connections are accepted in one turn, so that the others' turn comes; the rest follow."""
    made: list[Any] = []
    listener = _listen(rig, _factory(rig, made))
    for _ in range(120):
        _dial(rig, listener.addresses[0])

    rig.poll()
    while not made:
        rig.poll(0.01)
    rig.expect(len(made) <= 100, True)

    rig.until(lambda: len(made) == 120, "the rest")


@check("NET-017", Level.MUST, needs=_LISTEN, slow=True)
def no_descriptor_left(rig: Rig) -> None:
    """Without a descriptor left the listener stays and those who are there are served; then who waits is accepted."""
    listener = _listen(rig)
    old = _dial(rig, listener.addresses[0])
    _ask(rig, old)
    new = _dial(rig, listener.addresses[0])
    with socket.socket() as probe:
        first_free = probe.fileno()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, before[1]))
    try:
        new.send(b"b\n")
        rig.settle()
        rig.expect((_ask(rig, old), new.receive(), len(listener.addresses)), (b"a\n", 0, 1))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    rig.expect(_ask(rig, new, b""), b"b\n")


@check("NET-018", Level.MUST, needs=_CONNECT)
def giving_up(rig: Rig) -> None:
    """close() before the connection stands gives it up: no callback comes, and nothing stays in the map."""
    with socket.create_server((_HERE, 0)) as listener:
        channel = _client(rig)
        rig.backend.connect(channel, *listener.getsockname())
        channel.close()
        rig.settle()

    rig.expect((channel.events, len(rig.map)), ([], 0))
