"""NUM: counts."""

from __future__ import annotations

import tracemalloc

from .._events import DATA, END
from .._registry import Level, check
from .._rig import Rig


@check("NUM-001", Level.MUST)
def a_count(rig: Rig) -> None:
    """n bytes are collected, then found_terminator runs, and nothing more."""
    rig.expect(rig.feed(rig.chat(5), b"12345"), [DATA(b"12345"), END])


@check("NUM-002", Level.MUST)
def over_reads(rig: Rig) -> None:
    """A count spans reads."""
    rig.expect(rig.feed(rig.chat(5), b"12", b"3", b"45"), [DATA(b"12345"), END])


@check("NUM-003", Level.MUST)
def after_it_fired(rig: Rig) -> None:
    """After it fired get_terminator() is 0, and what follows is collected without end."""
    channel = rig.chat(3)

    rig.expect(rig.feed(channel, b"abcdef", b"ghi"), [DATA(b"abc"), END, DATA(b"defghi")])
    rig.expect(channel.get_terminator(), 0)


@check("NUM-004", Level.MUST)
def as_it_comes(rig: Rig) -> None:
    """Data of a count that is not reached is delivered as it comes."""
    rig.expect(rig.feed(rig.chat(100), b"part"), [DATA(b"part")])


@check("NUM-005", Level.MUST)
def exactly(rig: Rig) -> None:
    """Exactly n bytes and then silence still fire."""
    rig.expect(rig.feed(rig.chat(4), b"ab", b"cd"), [DATA(b"abcd"), END])


@check("NUM-006", Level.MUST)
def records(rig: Rig) -> None:
    """The same count set again in found_terminator gives records back to back."""
    channel = rig.chat(2, found=lambda ch: ch.set_terminator(2))

    rig.expect(rig.feed(channel, b"aabbc", b"c"), [DATA(b"aa"), END, DATA(b"bb"), END, DATA(b"cc"), END])


@check("NUM-007", Level.MUST)
def zero(rig: Rig) -> None:
    """0 means to collect, and never ends."""
    rig.expect(rig.feed(rig.chat(0), b"a\n", b"b"), [DATA(b"a\nb")])


@check("NUM-008", Level.COMPAT)
def the_rest_of_the_count(rig: Rig) -> None:
    """get_terminator() reports the bytes still wanted."""
    channel = rig.chat(10)
    rig.feed(channel, b"1234")

    rig.expect(channel.get_terminator(), 6)


@check("NUM-009", Level.COMPAT)
def true_is_one(rig: Rig) -> None:
    """True counts as 1."""
    rig.expect(rig.feed(rig.chat(True), b"ab"), [DATA(b"a"), END, DATA(b"b")])


@check("NUM-010", Level.MUST)
def a_huge_count(rig: Rig) -> None:
    """A count above 2**31 is accepted and allocates nothing."""
    channel = rig.chat(b"\n")
    rig.settle()
    tracemalloc.start()
    try:
        channel.set_terminator(1 << 40)
        trace = rig.feed(channel, b"x" * 1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    rig.expect(trace, [DATA(b"x" * 1000)])
    assert peak < 4 << 20, f"{peak} bytes"
