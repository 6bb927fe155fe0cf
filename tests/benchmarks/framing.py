"""Framing without sockets: what it costs to cut a stream, callbacks included."""

from __future__ import annotations

import gc
import importlib
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

KIB, MIB = 1 << 10, 1 << 20


@dataclass(frozen=True)
class Workload:
    """A stream, how it is cut into chunks, and what ends its frames."""

    name: str
    stream: bytes
    chunk: int
    terminator: bytes | None = b"\r\n"
    # With it, each line is a header and so many bytes of body follow.
    body: int = 0
    goal: float | None = None

    def chunks(self) -> list[bytes]:
        """Return the stream as it would be read."""
        return [self.stream[at : at + self.chunk] for at in range(0, len(self.stream), self.chunk)]


def workloads() -> Iterator[Workload]:
    """Yield the workloads of the page on performance."""
    for length, goals in ((16, (0.52, 0.33)), (64, (0.56, 0.36)), (KIB, (None, 0.28)), (64 * KIB, (None, 0.09))):
        line = b"x" * (length - 2) + b"\r\n"
        for chunk, goal in zip((4 * KIB, 64 * KIB), goals, strict=True):
            yield Workload(
                f"lines of {length} B, chunks of {chunk} B", line * max(1, 2 * MIB // length), chunk, goal=goal
            )
    short = b"x" * 14 + b"\r\n"
    yield Workload("lines of 16 B, byte by byte", short * 1000, 1, goal=1.1)
    yield Workload("lines of 16 B, chunks of 100 B", short * 10000, 100)
    yield Workload("lines of 1 MiB, chunks of 64 KiB", (b"x" * (MIB - 2) + b"\r\n") * 8, 64 * KIB)
    for body, goal in ((16, 0.7), (KIB, 0.5)):
        stream = (b"h" * 15 + b"\n" + b"b" * body) * (20000 // (1 + body // 64))
        for chunk in (4 * KIB, 64 * KIB):
            name = f"header and {body} B of body, chunks of {chunk} B"
            yield Workload(name, stream, chunk, b"\n", body, goal if chunk > 4 * KIB else None)
    text = ((b"x" * 62 + b"\r\n") * 100 + b".\r\n") * 40
    for chunk in (4 * KIB, 64 * KIB):
        yield Workload(f"CRLF.CRLF over text of CRLF lines, chunks of {chunk} B", text, chunk, b"\r\n.\r\n", goal=0.75)
    yield Workload("16 MiB without the terminator, chunks of 64 KiB", b"x" * (16 * MIB), 64 * KIB)
    bound = b"\r\n" + b"b" * 62
    yield Workload("chunks of 100 B that end in CR, terminator of 64 B", (b"x" * 99 + b"\r") * 20000, 100, bound)
    yield Workload("CR only, terminator of 63 CR and LF", b"\r" * 200000, 100, b"\r" * 63 + b"\n")


def one_chunk() -> Workload:
    """Return 10 MiB of 16-byte lines in one chunk; pyasynchat takes a minute for it."""
    return Workload("lines of 16 B, one chunk of 10 MiB", (b"x" * 14 + b"\r\n") * (10 * MIB // 16), 10 * MIB)


class _Collector:
    """The program's part, the same for every candidate."""

    frames = 0

    def collect_incoming_data(self, data: bytes) -> None:
        """Keep a piece."""
        self.pieces.append(data)  # type: ignore[attr-defined]

    def found_terminator(self) -> None:
        """Make the frame."""
        pieces = self.pieces  # type: ignore[attr-defined]
        self.frame = b"".join(pieces)
        pieces.clear()
        self.frames += 1


class _HeaderAndBody(_Collector):
    def found_terminator(self) -> None:
        """Switch between the line and its body."""
        super().found_terminator()
        if self.get_terminator() == b"\n":  # type: ignore[attr-defined]
            self.set_terminator(self.body)  # type: ignore[attr-defined]
        else:
            self.set_terminator(b"\n")  # type: ignore[attr-defined]


def pyasynchat(workload: Workload) -> Callable[[], int]:
    """The reference, its socket replaced by a recv that returns the next chunk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base = importlib.import_module("asynchat").async_chat
    return _by_handle_read(base, workload)


def selectors(workload: Workload) -> Callable[[], int]:
    """Our async_chat, driven in the same way."""
    return _by_handle_read(importlib.import_module("asynchat_selectors").asynchat.async_chat, workload)


def _by_handle_read(base: Any, workload: Workload) -> Callable[[], int]:
    program = _HeaderAndBody if workload.body else _Collector
    chunks = workload.chunks()

    class Channel(program, base):  # type: ignore[misc, valid-type]
        def recv(self, size: int) -> bytes:
            return self.chunk  # type: ignore[no-any-return]

    channel = Channel(map={})
    channel.pieces, channel.body, channel.connected, channel.frames_per_turn = [], workload.body, True, None
    channel.set_terminator(workload.terminator)

    def run() -> int:
        before = channel.frames
        for channel.chunk in chunks:
            channel.handle_read()
        return int(channel.frames - before)

    return run


def framer(workload: Workload) -> Callable[[], int]:
    """asynchat_core.Framer, with the two callbacks."""
    base = importlib.import_module("asynchat_core").Framer
    program = _HeaderAndBody if workload.body else _Collector
    return _by_feed(type("Lines", (program, base), {}), workload)


def whole_frames(workload: Workload) -> Callable[[], int] | None:
    """asynchat_core.Framer, with the one callback for a whole frame."""
    if workload.body:
        return None
    base = importlib.import_module("asynchat_core").Framer

    class Lines(base):  # type: ignore[misc, valid-type]
        frames = 0

        def frame_received(self, frame: bytes) -> None:
            self.frame = frame
            self.frames += 1

    return _by_feed(Lines, workload)


def _by_feed(kind: Any, workload: Workload) -> Callable[[], int]:
    channel = kind()
    channel.pieces, channel.body = [], workload.body
    channel.set_terminator(workload.terminator)
    chunks = workload.chunks()

    def run() -> int:
        before = channel.frames
        for chunk in chunks:
            channel.feed(chunk)
        return int(channel.frames - before)

    return run


def stream_reader(workload: Workload) -> Callable[[], int] | None:
    """asyncio's StreamReader, readuntil and readexactly."""
    if workload.terminator is None or (not workload.stream.endswith(workload.terminator) and not workload.body):
        return None
    asyncio = importlib.import_module("asyncio")
    chunks = workload.chunks()

    async def read(reader: Any) -> int:
        frames = 0
        try:
            while True:
                await reader.readuntil(workload.terminator)
                frames += 1
                if workload.body:
                    await reader.readexactly(workload.body)
                    frames += 1
        except asyncio.IncompleteReadError:
            return frames

    async def pump() -> int:
        reader = asyncio.StreamReader(limit=64 * MIB)
        task = asyncio.ensure_future(read(reader))
        for chunk in chunks:
            reader.feed_data(chunk)
            await asyncio.sleep(0)
        reader.feed_eof()
        return await task  # type: ignore[no-any-return]

    runner = asyncio.Runner()
    return lambda: int(runner.run(pump()))


def twisted(workload: Workload) -> Callable[[], int] | None:
    """Twisted's LineReceiver, with setLineMode and setRawMode as a body needs them."""
    if workload.body:
        return None
    basic = importlib.import_module("twisted.protocols.basic")

    class Lines(basic.LineReceiver):  # type: ignore[misc, name-defined]
        MAX_LENGTH = 64 * MIB
        delimiter = workload.terminator
        frames = 0

        def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
            self.frame = line
            self.frames += 1

    receiver = Lines()
    chunks = workload.chunks()

    def run() -> int:
        before = receiver.frames
        for chunk in chunks:
            receiver.dataReceived(chunk)
        return int(receiver.frames - before)

    return run


CANDIDATES: dict[str, Callable[[Workload], Callable[[], int] | None]] = {
    "pyasynchat": pyasynchat,
    "async_chat": selectors,
    "Framer": framer,
    "frame_received": whole_frames,
    "StreamReader": stream_reader,
    "LineReceiver": twisted,
}


def measure(workload: Workload, rounds: int, names: list[str]) -> dict[str, list[float]]:
    """Return the processor seconds of each candidate, round by round; rotated, so that none is always the first."""
    runs = {}
    for name in names:
        try:
            run = CANDIDATES[name](workload)
        except ImportError:
            continue
        if run is not None:
            runs[name] = run
    counts = {name: run() for name, run in runs.items()}
    if len(set(counts.values())) > 1:
        raise AssertionError(f"{workload.name}: the candidates do not agree on the frames: {counts}")
    times: dict[str, list[float]] = {name: [] for name in runs}
    order = list(runs)
    gc.collect()
    gc.disable()
    for _ in range(rounds):
        for name in order:
            begin = time.process_time()
            runs[name]()
            times[name].append(time.process_time() - begin)
        order.append(order.pop(0))
    gc.enable()
    return times
