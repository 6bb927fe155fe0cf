"""FDR: descriptors that are closed, and used again by others."""

from __future__ import annotations

import os
import socket
from typing import Any

from .._events import DATA, END
from .._registry import Level, check
from .._rig import Rig


def _pair_on(number: int) -> tuple[socket.socket, socket.socket]:
    """Return a pair, the first one with the descriptor ``number``, which must be free."""
    first, second = socket.socketpair()
    if second.fileno() == number:
        return second, first
    if first.fileno() != number:
        os.dup2(first.fileno(), number)
        first.close()
        first = socket.socket(fileno=number)
    return first, second


@check("FDR-001", Level.MUST)
def a_recycled_number(rig: Rig) -> None:
    """A new channel on a recycled descriptor gets its own events."""
    old = rig.chat(b"\n")
    rig.feed(old, b"old\n")
    number = old.socket.fileno()
    old.close()
    new = rig.adopt(*_pair_on(number), b";")

    rig.expect(rig.feed(new, b"new;"), [DATA(b"new"), END])
    rig.expect(rig.trace(old), [DATA(b"old"), END])


@check("FDR-002", Level.MUST)
def recycled_in_the_same_batch(rig: Rig) -> None:
    """A chat on a descriptor recycled inside one batch gets no stale callback, and loses no event of its own."""
    old: list[Any] = []
    new: list[Any] = []

    def replace_other(channel: Any) -> None:
        if not new:
            other = old[channel is old[0]]
            number = other.socket.fileno()
            other.close()
            new.append(rig.adopt(*_pair_on(number), b"\n"))

    old.extend(rig.chat(b"\n", found=replace_other) for _ in range(2))
    for channel in old:
        channel.peer.send(b"old\n")
    rig.settle()

    rig.expect(new[0].events, [])
    rig.expect(rig.feed(new[0], b"new\n"), [DATA(b"new"), END])
    rig.expect(sorted(len(channel.events) for channel in old), [0, 2])


@check("FDR-003", Level.SHOULD)
def closed_behind_the_loop(rig: Rig) -> None:
    """A descriptor that was closed behind the loop's back costs no other channel anything."""
    broken, healthy = rig.chat(b"\n"), rig.chat(b"\n")
    rig.settle()
    broken.socket.close()

    try:
        rig.expect(rig.feed(healthy, b"a\n"), [DATA(b"a"), END])
    finally:
        broken.close()


@check("FDR-004", Level.MUST)
def a_duplicate_closed(rig: Rig) -> None:
    """Closing a duplicate of the descriptor elsewhere does not disturb the channel."""
    channel = rig.chat(b"\n")
    duplicate = os.dup(channel.socket.fileno())
    rig.feed(channel, b"a\n")
    os.close(duplicate)

    rig.expect(rig.feed(channel, b"b\n"), [DATA(b"a"), END, DATA(b"b"), END])


@check("FDR-005", Level.MUST)
def handing_a_socket_on(rig: Rig) -> None:
    """del_channel() leaves no registration: the socket may be handed on to another channel."""
    old = rig.chat(b"\n")
    rig.feed(old, b"upgrade\n")
    old.del_channel()
    new = rig.adopt(old.socket, old.peer.sock, b";")

    rig.expect(rig.feed(new, b"new;"), [DATA(b"new"), END])
    rig.expect((rig.trace(old), len(rig.map)), ([DATA(b"upgrade"), END], 1))


@check("FDR-006", Level.MUST)
def adding_again(rig: Rig) -> None:
    """A channel that was removed from the map may be added again."""
    channel = rig.chat(b"\n")
    rig.feed(channel, b"a\n")
    channel.del_channel()
    channel.peer.send(b"b\n")
    for _ in range(3):
        rig.poll()
    rig.expect(len(channel.events), 2)

    channel.set_socket(channel.socket)
    rig.settle()

    rig.expect(rig.trace(channel), [DATA(b"a"), END, DATA(b"b"), END])


@check("FDR-007", Level.MUST, slow=True)
def a_thousand_rounds(rig: Rig) -> None:
    """1 000 rounds of closing and recycling, with data in each, lose nothing."""
    numbers = set()
    for count in range(1000):
        channel = rig.chat(b"\n")
        numbers.add(channel.socket.fileno())
        channel.peer.send(b"%d\n" % count)
        for _ in range(10):
            rig.backend.poll(rig.map, 0)
            if END in channel.events:
                break
        rig.expect(rig.trace(channel), [DATA(b"%d" % count), END])
        channel.close()
        channel.peer.close()

    assert len(numbers) < 10, "the descriptors were not recycled: something keeps them"


@check("FDR-008", Level.SHOULD)
def no_stale_event_for_a_dispatcher(rig: Rig) -> None:
    """A plain dispatcher on a descriptor recycled inside one batch gets no handle_read for the old one's input."""
    old: list[Any] = []
    new: list[Any] = []

    def replace_other(channel: Any) -> None:
        if not new:
            other = old[channel is old[0]]
            number = other.socket.fileno()
            other.close()
            ours, theirs = _pair_on(number)
            new.append(rig.recorder(rig.backend.dispatcher)(ours, rig.map))
            rig.peer(theirs)

    old.extend(rig.chat(b"\n", found=replace_other) for _ in range(2))
    for channel in old:
        channel.peer.send(b"old\n")
    rig.settle()

    rig.expect(new[0].events, [])


@check("FDR-009", Level.SHOULD)
def closing_late(rig: Rig) -> None:
    """close() of a channel whose descriptor was closed elsewhere and belongs to another by now leaves that alone."""
    late = rig.chat(b"\n")
    rig.feed(late, b"a\n")
    number = late.socket.fileno()
    late.socket.close()
    other = rig.adopt(*_pair_on(number), b"\n")

    late.close()

    try:
        rig.expect(rig.feed(other, b"b\n"), [DATA(b"b"), END])
    finally:
        other.close()
