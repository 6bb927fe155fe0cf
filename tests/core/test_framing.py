"""Frames that a terminator of bytes ends, a count ends, or nothing ends: in any cutting the same."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from asynchat_core import Framer

from .memory import END, Frames, Recorder, Trace, merged, three_ways


@pytest.mark.parametrize(
    ("terminator", "stream", "expected"),
    [
        (b"\n", b"a\n", [b"a", END]),
        (b"\n", b"a\nbc\nd\n", [b"a", END, b"bc", END, b"d", END]),
        (b"\n", b"ab", [b"ab"]),
        (b"\n", b"\n", [END]),
        (b"\n", b"\n\na\n", [END, END, b"a", END]),
        (b"\r\n", b"a\r\n", [b"a", END]),
        (b"\r\n", b"a\r\nbc\r\n", [b"a", END, b"bc", END]),
        (b"\r\n", b"a\nb\rc\r\r\nd", [b"a\nb\rc\r", END, b"d"]),
        (b"\r\n", b"\r\n\r\n", [END, END]),
        (b"\r\n\r\n", b"a\r\nb\r\n\r\n", [b"a\r\nb", END]),
        (b"aab", b"aaab", [b"a", END]),
        (b"aab", b"aaaaxaab", [b"aaaax", END]),
        (b"abab", b"ababab", [END]),
        (b"ab" * 50 + b"c", b"x" + b"ab" * 60 + b"c", [b"x" + b"ab" * 10, END]),
        (b"x" * 1024, b"a" + b"x" * 1024, [b"a", END]),
        (b"\0", bytes(range(1, 256)) + b"\0", [bytes(range(1, 256)), END]),
        (3, b"abc", [b"abc", END]),
        (3, b"ab", [b"ab"]),
        (3, b"abcde", [b"abc", END, b"de"]),
        (0, b"ab", [b"ab"]),
        (b"", b"ab", [b"ab"]),
        (None, b"a\nb\r\n", [b"a\nb\r\n"]),
        (2**40, b"ab", [b"ab"]),
    ],
)
def test_a_stream_is_cut_by_its_terminator(terminator: Any, stream: bytes, expected: Trace) -> None:
    """A terminator ends a frame, at its first occurrence, and is not delivered; all before it is."""
    three_ways(partial(Recorder, terminator), stream, expected)


@pytest.mark.parametrize("terminator", [b"\n", b"\r\n", b"\r\n\r\n", b"aab", b"abab", b"ab" * 20])
@pytest.mark.parametrize("stream", [b"ab\r\n\r\n\rabab\n", b"aaabababaab\r\r\n", b"ab" * 45 + b"\r\n\r\n"])
def test_every_two_way_cut_gives_the_same_frames(terminator: bytes, stream: bytes) -> None:
    """Wherever a stream is cut in two, frames and order are those of the whole (SPL-001, SPL-004)."""
    whole = Recorder(terminator)
    whole.feed(stream)
    for at in range(len(stream) + 1):
        framer = Recorder(terminator)
        framer.feed(stream[:at])
        framer.feed(stream[at:])

        assert merged(whole.trace) == merged(framer.trace)
        assert whole.ac_in_buffer == framer.ac_in_buffer


def test_every_three_way_cut_gives_the_same_frames() -> None:
    """The same for cuts in three (SPL-002)."""
    stream, expected = b"a\r\nbc\r\n\r\n", [b"a", END, b"bc", END, END]
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            framer = Recorder(b"\r\n")
            for piece in (stream[:first], stream[first:second], stream[second:]):
                framer.feed(piece)

            assert expected == merged(framer.trace)


def test_what_cannot_end_a_frame_is_delivered_at_once() -> None:
    """Data that is no part of a terminator is not held back (FRM-007)."""
    framer = Recorder(b"\r\n\r\n")
    framer.feed(b"abc\r\n")

    assert [b"abc"] == framer.trace
    assert b"\r\n" == framer.ac_in_buffer


def test_a_held_prefix_alone_stays_held() -> None:
    """A chunk that is all prefix delivers nothing, as often as it takes."""
    framer = Recorder(b"aaab")
    framer.feed(b"a")
    framer.feed(b"a")
    assert [] == framer.trace

    framer.feed(b"ax")
    assert [b"aaax"] == framer.trace


def test_data_stays_valid() -> None:
    """What a callback was given does not change afterwards (FRM-017)."""
    framer = Recorder(b"\n")
    framer.feed(b"ab")
    first = framer.trace[0]
    framer.feed(b"cd\n")

    assert b"ab" == first


def test_a_whole_frame_in_one_call() -> None:
    """With frame_received a subclass gets each frame whole, however it was cut (and empty ones)."""
    framer = Frames(b"\r\n")
    for piece in (b"ab", b"c\r", b"\nd\r\n\r\n", b"e"):
        framer.feed(piece)

    assert [b"abc", b"d", b""] == framer.trace


def test_frames_by_count_come_whole() -> None:
    """With frame_received a count's frame comes when it is whole."""
    framer = Frames(4)
    framer.feed(b"ab")
    assert [] == framer.trace
    framer.feed(b"cdef")

    assert [b"abcd", b"ef"] == framer.trace


def test_an_endless_stream_comes_in_pieces() -> None:
    """With frame_received and no terminator each piece is handed over as it comes."""
    framer = Frames(None)
    framer.feed(b"ab")
    framer.feed(b"c")

    assert [b"ab", b"c"] == framer.trace
    assert [] == framer.incoming


def test_callbacks_have_to_be_defined() -> None:
    """Without any callback the first data is a NotImplementedError that names what is missing (API-003)."""
    framer = Framer()
    framer.set_terminator(b"\n")

    with pytest.raises(NotImplementedError, match=r"Framer must define collect_incoming_data\(\) or frame_received"):
        framer.feed(b"a")
    with pytest.raises(NotImplementedError, match=r"Framer must define found_terminator\(\) or frame_received"):
        framer.found_terminator()


def test_the_ready_made_collector() -> None:
    """_collect_incoming_data and _get_data gather a frame and give it once (API-013)."""
    framer = Framer()
    framer._collect_incoming_data(b"a")
    framer._collect_incoming_data(b"b")

    assert [b"a", b"b"] == framer.incoming
    assert b"ab" == framer._get_data()
    assert b"" == framer._get_data()


def test_instance_callbacks_are_looked_up_for_each_frame() -> None:
    """A callback swapped on the instance in mid-stream counts from the next frame on (RNT-014)."""
    framer = Recorder(b"\n")
    seen: list[bytes] = []
    framer.found = lambda _: setattr(framer, "collect_incoming_data", seen.append)
    framer.feed(b"a\nb\n")

    assert [b"a", END, END] == framer.trace
    assert [b"b"] == seen


def test_feeding_nothing_does_nothing() -> None:
    """An empty chunk makes no callback."""
    framer = Recorder(b"\n")

    assert framer.feed(b"") is False
    assert [] == framer.trace


class TestCounts:
    """A count of bytes as terminator."""

    def test_a_count_runs_down(self) -> None:
        """get_terminator tells how many bytes are still wanted (NUM-008)."""
        framer = Recorder(10)
        framer.feed(b"abcd")

        assert 6 == framer.get_terminator()

    def test_a_count_is_zero_when_it_fires(self) -> None:
        """In found_terminator and after it the count is 0, and what follows is collected (NUM-003)."""
        seen: list[Any] = []
        framer = Recorder(2, found=lambda framer: seen.append(framer.get_terminator()))
        framer.feed(b"abcd")

        assert [0] == seen
        assert 0 == framer.get_terminator()
        assert [b"ab", END, b"cd"] == framer.trace

    def test_partial_data_comes_as_it_arrives(self) -> None:
        """What is there of a count is delivered at once (NUM-004)."""
        framer = Recorder(4)
        framer.feed(b"a")
        framer.feed(b"bc")

        assert [b"a", b"bc"] == framer.trace

    def test_records_of_one_length(self) -> None:
        """The same count set anew in found_terminator gives records back to back (NUM-006)."""
        make = partial(Recorder, 2, found=lambda framer: framer.set_terminator(2))

        three_ways(make, b"abcdef", [b"ab", END, b"cd", END, b"ef", END])
