"""Connecting by name: all addresses tried, one winner or one error."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from asynchat_core.connecting import in_turn

from .conftest import Rig


class Client:
    """A channel that keeps what is told to it."""

    def __init__(self, rig: Rig) -> None:
        self.events: list[Any] = []
        events = self.events

        class Channel(rig.module.async_chat):  # type: ignore[misc, name-defined]
            def handle_connect(self) -> None:
                events.append(("connected", self.connected))

            def connection_failed(self, error: OSError) -> None:
                events.append(error)
                super().connection_failed(error)

            def handle_close(self) -> None:
                events.append("closed")
                self.close()

            def frame_received(self, frame: bytes) -> None:
                events.append(frame)

        self.channel = Channel(map=rig.map)
        self.channel.set_terminator(b"\n")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Names that resolve to what a test puts in."""
    names: dict[str, list[Any]] = {}
    ask = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host in names and not kwargs.get("flags"):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in names[host]]
        return ask(host, *args, **kwargs)

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    return names


@pytest.fixture
def dead(rig: Rig) -> Any:
    """An address where nobody listens."""
    sock = socket.socket()
    rig.sockets.append(sock)
    sock.bind(("127.0.0.1", 0))
    return sock.getsockname()


def test_a_name_is_resolved_and_connected(rig: Rig) -> None:
    """A name leads to ``handle_connect``, before ``connected`` is true; what was pushed before is sent then."""
    port = rig.listen().addresses[0][1]
    client = Client(rig)
    client.channel.push(b"early\n")
    rig.module.connect(client.channel, "localhost", port)
    assert [] == client.events
    rig.until(lambda: len(client.events) == 2)
    assert [("connected", False), b"early"] == client.events
    assert ("127.0.0.1", port) == client.channel.addr


def test_an_address_needs_no_resolving(rig: Rig) -> None:
    """A host that is an address is connected to, and no callback runs within ``connect``."""
    client = Client(rig)
    rig.module.connect(client.channel, "127.0.0.1", rig.listen().addresses[0][1])
    assert [] == client.events
    rig.until(lambda: client.channel.connected)


def test_a_path_is_connected(rig: Rig, tmp_path: Path) -> None:
    """``path`` connects to a Unix socket."""
    path = str(tmp_path / "s")
    rig.listen(path=path)
    client = Client(rig)
    rig.module.connect(client.channel, path=path)
    assert [] == client.events
    client.channel.push(b"a\n")
    rig.until(lambda: b"a" in client.events)


def test_the_next_address_is_tried(rig: Rig, names: dict[str, list[Any]], dead: Any) -> None:
    """After an address that refuses comes the next, at once."""
    address = rig.listen().addresses[0]
    names["several.example"] = [dead, address]
    client = Client(rig)
    rig.module.connect(client.channel, "several.example", 1)
    rig.until(lambda: client.channel.connected)
    assert address == client.channel.addr
    assert [("connected", False)] == client.events


def test_an_address_that_is_silent_is_overtaken(rig: Rig, names: dict[str, list[Any]]) -> None:
    """While an address says nothing the next is tried beside it, and the first to answer wins; the other is closed."""
    silent = socket.create_server(("127.0.0.1", 0), backlog=0)
    rig.sockets.append(silent)
    waiting = []
    for _ in range(3):
        # Until the backlog is full: then the kernel drops what comes.
        sock = socket.socket()
        rig.sockets.append(sock)
        sock.setblocking(False)
        sock.connect_ex(silent.getsockname())
        waiting.append(sock)
    address = rig.listen().addresses[0]
    names["several.example"] = [silent.getsockname(), address]
    client = Client(rig)
    rig.module.connect(client.channel, "several.example", 1)
    rig.until(lambda: client.channel.connected)
    assert address == client.channel.addr
    rig.until(lambda: 3 == len(rig.map))


def test_when_all_fail_there_is_one_error(rig: Rig, names: dict[str, list[Any]], dead: Any) -> None:
    """When no address answers there is one error that tells of each, and the channel is closed."""
    names["several.example"] = [dead, ("127.0.0.2", dead[1])]
    client = Client(rig)
    rig.module.connect(client.channel, "several.example", 25)
    rig.until(lambda: "closed" in client.events)
    error, closed = client.events
    assert errno.ECONNREFUSED == error.errno
    assert str(error).endswith(
        "cannot connect to several.example:25: 127.0.0.1: Connection refused; 127.0.0.2: Connection refused"
    )
    assert "closed" == closed
    assert {} == rig.map


def test_an_unknown_name_is_an_error(rig: Rig) -> None:
    """A name that does not resolve is one error that names it."""
    client = Client(rig)
    rig.module.connect(client.channel, "no-such-host.invalid", 25)
    rig.until(lambda: "closed" in client.events)
    assert isinstance(client.events[0], socket.gaierror)
    assert "cannot resolve 'no-such-host.invalid'" in str(client.events[0])


def test_a_missing_path_is_an_error(rig: Rig, tmp_path: Path) -> None:
    """A path where nothing is is one error that names it."""
    path = str(tmp_path / "nothing")
    client = Client(rig)
    rig.module.connect(client.channel, path=path)
    rig.until(lambda: "closed" in client.events)
    assert isinstance(client.events[0], FileNotFoundError)
    assert repr(path) in str(client.events[0])


def test_close_gives_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ``close()`` nothing is heard of the connection, although the resolver answers later."""
    may_answer, answered = Event(), Event()
    ask = socket.getaddrinfo

    def slow(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("flags"):
            return ask(*args, **kwargs)
        may_answer.wait()
        answered.set()
        return ask(*args, **kwargs)

    monkeypatch.setattr("socket.getaddrinfo", slow)
    client = Client(rig)
    rig.module.connect(client.channel, "localhost", rig.listen().addresses[0][1])
    client.channel.close()
    may_answer.set()
    answered.wait()
    for _ in range(3):
        rig.module.poll_once(0, rig.map)
    assert [] == client.events
    assert 1 == len(rig.map)


def test_it_takes_no_longer_than_the_timeout(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that does not answer is given up after ``timeout``, with a TimeoutError."""
    may_answer = Event()
    monkeypatch.setattr("asynchat_core.connecting._without_resolving", lambda target: None)
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: [may_answer.wait()][1:])
    client = Client(rig)
    rig.module.connect(client.channel, "localhost", 25, timeout=0.01)
    rig.until(lambda: "closed" in client.events)
    may_answer.set()
    assert isinstance(client.events[0], TimeoutError)


def test_the_loop_runs_until_it_is_settled(rig: Rig) -> None:
    """``loop()`` does not end while a name is being resolved."""
    client = Client(rig)
    rig.module.connect(client.channel, "no-such-host.invalid", 25, timeout=None)
    rig.module.loop(map=rig.map)
    assert "closed" in client.events


def test_it_connects_from_the_address_it_is_given(rig: Rig) -> None:
    """``local`` is where the connection comes from."""
    listener = rig.listen()
    client = Client(rig)
    rig.module.connect(client.channel, "127.0.0.1", listener.addresses[0][1], local="127.0.0.3")
    rig.until(lambda: listener.connections)
    assert "127.0.0.3" == listener.connections[0].addr[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"host": "localhost"}, "port None"),
        ({"port": 25}, "host None"),
        ({"host": "localhost", "port": 0}, "port 0"),
        ({"host": "localhost", "port": 25, "path": "x"}, "not to both 'localhost' and 'x'"),
        ({"host": "localhost", "port": 25, "local": "here"}, "local"),
    ],
)
def test_an_argument_that_cannot_be_is_named(rig: Rig, arguments: dict[str, Any], message: str) -> None:
    """A bad argument is a ValueError with its name or value."""
    client = Client(rig)
    with pytest.raises(ValueError, match=message):
        rig.module.connect(client.channel, **arguments)


def test_families_take_turns() -> None:
    """Addresses of one family follow those of another, in the resolver's order, each once (RFC 8305)."""
    assert [(10, "a"), (2, "c"), (10, "b"), (2, "d")] == in_turn([(10, "a"), (10, "b"), (10, "a"), (2, "c"), (2, "d")])
