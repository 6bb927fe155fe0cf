"""TRM: changing the terminator."""

from __future__ import annotations

from typing import Any

from .._events import DATA, END
from .._registry import Level, check
from .._rig import Rig


def _once(terminator: Any) -> Any:
    """Return a callback that sets ``terminator`` the first time."""
    left = [terminator]

    def callback(channel: Any, *args: Any) -> None:
        if left:
            channel.set_terminator(left.pop())

    return callback


@check("TRM-001", Level.MUST)
def new_terminator_applies_to_buffered_bytes(rig: Rig) -> None:
    """A terminator set in found_terminator applies to bytes already buffered."""
    channel = rig.chat(b"\n", found=lambda ch: ch.set_terminator(b";"))

    trace = rig.feed(channel, b"a\nb;c")

    rig.expect(trace, [DATA(b"a"), END, DATA(b"b"), END, DATA(b"c")])


@check("TRM-002", Level.MUST)
def bytes_to_count(rig: Rig) -> None:
    """A count set in found_terminator applies to bytes already buffered."""
    channel = rig.chat(b"\n", found=_once(3))

    rig.expect(rig.feed(channel, b"a\nbcdef"), [DATA(b"a"), END, DATA(b"bcd"), END, DATA(b"ef")])


@check("TRM-003", Level.MUST)
def count_to_bytes(rig: Rig) -> None:
    """From a count back to bytes, in the style of chunked bodies."""

    def found(channel: Any) -> None:
        channel.set_terminator(b"\r\n" if channel.get_terminator() == 0 else 3)

    channel = rig.chat(b"\r\n", found=found)

    rig.expect(
        rig.feed(channel, b"3\r\nabc3\r\ndef"),
        [DATA(b"3"), END, DATA(b"abc"), END, DATA(b"3"), END, DATA(b"def"), END],
    )


@check("TRM-004", Level.MUST)
def to_none(rig: Rig) -> None:
    """None set in found_terminator delivers the rest of the same buffer."""
    channel = rig.chat(b"\n", found=_once(None))

    rig.expect(rig.feed(channel, b"a\nb\nc"), [DATA(b"a"), END, DATA(b"b\nc")])


@check("TRM-005", Level.MUST)
def between_reads(rig: Rig) -> None:
    """A change between reads applies at the next read."""
    channel = rig.chat(b"\n")
    rig.feed(channel, b"a\n")
    channel.set_terminator(b";")

    rig.expect(rig.feed(channel, b"b\nc;"), [DATA(b"a"), END, DATA(b"b\nc"), END])


@check("TRM-006", Level.MUST)
def while_a_prefix_is_held(rig: Rig) -> None:
    """A change while a prefix is held reads the held bytes again, with the next data."""
    channel = rig.chat(b"\r\n")
    rig.feed(channel, b"a\r")
    channel.set_terminator(b"\rx")

    rig.expect(rig.feed(channel, b"xb\rx"), [DATA(b"a"), END, DATA(b"b"), END])


@check("TRM-007", Level.MUST)
def in_collect_before_a_found(rig: Rig) -> None:
    """After a change in collect_incoming_data the pending found_terminator still runs; then the new one applies."""
    channel = rig.chat(b"\n", collect=_once(b";"))

    rig.expect(rig.feed(channel, b"a\nb\nc;"), [DATA(b"a"), END, DATA(b"b\nc"), END])


@check("TRM-008", Level.SHOULD)
def in_collect_within_a_count(rig: Rig) -> None:
    """A change in collect_incoming_data within a count wins."""
    channel = rig.chat(10, collect=_once(b"\n"))

    rig.expect(rig.feed(channel, b"abc", b"d\ne"), [DATA(b"abcd"), END, DATA(b"e")])


@check("TRM-009", Level.SHOULD)
def in_collect_at_the_end_of_a_count(rig: Rig) -> None:
    """A change in collect_incoming_data at the exact end of a count wins."""
    channel = rig.chat(3, collect=_once(b"\n"))

    rig.expect(rig.feed(channel, b"abc", b"d\ne"), [DATA(b"abc"), END, DATA(b"d"), END, DATA(b"e")])


@check("TRM-010", Level.MUST, slow=True)
def alternating(rig: Rig) -> None:
    """Alternating terminators stay in step over 10 000 frames."""
    ends = [b"\n", 3, b";;"]
    count = [0]

    def found(channel: Any) -> None:
        count[0] += 1
        channel.set_terminator(ends[count[0] % 3])

    channel = rig.chat(b"\n", found=found)
    rig.send_all(channel, b"a\nbbbc;;" * 3334)
    rig.until(lambda: count[0] == 10002, "10 002 frames")

    rig.expect(rig.trace(channel)[:6], [DATA(b"a"), END, DATA(b"bbb"), END, DATA(b"c"), END])
    rig.expect(rig.trace(channel)[-6:], [DATA(b"a"), END, DATA(b"bbb"), END, DATA(b"c"), END])


@check("TRM-011", Level.MUST)
def a_longer_one(rig: Rig) -> None:
    """A new, longer terminator whose begin ends the buffer is found when it is completed."""
    channel = rig.chat(b"\n", found=_once(b"\r\n.\r\n"))

    rig.expect(rig.feed(channel, b"DATA\ntext\r\n.", b"\r\n"), [DATA(b"DATA"), END, DATA(b"text"), END])


@check("TRM-012", Level.MUST)
def from_another_channel(rig: Rig) -> None:
    """A change made in another channel's callback touches only its target."""
    target = rig.chat(b"\n")
    other = rig.chat(b"\n", found=lambda ch: target.set_terminator(b";"))
    rig.feed(other, b"go\n")

    rig.expect(rig.feed(target, b"a\nb;"), [DATA(b"a\nb"), END])
    rig.expect(rig.feed(other, b"x;\n"), [DATA(b"go"), END, DATA(b"x;"), END])


@check("TRM-013", Level.MUST)
def the_same_again(rig: Rig) -> None:
    """Setting the same terminator again within a frame is harmless."""
    channel = rig.chat(b"\r\n", collect=lambda ch, data: ch.set_terminator(b"\r\n"))
    rig.feed(channel, b"a\r")
    channel.set_terminator(b"\r\n")

    rig.expect(rig.feed(channel, b"\nb\r\n"), [DATA(b"a"), END, DATA(b"b"), END])
