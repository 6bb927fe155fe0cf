"""DSC: discard_buffers."""

from __future__ import annotations

from typing import Any

from .._events import CLOSE, DATA, END
from .._registry import Level, check
from .._rig import Rig
from .._scripts import Scripted

_MUCH = 1 << 20


@check("DSC-001", Level.MUST)
def unsent_data(rig: Rig) -> None:
    """It drops unsent data."""
    channel = rig.chat()
    channel.push(b"x" * _MUCH)
    channel.push(b"last")
    channel.discard_buffers()
    received = rig.drain(channel)

    assert len(received) < _MUCH
    assert b"last" not in received
    assert not channel.writable()


@check("DSC-002", Level.MUST)
def a_held_prefix(rig: Rig) -> None:
    """It drops a held prefix."""
    channel = rig.chat(b"\r\n")
    rig.feed(channel, b"a\r")
    channel.discard_buffers()

    rig.expect(rig.feed(channel, b"\nb\r\n"), [DATA(b"a\nb"), END])


@check("DSC-003", Level.MUST)
def a_pending_close(rig: Rig) -> None:
    """It drops a pending close."""
    channel = rig.chat()
    channel.push(b"x" * _MUCH)
    channel.close_when_done()
    channel.discard_buffers()
    rig.drain(channel)
    rig.settle()

    assert CLOSE not in channel.events
    assert channel.connected


@check("DSC-004", Level.MUST)
def usable_after_it(rig: Rig) -> None:
    """The channel stays usable for reading and writing."""
    channel = rig.chat()
    channel.push(b"x" * _MUCH)
    rig.feed(channel, b"half")
    channel.discard_buffers()
    length = len(rig.drain(channel))
    channel.push(b"again")

    rig.expect(rig.feed(channel, b"a\n")[-1], END)
    rig.expect(rig.drain(channel)[length:], b"again")


@check("DSC-005", Level.MUST)
def in_found(rig: Rig) -> None:
    """In found_terminator it drops the rest of the current read."""
    channel = rig.chat(b"\n", found=lambda ch: ch.discard_buffers())

    rig.expect(rig.feed(channel, b"a\nb\nc", b"d\n"), [DATA(b"a"), END, DATA(b"d"), END])


@check("DSC-006", Level.MUST)
def the_terminator_stays(rig: Rig) -> None:
    """It keeps the terminator."""
    channel = rig.chat(b";")
    channel.discard_buffers()

    rig.expect((channel.get_terminator(), rig.feed(channel, b"a;")), (b";", [DATA(b"a"), END]))


@check("DSC-007", Level.COMPAT)
def a_running_count(rig: Rig) -> None:
    """It does not reset a running count."""
    channel = rig.chat(10)
    rig.feed(channel, b"1234")
    channel.discard_buffers()

    rig.expect(rig.feed(channel, b"567890"), [DATA(b"1234567890"), END])


@check("DSC-008", Level.COMPAT)
def in_collect(rig: Rig) -> None:
    """In collect_incoming_data, the found_terminator that was recognised already still runs."""
    channel = rig.chat(b"\n", collect=lambda ch, data: ch.discard_buffers())

    rig.expect(rig.feed(channel, b"a\nb\n")[:2], [DATA(b"a"), END])


@check("DSC-009", Level.SHOULD)
def inside_more(rig: Rig) -> None:
    """Inside more() it never raises."""
    for pieces in ([], [b"a"], [b"a", b"b"]):
        channel = rig.chat()
        channel.push_with_producer(Scripted(pieces, act=channel.discard_buffers))
        rig.drain(channel)
        rig.expect(channel.events, [])


@check("DSC-010", Level.COMPAT)
def the_incoming_list(rig: Rig) -> None:
    """It clears the list incoming."""

    def collect(channel: Any, data: bytes) -> None:
        channel._collect_incoming_data(data)

    channel = rig.chat(b"\n", collect=collect)
    rig.feed(channel, b"half")
    channel.discard_buffers()

    rig.expect(channel._get_data(), b"")


@check("DSC-011", Level.MUST)
def without_a_connection(rig: Rig) -> None:
    """On an unconnected or closed channel it is harmless."""
    unconnected = rig.backend.async_chat(None, rig.map)
    unconnected.discard_buffers()
    channel = rig.chat()
    channel.close()
    channel.discard_buffers()
    rig.settle()

    rig.expect(channel.events, [])
