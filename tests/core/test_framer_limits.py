"""Frames that are dropped: by the program, or since they are too long."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from asynchat_core import Framer

from .memory import END, Frames, Recorder, Trace, merged, three_ways, when


class TestDiscardFrame:
    """``discard_frame``: the rest of the current frame is not wanted."""

    @pytest.mark.parametrize(
        ("stream", "expected"),
        [
            ([b"X", b"rest\nb\n"], [b"X", b"b", END]),
            ([b"X", b"re", b"st", b"\nb\n"], [b"X", b"b", END]),
            ([b"X\nb\n"], [b"X", b"b", END]),
            ([b"a\nX", b"\n", b"b\n"], [b"a", END, b"X", b"b", END]),
        ],
    )
    def test_in_collect_it_drops_the_rest_and_the_end(self, stream: list[bytes], expected: Trace) -> None:
        """Called in collect, neither the rest of the frame nor its end is delivered, however it is cut."""
        framer = Recorder(b"\n", collect=when(b"X", lambda framer: framer.discard_frame()))
        for piece in stream:
            framer.feed(piece)

        assert expected == framer.trace

    def test_in_collect_behind_many_frames(self) -> None:
        """The same where many frames came before in one read."""
        framer = Recorder(b"\n", collect=when(b"X", lambda framer: framer.discard_frame()))
        framer.feed(b"line\n" * 2000 + b"X\nb\nX")
        framer.feed(b"rest\nc\n")

        assert [b"line", END] * 2000 + [b"X", b"b", END, b"X", b"c", END] == framer.trace

    @pytest.mark.parametrize("lines", [0, 2000])
    def test_in_found_it_drops_the_next_frame(self, lines: int) -> None:
        """Called in found_terminator, the frame that begins there is dropped."""
        framer = Recorder(b"\n", found=when(b"X", lambda framer: framer.discard_frame()))
        framer.feed(b"line\n" * lines + b"X\ndropped\nb\n")

        assert [b"line", END] * lines + [b"X", END, b"b", END] == framer.trace

    def test_between_reads_it_drops_held_bytes_too(self) -> None:
        """Called between reads, a held prefix is a part of what is dropped, and may begin the end of it."""
        framer = Recorder(b"\r\n")
        framer.feed(b"a\r")
        framer.discard_frame()
        framer.feed(b"\nb\r\n")

        assert [b"a", b"b", END] == framer.trace

    def test_the_dropped_terminator_may_be_cut(self) -> None:
        """The end of the dropped frame is recognised in any cutting."""
        framer = Recorder(b"aab")
        framer.discard_frame()
        for piece in (b"xxa", b"a", b"ab", b"caab"):
            framer.feed(piece)

        assert [b"c", END] == framer.trace

    @pytest.mark.parametrize("pieces", [[b"abcdef"], [b"a", b"b", b"c", b"def"], [b"ab", b"cdef"]])
    def test_of_a_count_the_bytes_left_are_dropped(self, pieces: list[bytes]) -> None:
        """Of a count just so many bytes are dropped as it still wants; a terminator set then applies behind them."""
        framer = Recorder(3)
        framer.discard_frame()
        framer.set_terminator(b"f")
        for piece in pieces:
            framer.feed(piece)

        assert [b"de", END] == merged(framer.trace)

    @pytest.mark.parametrize("terminator", [None, 0, b""])
    def test_without_a_terminator_there_is_no_frame_to_drop(self, terminator: Any) -> None:
        """Where nothing ends a frame only what is here already is dropped."""
        framer = Recorder(terminator, found=nothing_to_find)
        framer.discard_frame()
        framer.feed(b"ab")

        assert [b"ab"] == framer.trace

    def test_a_stopped_framer_drops_nothing_more(self) -> None:
        """Called on a stopped framer it is harmless."""
        framer = Recorder(b"\n")
        framer._ac_stop_input()
        framer.discard_frame()
        framer.feed(b"a\n")

        assert [] == framer.trace

    def test_one_that_comes_alone(self) -> None:
        """A frame that is a whole chunk is dropped like any other."""
        framer = Recorder(b"\n", collect=lambda framer: framer.discard_frame())
        framer.feed(b"ab\n")
        framer.feed(b"cd\n")

        assert [b"ab", b"cd"] == framer.trace

    def test_one_of_many_short_frames(self) -> None:
        """In a long stream of short frames too, with the terminator kept or changed for what follows."""

        def collect(framer: Recorder) -> None:
            if framer.last == b"drop":
                framer.discard_frame()
            elif framer.last == b"change":
                framer.discard_frame()
                framer.set_terminator(b";")

        framer = Recorder(b"\n", collect=collect)
        framer.feed(b"ab\n" * 300 + b"drop\ncd\nchange\nef\n;")

        assert [b"ab", END] * 300 + [b"drop", b"cd", END, b"change", b"ef\n", END] == framer.trace


def nothing_to_find(framer: Recorder) -> None:
    """Fail: no frame can end here."""
    raise AssertionError("found_terminator was called")


class TestMaxFrameSize:
    """``max_frame_size``: the longest frame that a terminator may end."""

    @pytest.mark.parametrize(
        ("stream", "expected"),
        [
            (b"12345\n", [b"12345", END]),
            (b"123456\nab\n", ["too long: 6", b"ab", END]),
            (b"a\n123456789\nb\n", [b"a", END, "too long: 9", b"b", END]),
            (b"123456789", ["too long: 9"]),
        ],
    )
    def test_a_frame_over_the_limit_is_reported_and_dropped(self, stream: bytes, expected: Trace) -> None:
        """A frame of more bytes makes one call, and the next frame is delivered as ever."""
        framer = Recorder(b"\n", max_frame_size=5)
        framer.feed(stream)

        assert expected == framer.trace

    def test_it_is_seen_before_the_frame_ends(self) -> None:
        """As soon as one byte too many is here the call is made, once; what was collected stays collected."""
        framer = Recorder(b"\n", max_frame_size=5)
        for piece in (b"123", b"45", b"6", b"789", b"\nab\n"):
            framer.feed(piece)

        assert [b"123", b"45", "too long: 6", b"ab", END] == framer.trace

    def test_an_end_that_comes_later_is_measured_with_the_rest(self) -> None:
        """The bytes that were delivered before count, also where the end is in the same chunk as the excess."""
        framer = Recorder(b"\n", max_frame_size=5)
        framer.feed(b"123")
        framer.feed(b"456\nab\n")

        assert [b"123", "too long: 6", b"ab", END] == framer.trace

    def test_a_held_prefix_counts_when_it_is_none(self) -> None:
        """Held bytes are no part of the frame yet, and are when they turn out to be."""
        framer = Recorder(b"\r\n", max_frame_size=2)
        framer.feed(b"ab\r")
        assert [b"ab"] == framer.trace
        framer.feed(b"\n")
        framer.feed(b"ab\r")
        framer.feed(b"\r")

        assert [b"ab", END, b"ab", "too long: 3"] == framer.trace

    @pytest.mark.parametrize("limit", [20, 600, 5000])
    def test_among_many_frames_of_one_read(self, limit: int) -> None:
        """The same where many short frames come before and behind it in the same read."""
        framer = Recorder(b"\n", max_frame_size=limit)
        framer.feed(b"line\n" * 2000 + b"x" * (limit + 1) + b"\n" + b"line\n" * 2000)

        assert [b"line", END] * 2000 + [f"too long: {limit + 1}"] + [b"line", END] * 2000 == framer.trace

    def test_whole_frames_have_the_same_limit(self) -> None:
        """With frame_received too; of a dropped frame nothing is left for the next one."""
        framer = Frames(b"\n")
        framer.max_frame_size = 5
        for piece in (b"123", b"456", b"789\nab\n"):
            framer.feed(piece)

        assert [b"ab"] == framer.trace

    def test_what_was_collected_of_it_is_dropped_with_it(self) -> None:
        """A program with frame_received never sees the beginning of a dropped frame as that of the next."""
        framer = Frames(b"\n")
        framer.feed(b"begin")
        framer.discard_frame()
        framer.feed(b"rest\nnext\n")

        assert [b"next"] == framer.trace

    def test_the_handler_may_stop_the_input(self) -> None:
        """A handler that closes gets no frame behind the one that was too long."""
        framer = Recorder(b"\n", max_frame_size=5, too_long=lambda framer, size: framer._ac_stop_input())
        framer.feed(b"123456\nab\n")
        framer.feed(b"cd\n")

        assert ["too long: 6"] == framer.trace

    def test_the_handler_may_take_another_terminator(self) -> None:
        """A handler that sets another terminator has the frame read on under that one."""
        framer = Recorder(b"\n", max_frame_size=5, too_long=lambda framer, size: framer.set_terminator(None))
        framer.feed(b"123456\nab\n")

        assert ["too long: 6", b"123456\nab\n"] == framer.trace

    def test_a_handler_that_does_nothing_drops_the_frame(self) -> None:
        """A handler that does nothing is not called for ever: the frame is dropped."""
        framer = Recorder(b"\n", max_frame_size=5, too_long=lambda framer, size: None)
        framer.feed(b"123456\nab\n")

        assert ["too long: 6", b"ab", END] == framer.trace

    def test_the_default_handler_drops_the_frame(self) -> None:
        """Without a handler of its own a program sees only the frames that fit."""
        seen: list[bytes] = []

        class Lines(Framer):
            max_frame_size = 5

            def frame_received(self, frame: bytes) -> None:
                seen.append(frame)

        framer = Lines()
        framer.set_terminator(b"\n")
        framer.feed(b"123456\nab\n")

        assert [b"ab"] == seen

    def test_a_limit_that_is_met_changes_nothing(self) -> None:
        """With frames as long as the limit allows the trace is that without one."""
        make = partial(Recorder, b"\r\n", max_frame_size=4)

        three_ways(make, b"abcd\r\n\r\nab\r\n", [b"abcd", END, END, b"ab", END])


class TestMaxCount:
    """``max_count``: the largest count that a program may await."""

    def test_a_count_over_the_limit_is_reported_and_dropped(self) -> None:
        """A count that the peer made too large makes one call when its bytes come, and they are dropped."""
        framer = Recorder(10, max_count=5)
        framer.feed(b"0123")
        framer.set_terminator(b"\n")
        framer.feed(b"456789ab\n")

        assert ["too long: 10", b"ab", END] == framer.trace

    def test_counts_within_the_limit_pass(self) -> None:
        """A count of the limit itself is a frame as ever, in any cutting."""
        make = partial(Recorder, 5, max_count=5, found=lambda framer: framer.set_terminator(5))

        three_ways(make, b"1234512345", [b"12345", END, b"12345", END])

    def test_nothing_is_allocated_for_a_count(self) -> None:
        """Without a limit a huge count is awaited (NUM-010)."""
        framer = Recorder(2**62)
        framer.feed(b"ab")

        assert 2**62 - 2 == framer.get_terminator()

    def test_the_handler_may_stop_the_input(self) -> None:
        """A handler that closes gets none of its bytes."""
        framer = Recorder(10, max_count=5, too_long=lambda framer, size: framer._ac_stop_input())
        framer.feed(b"0123456789ab")

        assert ["too long: 10"] == framer.trace

    def test_a_handler_may_let_it_pass(self) -> None:
        """A handler that does nothing lets the count be."""
        framer = Recorder(4, max_count=3, too_long=lambda framer, size: None)
        framer.feed(b"abcd")

        assert ["too long: 4", b"abcd", END] == framer.trace
