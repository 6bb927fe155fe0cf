"""Who cuts streams: pyasynchat, each of our backends, the core's Framer, and the peers' line readers."""

from __future__ import annotations

import gc
import importlib
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from framing import Workload

#: Feeds the stream once and returns the number of frames.
Run: TypeAlias = Callable[[], int]
# No frame here is as long, the endless one not even after all rounds.
_LIMIT = 1 << 30


class _Program:
    """The user's part, the same for every candidate that has the two callbacks."""

    pieces: list[bytes]
    frames = 0

    def collect_incoming_data(self, data: bytes) -> None:
        self.pieces.append(data)

    def found_terminator(self) -> None:
        self.frame = b"".join(self.pieces)
        self.pieces.clear()
        self.frames += 1


class _HeaderAndBody(_Program):
    body: int
    in_body = False
    set_terminator: Any

    def found_terminator(self) -> None:
        self.frame = b"".join(self.pieces)
        self.pieces.clear()
        self.frames += 1
        self.in_body = not self.in_body
        self.set_terminator(self.body if self.in_body else b"\n")


class _Whole:
    """The user's part by the one callback."""

    frames = 0

    def frame_received(self, frame: bytes) -> None:
        self.frame = frame
        self.frames += 1


def _pyasynchat(workload: Workload) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _by_handle_read(importlib.import_module("asynchat").async_chat, workload)


def _drop_in(name: str) -> Callable[[Workload], Run]:
    return lambda workload: _by_handle_read(importlib.import_module(f"asynchat_{name}").asynchat.async_chat, workload)


def _with_limits(workload: Workload) -> Run:
    return _by_handle_read(importlib.import_module("asynchat_selectors").async_chat, workload, max_frame_size=_LIMIT)


def _by_handle_read(base: Any, workload: Workload, **attributes: Any) -> Run:
    """Drive an async_chat by ``handle_read``; its ``recv`` returns the next chunk."""
    program = _HeaderAndBody if workload.body else _Program
    # There is no loop that would deliver later what a bound leaves.
    attributes |= {"recv": lambda channel, size: channel.chunk, "frames_per_turn": None}
    channel = type("Channel", (program, base), attributes)(map={})
    channel.connected = True
    _begin(channel, workload)
    chunks = workload.chunks()

    def run() -> int:
        before = channel.frames
        for channel.chunk in chunks:
            channel.handle_read()
        return int(channel.frames - before)

    return run


def _framer(workload: Workload) -> Run:
    return _by_feed(_HeaderAndBody if workload.body else _Program, workload)


def _one_callback(workload: Workload) -> Run | None:
    return None if workload.body else _by_feed(_Whole, workload)


def _by_feed(program: type, workload: Workload) -> Run:
    framer = type("Framed", (program, importlib.import_module("asynchat_core").Framer), {})()
    _begin(framer, workload)
    chunks = workload.chunks()

    def run() -> int:
        before = framer.frames
        for chunk in chunks:
            framer.feed(chunk)
        return int(framer.frames - before)

    return run


def _begin(channel: Any, workload: Workload) -> None:
    channel.pieces, channel.body = [], workload.body
    channel.set_terminator(workload.terminator)


def _stream_reader(workload: Workload) -> Run | None:
    """asyncio's StreamReader, by readuntil and readexactly, fed once in each turn of the loop."""
    if not _ends(workload):
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
        reader = asyncio.StreamReader(limit=_LIMIT)
        task = asyncio.ensure_future(read(reader))
        for chunk in chunks:
            reader.feed_data(chunk)
            await asyncio.sleep(0)
        reader.feed_eof()
        return await task  # type: ignore[no-any-return]

    runner = asyncio.Runner()
    return lambda: int(runner.run(pump()))


def _line_receiver(workload: Workload) -> Run | None:
    """Twisted's LineReceiver, by dataReceived."""
    if not _ends(workload):
        return None
    base = importlib.import_module("twisted.protocols.basic").LineReceiver

    class Lines(base):  # type: ignore[misc, valid-type]
        delimiter = workload.terminator
        MAX_LENGTH = _LIMIT
        frames = left = 0

        def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
            self.frame = line
            self.frames += 1
            if workload.body:
                self.left = workload.body
                self.pieces: list[bytes] = []
                self.setRawMode()

        def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
            self.pieces.append(data[: self.left])
            rest, self.left = data[self.left :], self.left - len(data)
            if self.left <= 0:
                self.frame = b"".join(self.pieces)
                self.frames += 1
                self.setLineMode(rest)

    lines = Lines()
    lines.transport = type("Transport", (), {"disconnecting": False})()
    chunks = workload.chunks()

    def run() -> int:
        before = lines.frames
        for chunk in chunks:
            lines.dataReceived(chunk)
        return int(lines.frames - before)

    return run


def _find_loop(workload: Workload) -> Run | None:
    """No framework: bytes.find, a slice and one call for each line. The floor, where lines are short."""
    if workload.body or not _ends(workload) or len(workload.pattern) > workload.chunk:
        return None
    whole, chunks, terminator = _Whole(), workload.chunks(), workload.terminator

    def run() -> int:
        before, rest, size = whole.frames, b"", len(terminator)
        for chunk in chunks:
            data, at = rest + chunk, 0
            while (end := data.find(terminator, at)) >= 0:
                whole.frame_received(data[at:end])
                at = end + size
            rest = data[at:]
        return whole.frames - before

    return run


def _ends(workload: Workload) -> bool:
    return bool(workload.body) or workload.pattern.endswith(workload.terminator)


CANDIDATES: dict[str, Callable[[Workload], Run | None]] = {
    "pyasynchat": _pyasynchat,
    "selectors": _drop_in("selectors"),
    "uvloop": _drop_in("uvloop"),
    "asyncore": _drop_in("asyncore"),
    "selectors, limits": _with_limits,
    "Framer": _framer,
    "Framer, one callback": _one_callback,
    "find loop": _find_loop,
    "asyncio StreamReader": _stream_reader,
    "Twisted LineReceiver": _line_receiver,
}


def runs(workload: Workload, names: Iterable[str]) -> dict[str, Run]:
    """Return what feeds the stream, of each candidate that is installed and can take it."""
    found = {}
    for name in names:
        try:
            run = CANDIDATES[name](workload)
        except ImportError:
            continue
        if run is not None:
            found[name] = run
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the garbage collector out of what is timed."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def measure(workload: Workload, run: Run) -> tuple[float, int]:
    """Return the processor seconds of one stream, and the number of frames in it."""
    with quiet():
        begin = time.process_time()
        frames = run()
        return time.process_time() - begin, frames
