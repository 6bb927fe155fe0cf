"""What a framer does when a callback raises, feeds it, pokes its buffer, or stops it."""

from __future__ import annotations

from typing import Any

import pytest

from .memory import END, Frames, Recorder, merged, when


class Boom(Exception):
    """Raised by callbacks."""


def boom(machine: Any) -> None:
    """Raise."""
    raise Boom


@pytest.mark.parametrize("lines", [0, 1, 2000])
def test_found_that_raises_is_not_called_again(lines: int) -> None:
    """What found_terminator raises comes out of feed; the next feed goes on with the frames behind it (ERR-014)."""
    framer = Recorder(b"\n", found=when(b"bad", boom))
    stream = b"line\n" * lines + b"bad\nc\nd"

    with pytest.raises(Boom):
        framer.feed(stream)
    assert [b"line", END] * lines + [b"bad", END] == framer.trace
    assert b"c\nd" == framer.ac_in_buffer
    framer.feed(b"e\n")

    assert [b"c", END, b"de", END] == merged(framer.trace[-4:])


@pytest.mark.parametrize("lines", [0, 1, 2000])
def test_collect_that_raises_does_not_get_the_bytes_again(lines: int) -> None:
    """What collect raises comes out of feed; its bytes are consumed, and their frame still ends (ERR-013)."""
    framer = Recorder(b"\n", collect=when(b"bad", boom))
    stream = b"line\n" * lines + b"bad\nc\nd"

    with pytest.raises(Boom):
        framer.feed(stream)
    assert [b"line", END] * lines + [b"bad"] == framer.trace
    framer.feed(b"")

    assert [b"line", END] * lines + [b"bad", END, b"c", END, b"d"] == framer.trace


def test_collect_of_a_part_that_raises_does_not_get_it_again() -> None:
    """The same for a part of a frame: the rest of it comes, and then its end."""
    framer = Recorder(b"\r\n", collect=when(b"a", boom))
    with pytest.raises(Boom):
        framer.feed(b"a\r")
    framer.feed(b"b\r\n")

    assert [b"a", b"\rb", END] == framer.trace


def test_collect_of_a_count_that_raises() -> None:
    """The same within a count, which goes on from behind the bytes that were seen."""
    framer = Recorder(5, collect=when(b"abc", boom))
    with pytest.raises(Boom):
        framer.feed(b"abc")
    framer.feed(b"def")

    assert [b"abc", b"de", END, b"f"] == framer.trace


def test_collect_of_a_whole_count_that_raises() -> None:
    """The same where the count is whole: its end still comes."""
    framer = Recorder(3, collect=when(b"abc", boom))
    with pytest.raises(Boom):
        framer.feed(b"abcd")
    framer.feed(b"")

    assert [b"abc", END, b"d"] == framer.trace


def test_frame_received_that_raises() -> None:
    """What frame_received raises comes out of feed; the next feed goes on with the next frame."""

    class Fails(Frames):
        def frame_received(self, frame: bytes) -> None:
            super().frame_received(frame)
            if frame == b"bad":
                raise Boom

    framer = Fails(b"\n")
    with pytest.raises(Boom):
        framer.feed(b"line\n" * 2000 + b"bad\nc\nd")
    framer.feed(b"\n")

    assert [b"line"] * 2000 + [b"bad", b"c", b"d"] == framer.trace


@pytest.mark.parametrize("lines", [0, 2000])
def test_the_terminator_may_change_after_a_raise(lines: int) -> None:
    """A terminator set after an exception applies to what is left of the read."""
    framer = Recorder(b"\n", found=when(b"bad", boom))
    with pytest.raises(Boom):
        framer.feed(b"line\n" * lines + b"bad\nc\nd;")
    framer.set_terminator(b";")
    framer.feed(b"")

    assert [b"c\nd", END] == merged(framer.trace[-2:])


class TestBudget:
    """``feed(data, frames)``: no more frames than a channel's share of a turn."""

    @pytest.mark.parametrize("budget", [1, 2, 3])
    def test_feed_stops_after_so_many_frames(self, budget: int) -> None:
        """feed returns True with frames left, and the next call delivers them."""
        framer = Recorder(b"\n")

        assert framer.feed(b"a\nb\nc\nd\n", budget) is True
        assert budget == framer.trace.count(END)
        assert framer.feed(b"", 10) is False
        assert [b"a", END, b"b", END, b"c", END, b"d", END] == framer.trace

    def test_feed_may_say_true_when_nothing_is_left(self) -> None:
        """With exactly the budget's frames the answer may be True; the next call then delivers nothing."""
        framer = Recorder(b"\n")
        framer.feed(b"a\n", 1)
        framer.trace.clear()

        assert framer.feed(b"", 1) is False
        assert [] == framer.trace

    @pytest.mark.parametrize("budget", [100, 1000])
    def test_a_flood_is_cut_into_shares(self, budget: int) -> None:
        """A read of many short frames is delivered whole in a number of shares of about that size."""
        framer = Recorder(b"\n")
        shares = 1
        more = framer.feed(b"ab\n" * 10_000, budget)
        while more:
            shares += 1
            more = framer.feed(b"", budget)

        assert [b"ab", END] * 10_000 == framer.trace
        # A share ends with the window that was cut in one go, of 1000 frames at the most.
        assert 10_000 / (budget + 1000) <= shares <= 10_000 / budget + 1

    def test_data_fed_between_shares_comes_behind(self) -> None:
        """Bytes that arrive while frames are left come behind them."""
        framer = Recorder(b"\n")
        framer.feed(b"a\nb\nc", 1)
        framer.feed(b"d\n")

        assert [b"a", END, b"b", END, b"cd", END] == merged(framer.trace)


class TestNestedFeed:
    """``feed`` inside a callback, as of a loop that is turned there."""

    @pytest.mark.parametrize("lines", [0, 2000])
    def test_found_may_feed(self, lines: int) -> None:
        """Bytes fed in found_terminator come behind those that are here already; none is seen twice (RNT-009)."""

        def found(framer: Recorder) -> None:
            if framer.trace[-2] == b"go":
                framer.feed(b"z\n")

        framer = Recorder(b"\n", found=found)
        framer.feed(b"line\n" * lines + b"go\nb\nc")

        assert [b"line", END] * lines + [b"go", END, b"b", END, b"cz", END] == merged(framer.trace)
        assert b"" == framer.ac_in_buffer

    def test_found_may_feed_nothing(self) -> None:
        """An empty feed in found_terminator delivers what is left, once."""
        framer = Recorder(b"\n", found=lambda framer: framer.feed(b""))
        framer.feed(b"a\nb\nc")

        assert [b"a", END, b"b", END, b"c"] == framer.trace

    def test_collect_of_a_part_may_feed(self) -> None:
        """Bytes fed while a part of a frame is delivered go on with that frame."""
        framer = Recorder(b"\n")
        framer.collect = lambda framer: framer.feed(b"b\nc") if framer.trace[-1] == b"a" else None
        framer.feed(b"a")
        framer.feed(b"d\n")

        assert [b"ab", END, b"cd", END] == merged(framer.trace)

    def test_a_count_may_be_fed_in_collect(self) -> None:
        """The same within a count."""
        framer = Recorder(3)
        framer.collect = lambda framer: framer.feed(b"bcd") if framer.trace[-1] == b"a" else None
        framer.feed(b"a")

        assert [b"abc", END, b"d"] == merged(framer.trace)


class TestBuffer:
    """``ac_in_buffer``: what no callback has seen, which old programs read, drop and replace."""

    @pytest.mark.parametrize("lines", [0, 1, 2000])
    def test_it_shows_what_no_callback_has_seen(self, lines: int) -> None:
        """In found_terminator it holds the bytes behind the frame, however many frames came before."""
        seen = []
        framer = Recorder(b"\n")
        framer.found = when(b"look", lambda framer: seen.append(framer.ac_in_buffer))
        framer.feed(b"line\n" * lines + b"look\nb\nc")

        assert [b"b\nc"] == seen
        assert [b"b", END, b"c"] == framer.trace[-3:]

    @pytest.mark.parametrize("lines", [0, 1, 2000])
    def test_it_may_be_emptied_in_found(self, lines: int) -> None:
        """Emptied in found_terminator, the rest of the read is gone (DSC-005)."""
        framer = Recorder(b"\n")
        framer.found = when(b"drop", lambda framer: setattr(framer, "ac_in_buffer", b""))
        framer.feed(b"line\n" * lines + b"drop\nb\nc")
        framer.feed(b"d\n")

        assert [b"line", END] * lines + [b"drop", END, b"d", END] == framer.trace

    @pytest.mark.parametrize("lines", [0, 2000])
    def test_it_may_be_replaced_in_found(self, lines: int) -> None:
        """Replaced in found_terminator, what is put there is delivered instead."""
        framer = Recorder(b"\n")
        framer.found = when(b"swap", lambda framer: setattr(framer, "ac_in_buffer", b"x\ny"))
        framer.feed(b"line\n" * lines + b"swap\nb\nc")
        framer.feed(b"z\n")

        assert [b"swap", END, b"x", END, b"yz", END] == merged(framer.trace)[lines * 2 :]

    def test_it_may_be_emptied_in_collect(self) -> None:
        """Emptied in collect, the frame that was found still ends (DSC-008)."""
        framer = Recorder(b"\n", collect=lambda framer: setattr(framer, "ac_in_buffer", b""))
        framer.feed(b"a\nb\n")

        assert [b"a", END] == framer.trace

    def test_a_held_prefix_may_be_dropped(self) -> None:
        """Emptied between reads, a held prefix is gone (DSC-002)."""
        framer = Recorder(b"\r\n")
        framer.feed(b"a\r")
        framer.ac_in_buffer = b""
        framer.feed(b"\nb\r\n")

        assert [b"a\nb", END] == merged(framer.trace)

    @pytest.mark.parametrize("given", [bytearray(b"a\nb"), memoryview(b"a\nb")])
    def test_it_may_be_given_a_buffer(self, given: Any) -> None:
        """A bytearray or a memoryview put there is copied."""
        framer = Recorder(b"\n")
        framer.ac_in_buffer = given
        framer.feed(b"\n")

        assert [b"a", END, b"b", END] == framer.trace


@pytest.mark.parametrize("where", ["found", "collect"])
@pytest.mark.parametrize("lines", [0, 1, 2000])
def test_a_stopped_framer_makes_no_callback(where: str, lines: int) -> None:
    """Once input is stopped in a callback, no other follows, whatever was read or is fed (CLS-005, CLS-006)."""

    def stop(framer: Recorder) -> None:
        if b"stop" in framer.trace[-2:]:
            framer._ac_stop_input()

    framer = Recorder(b"\n", **{where: stop})  # type: ignore[arg-type]
    framer.feed(b"line\n" * lines + b"stop\nb\nc")
    framer.feed(b"d\n")

    assert [b"line", END] * lines + [b"stop"] + [END] * (where == "found") == framer.trace
    assert b"" == framer.ac_in_buffer


def test_a_stopped_framer_that_raises_makes_no_callback() -> None:
    """The same where the callback raises after that."""

    def stop(framer: Recorder) -> None:
        framer._ac_stop_input()
        raise Boom

    framer = Recorder(b"\n", collect=stop)
    with pytest.raises(Boom):
        framer.feed(b"a\nb\n")
    framer.feed(b"c\n")

    assert [b"a"] == framer.trace


def test_reset_begins_anew() -> None:
    """reset_input forgets the half frame of an old connection; the terminator stays."""
    framer = Recorder(b"\r\n")
    framer.feed(b"half\r")
    framer._collect_incoming_data(b"half")
    framer._ac_stop_input()
    framer.reset_input()
    framer.feed(b"\na\r\n")

    assert [] == framer.incoming
    assert [b"half", b"\na", END] == framer.trace
