"""The terminator may change in any callback, and between any two reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from .memory import END, Frames, Recorder, Trace, data_of, merged, three_ways


def script(*terminators: Any) -> Recorder:
    """Return a recorder that sets one terminator after the other, at each found_terminator."""
    following: Iterator[Any] = iter(terminators[1:])
    return Recorder(
        terminators[0], found=lambda framer: framer.set_terminator(next(following, framer.get_terminator()))
    )


@pytest.mark.parametrize(
    ("terminators", "stream", "expected"),
    [
        ((b"\n", b";"), b"a\nb;", [b"a", END, b"b", END]),
        ((b"\n", b";"), b"a\nb\nc;", [b"a", END, b"b\nc", END]),
        ((b"\n", 3), b"a\nbcd", [b"a", END, b"bcd", END]),
        ((3, b"\n"), b"abcd\n", [b"abc", END, b"d", END]),
        ((b"\r\n\r\n", 4, None), b"GET\r\n\r\nbodyrest\r\n\r\n", [b"GET", END, b"body", END, b"rest\r\n\r\n"]),
        ((b"\n", 2, b"\n", 1, b"\n"), b"2\nab\n1\n", [b"2", END, b"ab", END, END, b"1", END, END]),
        ((b"\n", None), b"a\nb\nc", [b"a", END, b"b\nc"]),
        ((b"\n", 0), b"a\nb\nc", [b"a", END, b"b\nc"]),
        ((b"\n", b"\r\n\r\n"), b"a\nb\r\n\r\n", [b"a", END, b"b", END]),
        ((b"\r\n", b"\n"), b"a\r\nb\nc\n", [b"a", END, b"b", END, b"c", END]),
        ((1, 2, 3), b"abbccc", [b"a", END, b"bb", END, b"ccc", END]),
        ((b"aa", b"aaaa"), b"xaaaaaa", [b"x", END, END]),
    ],
)
def test_a_change_in_found_applies_to_what_is_here(terminators: Any, stream: bytes, expected: Trace) -> None:
    """A terminator set in found_terminator applies to the very next byte (TRM-001 to TRM-004)."""
    three_ways(partial(script, *terminators), stream, expected)


def test_a_change_between_reads_applies_to_the_next() -> None:
    """A terminator set between two reads applies to the next one (TRM-005)."""
    framer = Recorder(b"\n")
    framer.feed(b"a\nb")
    framer.set_terminator(b";")
    framer.feed(b"\nc;")

    assert [b"a", END, b"b\nc", END] == merged(framer.trace)


def test_a_change_while_a_prefix_is_held_reads_it_again() -> None:
    """Held bytes are read under the new terminator, with the next data (TRM-006)."""
    framer = Recorder(b"\r\n")
    framer.feed(b"a\r")
    framer.set_terminator(b"\r")
    assert [b"a"] == framer.trace
    framer.feed(b"b")

    assert [b"a", END, b"b"] == framer.trace


def test_a_change_in_collect_keeps_the_frame_that_was_found() -> None:
    """Set in collect before a pending found_terminator, a terminator applies behind it (TRM-007)."""
    framer = Recorder(b"\n", collect=lambda framer: framer.set_terminator(b";"))
    framer.feed(b"a\nb\n;c")

    assert [b"a", END, b"b\n", END, b"c"] == framer.trace


def test_a_change_in_collect_of_a_partial_count_wins() -> None:
    """Set in collect while a count runs, a terminator wins over the count (TRM-008)."""
    framer = Recorder(5, collect=lambda framer: framer.set_terminator(b"\n"))
    framer.feed(b"abc")

    assert b"\n" == framer.get_terminator()
    framer.feed(b"d\n")
    assert [b"abc", b"d", END] == framer.trace


def test_a_change_in_collect_at_the_exact_count_wins() -> None:
    """Set in collect when the count is whole, a terminator wins over the 0 that follows it (TRM-009)."""
    framer = Recorder(3, collect=lambda framer: framer.set_terminator(b"\n"))
    framer.feed(b"abcd\n")

    assert [b"abc", END, b"d", END] == framer.trace


def join_last(framer: Recorder) -> None:
    """Keep the trace merged while it grows."""
    framer.trace[-2:] = merged(framer.trace[-2:])


def test_alternating_terminators_stay_in_step() -> None:
    """10 000 lines and records by turns (TRM-010)."""
    stream = b"".join(b"%d\n" % (n % 7 + 1) + b"x" * (n % 7 + 1) for n in range(10_000))

    def turn(framer: Recorder) -> None:
        header = framer.get_terminator() == b"\n"
        framer.set_terminator(int(data_of(framer.trace[-2:])) if header else b"\n")

    whole, cut = Recorder(b"\n", found=turn), Recorder(b"\n", found=turn)
    cut.collect = join_last
    whole.feed(stream)
    for at in range(0, len(stream), 999):
        cut.feed(stream[at : at + 999])

    assert 20_000 == whole.trace.count(END)
    assert merged(whole.trace) == cut.trace


def test_a_longer_terminator_that_began_already_is_found() -> None:
    """A new terminator whose first bytes are here already is found when it is complete (TRM-011)."""
    framer = Recorder(b"\n", found=lambda framer: framer.set_terminator(b"\r\n\r\n"))
    framer.feed(b"a\nb\r\n")
    framer.feed(b"\r\nc")

    assert [b"a", END, b"b", END, b"c"] == framer.trace


def test_the_same_terminator_again_is_harmless() -> None:
    """Setting the terminator that is set changes nothing in mid-frame (TRM-013)."""
    framer = Recorder(b"\r\n")
    framer.feed(b"a\r")
    framer.set_terminator(b"\r\n")
    framer.feed(b"\nb\r\n")

    assert [b"a", END, b"b", END] == framer.trace


@pytest.mark.parametrize("lines", [2, 10, 3000])
@pytest.mark.parametrize("change", [b";", b";;", 4, None])
def test_a_change_behind_many_frames_of_one_read(lines: int, change: Any) -> None:
    """However many frames came in the same read before it, a change applies to the next byte."""
    count = 0

    def found(framer: Recorder) -> None:
        nonlocal count
        count += 1
        if count == lines:
            framer.set_terminator(change)

    framer = Recorder(b"\n", found=found)
    framer.feed(b"line\n" * lines + b"a;b;;c;;\n")

    assert [b"line", END] * lines == framer.trace[: lines * 2]
    one = Recorder(change)
    one.feed(b"a;b;;c;;\n")
    assert merged(one.trace) == merged(framer.trace[lines * 2 :])
    assert one.ac_in_buffer == framer.ac_in_buffer


def test_an_equal_terminator_set_for_each_of_many_frames() -> None:
    """A program that sets the terminator anew in each callback gets the same frames as one that does not."""
    framer = Recorder(b"\r\n", found=lambda framer: framer.set_terminator(bytearray(b"\r\n")))
    framer.feed(b"line\r\n" * 3000)

    assert [b"line", END] * 3000 == framer.trace


@pytest.mark.parametrize("change", [b";", 4, None])
def test_a_change_in_collect_behind_many_frames(change: Any) -> None:
    """A change in collect, many frames into a read, applies behind the frame that is being delivered."""
    framer = Recorder(b"\n")
    framer.collect = lambda framer: framer.trace[-1] == b"last" and framer.set_terminator(change)
    framer.feed(b"line\n" * 1000 + b"last\n" + b"ab;cdefgh\n")

    one = Recorder(change)
    one.feed(b"ab;cdefgh\n")
    assert [b"line", END] * 1000 + [b"last", END] == framer.trace[:2002]
    assert merged(one.trace) == merged(framer.trace[2002:])


def test_a_change_in_frame_received_behind_many_frames() -> None:
    """The same for whole frames: a change applies to the next byte."""

    class Switching(Frames):
        def frame_received(self, frame: bytes) -> None:
            super().frame_received(frame)
            if frame == b"binary":
                self.set_terminator(3)

    framer = Switching(b"\n")
    framer.feed(b"line\n" * 1000 + b"binary\n" + b"a\nb")

    assert [b"line"] * 1000 + [b"binary", b"a\nb"] == framer.trace


@pytest.mark.parametrize("wrong", [1.5, "\n", [b"\n"]])
def test_a_wrong_terminator_assigned_is_refused_at_the_next_data(wrong: Any) -> None:
    """Assigned past set_terminator, a wrong terminator is a TypeError when data comes, and then None."""
    framer = Recorder(b"\n")
    framer.terminator = wrong

    with pytest.raises(TypeError, match="not bytes, int or None"):
        framer.feed(b"a\n")
    framer.feed(b"")
    assert [b"a\n"] == framer.trace


@pytest.mark.parametrize("assigned", [bytearray(b"\n"), memoryview(b"\n")])
def test_a_terminator_may_be_assigned(assigned: Any) -> None:
    """Old programs assign the attribute itself: a buffer is taken as set_terminator takes it."""
    framer = Recorder(b";")
    framer.terminator = assigned
    framer.feed(b"a\nb\n")

    assert [b"a", END, b"b", END] == framer.trace


def test_a_str_may_be_assigned_where_it_is_encoded() -> None:
    """With use_encoding a str may be assigned too."""
    framer = Recorder(b";", use_encoding=1)
    framer.terminator = "\n"
    framer.feed(b"a\n")

    assert [b"a", END] == framer.trace


def test_a_callback_may_put_input_in_place() -> None:
    """What a callback assigns to ``ac_in_buffer`` is delivered next, also behind a frame that came alone."""

    def found(framer: Recorder) -> None:
        if framer.last == b"ab":
            framer.ac_in_buffer = b"cd\nef"

    framer = Recorder(b"\n", found=found)
    framer.feed(b"ab\n")

    assert [b"ab", END, b"cd", END, b"ef"] == framer.trace
