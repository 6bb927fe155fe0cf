"""API: surface and arguments."""

from __future__ import annotations

import inspect
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._events import CLOSE, DATA, END
from .._registry import Capability, Level, check
from .._rig import Rig

_DOCUMENTED = (
    "collect_incoming_data found_terminator set_terminator get_terminator push push_with_producer close_when_done"
    " discard_buffers ac_in_buffer_size ac_out_buffer_size"
)


@check("API-001", Level.MUST)
def documented_names(rig: Rig) -> None:
    """The class async_chat has every documented method and attribute."""
    missing = [name for name in _DOCUMENTED.split() if not hasattr(rig.backend.async_chat, name)]

    assert not missing, missing


@check("API-002", Level.MUST)
def constructor(rig: Rig) -> None:
    """The constructor takes (sock=None, map=None) by position and by keyword."""
    chat = rig.backend.async_chat
    made = []
    ways: list[Callable[[Any], Any]] = [
        lambda sock: chat(sock, rig.map),
        lambda sock: chat(sock, map=rig.map),
        lambda sock: chat(sock=sock, map=rig.map),
    ]
    for build in ways:
        ours, theirs = socket.socketpair()
        rig.peer(theirs)
        made.append(build(ours))

    assert all(rig.map[channel.socket.fileno()] is channel for channel in made)
    assert chat(None, rig.map).socket is None
    assert chat(map=rig.map).socket is None


@check("API-003", Level.MUST)
def callbacks_must_be_defined(rig: Rig) -> None:
    """The base collect_incoming_data and found_terminator raise NotImplementedError."""
    channel = rig.backend.async_chat(None, rig.map)

    for call in (lambda: channel.collect_incoming_data(b"x"), channel.found_terminator):
        try:
            call()
        except NotImplementedError:
            continue
        raise AssertionError("no NotImplementedError")


@check("API-004", Level.MUST)
def chat_is_a_dispatcher(rig: Rig) -> None:
    """The class async_chat is a subclass of the backend's dispatcher."""
    assert issubclass(rig.backend.async_chat, rig.backend.dispatcher)


@check("API-005", Level.MUST)
def terminator_is_returned(rig: Rig) -> None:
    """get_terminator returns what set_terminator was given, before any data."""
    channel = rig.chat()

    for terminator in (b"\r\n", b"x", 10, None):
        channel.set_terminator(terminator)
        rig.expect(channel.get_terminator(), terminator)


@check("API-006", Level.MUST)
def negative_count(rig: Rig) -> None:
    """set_terminator(-1) raises ValueError and leaves the old terminator."""
    channel = rig.chat(b"old")

    try:
        channel.set_terminator(-1)
    except ValueError:
        rig.expect(channel.get_terminator(), b"old")
        return
    raise AssertionError("no ValueError")


@check("API-007", Level.SHOULD)
def wrong_types(rig: Rig) -> None:
    """set_terminator of a str, a float or a list raises TypeError at the call."""
    channel = rig.chat(b"old")

    for wrong in ("x", 1.5, [b"x"]):
        try:
            channel.set_terminator(wrong)
        except TypeError:
            continue
        raise AssertionError(f"no TypeError for {wrong!r}")
    rig.expect(channel.get_terminator(), b"old")


@check("API-008", Level.SHOULD)
def never_set(rig: Rig) -> None:
    """With no terminator ever set, data is collected and nothing ends."""
    channel = rig.chat(NotImplemented)

    rig.expect(rig.feed(channel, b"a\nb"), [DATA(b"a\nb")])


@check("API-009", Level.MUST)
def buffer_sizes(rig: Rig) -> None:
    """The buffer sizes work as class and as instance attributes, and when changed between reads."""
    small = type("Small", (rig.backend.async_chat,), {"ac_in_buffer_size": 3})
    channel = rig.chat(None, base=small)
    rig.feed(channel, b"abcdef")
    channel.ac_in_buffer_size = 2
    rig.feed(channel, b"ghij")

    rig.expect([event.value for event in channel.events], [b"abc", b"def", b"gh", b"ij"])


@check("API-010", Level.MUST)
def predicates(rig: Rig) -> None:
    """readable() is true while open; writable() is true with output or without a connection, else false."""
    channel = rig.chat()
    unconnected = rig.backend.async_chat(None, rig.map)
    states = [bool(channel.readable()), bool(channel.writable()), bool(unconnected.writable())]
    channel.push(b"x" * (1 << 20))
    states.append(bool(channel.writable()))

    rig.expect(states, [True, False, True, True])


@check("API-011", Level.SHOULD, needs=[Capability.LISTEN, Capability.UNIX])
def repr_never_raises(rig: Rig) -> None:
    """repr() never raises: unconnected, listening, on a Unix socket, closed."""
    chat = rig.backend.async_chat
    channels = [chat(None, rig.map)]
    for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, None)):
        with tempfile.TemporaryDirectory() as folder:
            channel = rig.backend.dispatcher(None, rig.map)
            channel.create_socket(family, socket.SOCK_STREAM)
            channel.bind(address or str(Path(folder) / "s"))
            channel.listen(1)
            channels.append(channel)
    ours, theirs = socket.socketpair()
    rig.peer(theirs)
    channels.append(chat(ours, rig.map))

    for channel in channels:
        assert isinstance(repr(channel), str)
        channel.close()
        assert isinstance(repr(channel), str)


@check("API-012", Level.MUST)
def handlers_need_not_call_the_base(rig: Rig) -> None:
    """A subclass may override any handle_* without calling the base class."""
    names = [name for name, _ in inspect.getmembers(rig.backend.async_chat) if name.startswith("handle_")]
    quiet = [name for name in names if not name.endswith("_event") and name not in ("handle_read", "handle_write")]
    nothing: dict[str, Any] = dict.fromkeys(quiet, lambda self, *args: None)
    mute = type("Mute", (rig.backend.async_chat,), nothing)
    channel = rig.chat(b"\n", base=mute, close=lambda ch: ch.close())

    channel.push(b"out")
    trace = rig.feed(channel, b"in\n")
    channel.peer.close()
    rig.settle()

    rig.expect((trace, rig.trace(channel)[-1]), ([DATA(b"in"), END], CLOSE))


@check("API-013", Level.COMPAT, needs=["asynchat"])
def undocumented_names(rig: Rig) -> None:
    """The undocumented names that programs use exist and work."""
    module, channel = rig.backend.asynchat, rig.chat(b"\r\n")
    rig.feed(channel, b"held\r")
    facts = [
        module.find_prefix_at_end("qwerty\r", "\r\n"),
        module.simple_producer(b"abc", 2).more(),
        channel.ac_in_buffer,
        len(channel.producer_fifo),
    ]
    channel.incoming.clear()
    channel._collect_incoming_data(b"a")
    channel._collect_incoming_data(b"b")
    facts += [list(channel.incoming), channel._get_data(), list(channel.incoming)]

    rig.expect(facts, [1, b"ab", b"\r", 0, [b"a", b"b"], b"ab", []])


@check("API-014", Level.COMPAT)
def str_terminators(rig: Rig) -> None:
    """A str terminator is encoded when use_encoding is true."""
    encoding = type("Encoding", (rig.backend.async_chat,), {"use_encoding": 1})
    channel = rig.chat("\r\n", base=encoding)

    rig.expect(rig.feed(channel, b"a\r\nb\r\n"), [DATA(b"a"), END, DATA(b"b"), END])


@check("API-015", Level.MUST, needs=[Capability.READINESS])
def bytes_go_through_send_and_recv(rig: Rig) -> None:
    """All bytes go through the methods send and recv, which a subclass may override."""

    class Shouting(rig.backend.async_chat):  # type: ignore[misc, name-defined]
        def recv(self, size: int) -> bytes:
            return bytes(super().recv(size)).upper()

        def send(self, data: bytes) -> Any:
            return super().send(bytes(data).upper())

    channel = rig.chat(b"\n", base=Shouting)
    channel.push(b"out")

    rig.expect((rig.feed(channel, b"in\n"), rig.drain(channel)), ([DATA(b"IN"), END], b"OUT"))
