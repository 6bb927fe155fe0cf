"""The workloads over loopback: what the load does, which server it needs, what is aimed at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from goals import BEST_PEER, Goal

MIB = 1 << 20
PIECE = b"twenty bytes of data"


@dataclass(frozen=True)
class Workload:
    """
    One load.

    Args:
        name: what it is, for the table and ``--only``.
        group: the plot that it is in.
        server: the server that it needs, see ``chats.py``.
        kind: what ``load.py`` does, with ``numbers``, ``request`` and ``reply``.
        messages: in the whole, for figures for each.
        connections: at the most at once.
        goals: what is aimed at.
        headline: the figure that the plot shows.
        slow: candidates that take minutes, and run once, in the full run only.
        unfit: candidates that cannot do it in any useful time.
        quick: whether the quick run has it.
    """

    name: str
    group: str
    server: str
    kind: str
    numbers: tuple[int, int, int]
    request: bytes
    reply: bytes
    messages: int
    connections: int
    goals: tuple[Goal, ...] = ()
    headline: str = "cpu"
    slow: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    quick: bool = True


def workloads(quick: bool) -> Iterator[Workload]:
    """Yield the workloads; with ``quick`` the few that matter most, and short."""
    part = 5 if quick else 1
    for workload in (*_echoes(part), *_batches(part), *_idle(part), *_outputs(), *_rooms(part)):
        if workload.quick or not quick:
            yield workload


def _exchange(
    name: str,
    group: str,
    request: bytes,
    times: int,
    connections: int,
    total: int,
    idle: int = 0,
    server: str = "lines",
) -> Workload:
    """Return a workload of about ``total`` messages, ``times`` in each request, echoed."""
    rounds = max(2, total // times // connections)
    return Workload(
        name,
        group,
        server,
        "exchange",
        (connections, rounds, idle),
        request * times,
        request * times,
        connections * rounds * times,
        connections + idle,
    )


def _with(workload: Workload, **changes: object) -> Workload:
    return Workload(**{**vars(workload), **changes})


def _echoes(part: int) -> Iterator[Workload]:
    sizes = (
        (64, 20000, (Goal("cpu", 0.95),)),
        (10240, 6000, (Goal("cpu", 0.5),)),
        (102400, 3000, (Goal("cpu", 0.5, ("selectors",)), Goal("cpu", 0.35, ("uvloop",)))),
    )
    for size, total, goals in sizes:
        for connections in (1, 50, 1000):
            name = f"echo of {_bytes(size)}, {connections} connection{'s' * (connections > 1)}"
            # One at a time they take longest, and vary least.
            messages = total // part // (4 if connections == 1 else 1)
            found = _exchange(name, "echo", b"x" * (size - 1) + b"\n", 1, connections, messages)
            at_fifty = connections == 50
            yield _with(found, goals=goals if at_fifty else (), quick=at_fifty)


def _batches(part: int) -> Iterator[Workload]:
    found = _exchange("pipelined lines of 64 B, 50 x 100", "batches", b"x" * 63 + b"\n", 100, 50, 100_000 // part)
    goals = (Goal("rate", 9), Goal("rate", 1, against="redis"))
    yield _with(found, goals=goals, headline="rate")
    body = b"1024\n" + b"b" * 1024
    found = _exchange("header + 1 KiB of body, 10 x 100", "batches", body, 100, 10, 40_000 // part, server="bodies")
    yield _with(found, goals=(Goal("rate", 5),), headline="rate")


def _idle(part: int) -> Iterator[Workload]:
    few = "1 active beside 100 idle"
    for idle in (100, 1000, 10000):
        found = _exchange(f"1 active beside {idle} idle", "idle", b"x" * 63 + b"\n", 1, 1, 3000 // part, idle)
        if idle == 10000:
            # These turn through all connections, in each of 3000 turns.
            slow = ("pyasynchat", "asyncio streams", "trio")
            memory = (Goal("idle", 2.0, ("selectors",), ""), Goal("idle", 2.5, ("uvloop",), ""))
            found = _with(found, goals=(Goal("cpu", 1.3, beside=few), *memory), slow=slow)
        yield _with(found, quick=idle < 10000)


def _outputs() -> Iterator[Workload]:
    yield Workload(
        "256 MiB through a producer",
        "output",
        "producer",
        "swallow",
        (256 * MIB, 0, 0),
        b"go\n",
        b"p" * 65536,
        256,
        1,
        (Goal("rate", 1.0, against=BEST_PEER), Goal("memory", 4, against="")),
        "rate",
    )
    # Fewer would fit into the kernel's buffers.
    count = 1_000_000
    yield Workload(
        f"{count} pushes of 20 B, the reader asleep",
        "output",
        "pushes",
        "swallow",
        (count * len(PIECE), 1, 0),
        f"{count}\n".encode(),
        PIECE,
        count,
        1,
        (Goal("cpu", 0.1), Goal("MB/s", 100, ("selectors",)), Goal("MB/s", 300, ("uvloop",))),
        # Their buffers are walked at each write.
        unfit=("asyncio streams", "asyncio Protocol", "asyncio Protocol, coalesced"),
    )


def _rooms(part: int) -> Iterator[Workload]:
    for batch, goal in ((10, Goal("rate", 7)), (1, Goal("cpu", 1.0))):
        lines, line = 100 // part, b"x" * 63 + b"\n"
        yield Workload(
            f"room of 1000, lines by {batch}",
            "room",
            "room",
            "room",
            (1000, lines, batch),
            line * batch,
            line,
            1000 * lines,
            1000,
            (goal,),
            "rate" if batch > 1 else "cpu",
        )


def _bytes(size: int) -> str:
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB"
