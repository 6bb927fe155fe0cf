"""What holds for every stream, every cutting of it, and every change of the terminator on the way."""

from __future__ import annotations

from itertools import cycle
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from .memory import END, Recorder, Trace, data_of, merged, slow_prefix_at_end

TERMINATORS: list[Any] = [b"\n", b"\r\n", b"\r\n\r\n", b"aab", b"abab", b"ab" * 12, b"", None, 0, 1, 2, 5]
LINES = [b"\n", b"a\n", b"b\r\n", b"\r\n\r\n", b"aab", b"abab", b"xyz\r\n", b"x" * 300 + b"\r\n", b"ab" * 12]
Changes: TypeAlias = list[tuple[int, Any]]

# A few lines, each some times in a row: streams that are cut ahead, and fall back from it.
streams = st.lists(st.tuples(st.sampled_from(LINES), st.integers(1, 300)), max_size=6).map(
    lambda runs: b"".join(line * times for line, times in runs)
)
changes: st.SearchStrategy[Changes] = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from(TERMINATORS)), min_size=1, max_size=5
)
cuts = st.lists(st.sampled_from([1, 2, 3, 7, 100, 513, 2048, 5000]), min_size=1, max_size=8)


def first_frame(stream: bytes, term: Any) -> tuple[bytes, bool, bytes]:
    """Return the data before the terminator, whether that is here, and the rest: behind it, or held back."""
    if not term:
        return stream, False, b""
    if isinstance(term, int):
        return stream[:term], len(stream) >= term, stream[term:]
    data, found, rest = stream.partition(term)
    end = len(data) if found else len(data) - slow_prefix_at_end(data, term)
    return data[:end], bool(found), rest or data[end:]


def expected_trace(stream: bytes, script: Changes) -> tuple[Trace, bytes]:
    """Cut a stream by the definition, a frame at a time; return the merged trace and what is held back."""
    trace: Trace = []
    changes, frames = script[1:], 0
    term, ended, rest = script[0][1], True, stream
    while rest and ended:
        data, ended, rest = first_frame(rest, term)
        trace += [data] * bool(data) + [END] * ended
        frames += 1
        if isinstance(term, int):
            term = 0
        if changes and frames > changes[0][0]:
            term, frames = changes.pop(0)[1], 0
    return merged(trace), rest


class Scripted(Recorder):
    """A recorder that changes its terminator after so many frames each."""

    def __init__(self, script: Changes) -> None:
        super().__init__(script[0][1])
        self.following = iter(script[1:])
        self.next_change = next(self.following, None)
        self.frames = 0

    def found_terminator(self) -> None:
        super().found_terminator()
        self.frames += 1
        if self.next_change is not None and self.frames > self.next_change[0]:
            self.set_terminator(self.next_change[1])
            self.next_change = next(self.following, None)
            self.frames = 0


@given(streams, changes, cuts)
@example(b"line\r\n" * 3000, [(0, b"\r\n"), (2500, b"\n")], [5000])
@example(b"\r\n" * 3000 + b"x", [(0, b"\r\n")], [5000])
@example(b"a\r" * 3000 + b"\r\n", [(0, b"\r\n")], [5000])
def test_every_cutting_gives_the_frames_of_the_definition(stream: bytes, script: Changes, sizes: list[int]) -> None:
    """However a stream is cut into chunks and whenever the terminator changes, the frames are those of the whole."""
    framer = Scripted(script)
    at = 0
    for size in cycle(sizes):
        framer.feed(stream[at : at + size])
        at += size
        if at >= len(stream):
            break

    assert expected_trace(stream, script) == (merged(framer.trace), framer.ac_in_buffer)


@given(streams, changes, st.integers(1, 50))
def test_a_budget_changes_nothing_but_the_pace(stream: bytes, script: Changes, budget: int) -> None:
    """Fed with a budget of frames and again as often as it takes, the trace is the same."""
    framer = Scripted(script)
    more = framer.feed(stream, budget)
    while more:
        more = framer.feed(b"", budget)

    assert expected_trace(stream, script) == (merged(framer.trace), framer.ac_in_buffer)


@given(streams, st.sampled_from(TERMINATORS), st.integers(1, 700), cuts)
def test_a_limit_bounds_what_is_collected(stream: bytes, terminator: Any, limit: int, sizes: list[int]) -> None:
    """No frame of more bytes than the limit is delivered, however the stream is cut, and no shorter one is dropped."""
    framer = Recorder(terminator, max_frame_size=limit)
    free = Recorder(terminator)
    at = 0
    for size in cycle(sizes):
        framer.feed(stream[at : at + size])
        at += size
        if at >= len(stream):
            break
    free.feed(stream)

    if not isinstance(terminator, bytes) or not terminator:
        assert merged(free.trace) == merged(framer.trace)
        return
    assert [frame for frame in frames_of(free.trace) if len(frame) <= limit] == frames_of(framer.trace)


def frames_of(trace: Trace) -> list[bytes]:
    """Return the data of each frame that has ended; one that was too long is none."""
    frames, data = [], b""
    for event in trace:
        if event == END:
            frames.append(data)
            data = b""
        elif isinstance(event, bytes):
            data += event
        else:
            data = b""
    return frames


@pytest.mark.parametrize("term", [b"\r\n", b"--boundary", b"aab", b"\x00\x01"])
@pytest.mark.parametrize("filling", ["last", "first", "all", "none"])
def test_a_frequent_byte_of_the_terminator_hides_none(term: bytes, filling: str) -> None:
    """Whichever bytes of the terminator the data is full of, it is found, here and in the reads that follow."""
    fill = {"last": term[-1:], "first": term[:1], "all": term[::-1], "none": b"\xff"}[filling]
    frame = (b"." + fill) * 3000
    stream = (frame + term) * 40
    framer = Recorder(term)
    for at in range(0, len(stream), 4096):
        framer.feed(stream[at : at + 4096])

    assert [frame, END] * 40 == merged(framer.trace)


def test_data_out_is_data_in() -> None:
    """No byte is lost, doubled or reordered but for the terminators themselves."""
    stream = bytes(range(256)) * 4000
    framer = Recorder(b"\x10\x11")
    for at in range(0, len(stream), 4001):
        framer.feed(stream[at : at + 4001])

    assert stream.replace(b"\x10\x11", b"") == data_of(framer.trace)
    assert 4000 == framer.trace.count(END)


def test_many_empty_frames_do_not_recurse() -> None:
    """100 000 empty frames in one read (FRM-021)."""
    framer = Recorder(b"\n")
    framer.feed(b"\n" * 100_000)

    assert [END] * 100_000 == framer.trace


def test_a_large_frame_arrives_whole() -> None:
    """A frame of 16 MiB in reads of 64 KiB (FRM-014)."""
    frame = bytes(range(1, 256)) * 65_793
    framer = Recorder(b"\0")
    for at in range(0, len(frame), 65536):
        framer.feed(frame[at : at + 65536])
    framer.feed(b"\0")

    assert END == framer.trace[-1]
    assert frame == data_of(framer.trace)
