"""The workloads of framing without sockets: streams, how they are cut into chunks, and what ends their frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from goals import Goal

KIB, MIB = 1 << 10, 1 << 20
_FRAMERS = ("selectors", "uvloop")
_COPIES_THE_REST = ("pyasynchat", "Twisted LineReceiver")


@dataclass(frozen=True)
class Workload:
    """
    A stream in chunks.

    Args:
        name: what it is, for the table and ``--only``.
        pattern: what the stream repeats.
        times: how often.
        chunk: the bytes of one read.
        terminator: what ends a frame.
        body: with it each line is a header, and so many bytes follow.
        goals: what is aimed at.
        slow: candidates that take minutes, and run once, in the full run only.
        unfit: candidates that are as slow, and would tell nothing new.
    """

    name: str
    pattern: bytes
    times: int
    chunk: int
    terminator: bytes = b"\r\n"
    body: int = 0
    goals: tuple[Goal, ...] = ()
    slow: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of the stream."""
        return len(self.pattern) * self.times

    def chunks(self) -> list[bytes]:
        """Return the stream as it would be read."""
        stream = self.pattern * self.times
        return [stream[at : at + self.chunk] for at in range(0, len(stream), self.chunk)]


def workloads(quick: bool) -> Iterator[Workload]:
    """Yield the workloads; with ``quick`` those that something is aimed at for."""
    for workload in (*_lines(), *_bodies(), *_texts(), *_unending()):
        if workload.goals or not quick:
            yield workload


def _lines() -> Iterator[Workload]:
    aims = {
        (16, 1): (Goal("cpu", 1.1, _FRAMERS),),
        (16, 4 * KIB): (Goal("cpu", 0.52, _FRAMERS),),
        (16, 64 * KIB): (Goal("cpu", 0.33, _FRAMERS),),
        (64, 4 * KIB): (Goal("cpu", 0.56, _FRAMERS),),
        (64, 64 * KIB): (Goal("cpu", 0.36, _FRAMERS),),
        (KIB, 64 * KIB): (Goal("cpu", 0.28, _FRAMERS),),
        (64 * KIB, 64 * KIB): (Goal("cpu", 0.09, _FRAMERS), Goal("MB/s", 8000, _FRAMERS, "")),
    }
    # So many bytes at least, in chunks of that size.
    sizes = {1: 20000, 100: 400_000, 4 * KIB: 2 * MIB, 64 * KIB: 2 * MIB, MIB: 4 * MIB}
    for length in (16, 64, KIB, 64 * KIB, MIB):
        for chunk, size in sizes.items():
            if chunk == 1 and length == MIB:
                # A million calls for one frame, where some copy all of it each time; 64 KiB tells the same.
                continue
            line = b"x" * (length - 2) + b"\r\n"
            times = max(2 if chunk > 100 else 1, (8 if length > KIB and chunk > 100 else 1) * size // length)
            # Of many lines in one chunk some copy the rest for each.
            slow = _COPIES_THE_REST if chunk == MIB and length < KIB else ()
            # A long line in little pieces takes minutes for who joins all there is at each read.
            unfit = _COPIES_THE_REST[1:] if length == MIB and chunk == 100 else ()
            name, aimed = line_name(length, chunk), aims.get((length, chunk), ())
            yield Workload(name, line, times, chunk, goals=aimed, slow=slow, unfit=unfit)
    beside = Goal("cpu", 1.15, _FRAMERS, beside=line_name(16, 64 * KIB))
    line = b"x" * 14 + b"\r\n"
    yield Workload(
        line_name(16, 10 * MIB),
        line,
        10 * MIB // 16,
        10 * MIB,
        goals=(beside,),
        slow=_COPIES_THE_REST[:1],
        unfit=_COPIES_THE_REST[1:],
    )


def line_name(length: int, chunk: int) -> str:
    """Return the name of the workload of lines of that length in such chunks."""
    return f"lines of {_bytes(length)}, chunks of {_bytes(chunk)}"


def _bodies() -> Iterator[Workload]:
    for body, bound in ((16, 0.7), (KIB, 0.5)):
        pattern = b"h" * 15 + b"\n" + b"b" * body
        for chunk in (4 * KIB, 64 * KIB):
            goals = (Goal("cpu", bound, _FRAMERS),) if chunk > 4 * KIB else ()
            name = f"header + {_bytes(body)} of body, chunks of {_bytes(chunk)}"
            yield Workload(name, pattern, 20000 // (1 + body // 64), chunk, b"\n", body, goals)


def _texts() -> Iterator[Workload]:
    pattern = (b"x" * 62 + b"\r\n") * 100 + b".\r\n"
    for chunk in (4 * KIB, 64 * KIB):
        name = f"CRLF.CRLF over text full of CRLF, chunks of {_bytes(chunk)}"
        yield Workload(name, pattern, 200, chunk, b"\r\n.\r\n", goals=(Goal("cpu", 0.75, _FRAMERS),))


def _unending() -> Iterator[Workload]:
    fast, steady = Goal("MB/s", 15000, _FRAMERS, ""), Goal("MB/s", 100, _FRAMERS, "")
    yield Workload("16 MiB without the terminator, chunks of 64 KiB", b"x" * MIB, 16, 64 * KIB, goals=(fast,))
    bound = b"\r\n" + b"b" * 62
    name = "chunks of 100 B that end in CR, terminator of 64 B"
    yield Workload(name, b"x" * 99 + b"\r", 20000, 100, bound, goals=(steady,))
    yield Workload("nothing but CR, terminator of 63 CR and LF", b"\r" * 100, 2000, 100, b"\r" * 63 + b"\n")


def _bytes(size: int) -> str:
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} B"
