"""LOP: what poll and loop promise."""

from __future__ import annotations

import socket
from time import monotonic
from typing import Any

from .._events import DATA, END, EXPT, WRITE
from .._registry import Capability, Level, check
from .._rig import Rig

# Seconds that are far more than a machine under load needs, and far less than a wait that should not be.
_SOON = 5.0


def _polls_in(rig: Rig, seconds: float) -> int:
    """Return how many polls of ``seconds`` each it takes to pass ``seconds``: one, unless they return early."""
    polls, end = 0, monotonic() + seconds
    while monotonic() < end:
        rig.poll(seconds)
        polls += 1
    return polls


@check("LOP-001", Level.MUST)
def timeout_zero(rig: Rig) -> None:
    """poll(map, 0) never blocks."""
    rig.chat()
    begin = monotonic()

    for _ in range(100):
        rig.poll(0)

    assert monotonic() - begin < _SOON


@check("LOP-002", Level.MUST, slow=True)
def poll_returns_by_its_timeout(rig: Rig) -> None:
    """poll returns by its timeout when nothing happens."""
    rig.chat()
    begin = monotonic()

    rig.poll(0.05)

    assert monotonic() - begin < _SOON


@check("LOP-003", Level.MUST)
def poll_returns_early(rig: Rig) -> None:
    """poll returns before its timeout when something happened."""
    channel = rig.chat(b"\n")
    channel.peer.send(b"a\n")
    begin = monotonic()

    while END not in channel.events and monotonic() < begin + 60:
        rig.poll(60)

    rig.expect(rig.trace(channel), [DATA(b"a"), END])
    assert monotonic() - begin < _SOON


@check("LOP-004", Level.MUST)
def an_empty_map(rig: Rig) -> None:
    """poll of an empty map returns at once."""
    begin = monotonic()

    rig.poll(30)
    rig.chat().close()
    rig.poll(30)

    assert monotonic() - begin < _SOON


@check("LOP-005", Level.MUST, needs=["loop"])
def loop_counts(rig: Rig) -> None:
    """loop(count=n) polls n times, and loop() ends when the map is empty."""
    plain = rig.plain(write=lambda ch: len(ch.events) < 8 or ch.close(), writable=lambda ch: True)

    rig.backend.loop(1.0, map=rig.map, count=5)
    rig.expect(plain.events, [WRITE] * 5)
    rig.backend.loop(1.0, map=rig.map)

    rig.expect((plain.events, len(rig.map)), ([WRITE] * 8, 0))


@check("LOP-006", Level.MUST)
def unread_bytes(rig: Rig) -> None:
    """Unread bytes wake the next poll again, without new traffic."""
    channel = rig.chat(None, attributes={"ac_in_buffer_size": 1})
    channel.peer.send(b"abc")
    begin = monotonic()

    while len(channel.events) < 3 and monotonic() < begin + 60:
        rig.poll(60)

    rig.expect(channel.events, [DATA(b"a"), DATA(b"b"), DATA(b"c")])
    assert monotonic() - begin < _SOON


@check("LOP-007", Level.MUST)
def readable_false(rig: Rig) -> None:
    """readable() returning false stops reading, true resumes it, and nothing is lost."""
    wants = [True]
    choosy = type("Choosy", (rig.backend.async_chat,), {"readable": lambda self: wants[0]})
    channel = rig.chat(b"\n", base=choosy)
    rig.feed(channel, b"a\n")
    wants[0] = False
    channel.peer.send(b"b\n")
    for _ in range(5):
        rig.poll()
    rig.expect(rig.trace(channel), [DATA(b"a"), END])
    wants[0] = True

    rig.expect(rig.feed(channel, b"c\n"), [DATA(b"a"), END, DATA(b"b"), END, DATA(b"c"), END])


@check("LOP-008", Level.MUST)
def the_predicates_are_asked(rig: Rig) -> None:
    """readable() and writable() are asked before each wait."""
    asked: list[str] = []

    def ask(name: str) -> Any:
        return lambda ch: asked.append(name)

    rig.plain(readable=ask("readable"), writable=ask("writable"))
    rig.poll()
    counts = []
    for _ in range(5):
        asked.clear()
        rig.poll()
        counts.append(set(asked))

    rig.expect(counts, [{"readable", "writable"}] * 5)


@check("LOP-009", Level.MUST, needs=[Capability.OOB])
def urgent_data(rig: Rig) -> None:
    """Urgent data calls handle_expt."""
    channel = rig.chat(b"\n", tcp=True)
    rig.settle()
    channel.peer.sock.send(b"!", socket.MSG_OOB)

    rig.until(lambda: EXPT in channel.events, "handle_expt")

    channel.close()


@check("LOP-010", Level.MUST, slow=True)
def no_interest(rig: Rig) -> None:
    """A channel that is neither readable nor writable does not make poll spin, though it has input."""
    plain = rig.plain(readable=lambda ch: False, writable=lambda ch: False)
    plain.peer.send(b"unread")
    rig.settle()

    polls = _polls_in(rig, 0.1)

    assert polls <= 5, f"{polls} polls in the time of one"
    rig.expect(plain.events, [])
