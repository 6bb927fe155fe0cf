"""From workloads to rows of figures: every candidate in every round, and each round begun by another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import candidates
import framers
import framing
import goals
import imports
import runs
import sockets
from progress import Progress

#: The figures of one run.
Sample = dict[str, float]


@dataclass
class Row:
    """What came of one workload; figures are medians, but of framing the least."""

    name: str
    group: str
    headline: str
    unit: str
    figures: dict[str, Sample] = field(default_factory=dict)
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    goals: list[goals.Goal] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def of_framing(workload: framing.Workload, rounds: int, quick: bool, progress: Progress) -> Row:
    """Measure framing without sockets."""
    fast = [name for name in framers.CANDIDATES if name not in workload.slow + workload.unfit]
    found = framers.runs(workload, fast if quick else [*fast, *workload.slow])
    row = Row(workload.name, "framing", "cpu", "frame", goals=list(workload.goals))
    counts = {}
    progress.step(workload.name)

    def sample(name: str) -> Sample:
        seconds, counts[name] = framers.measure(workload, found[name])
        return {"seconds": seconds}

    if not quick:
        for name in workload.slow:
            row.samples[name] = [sample(name)]
    for name in fast:
        if name in found:
            # Warm, as the others' first round must be too.
            sample(name)
    _interleave(row, [name for name in fast if name in found], rounds, sample)
    if len(set(counts.values())) > 1:
        raise AssertionError(f"{workload.name}: the candidates do not agree on the number of frames: {counts}")
    frames = next(iter(counts.values()), 0)
    if not frames:
        row.unit = "chunk"
    for name, samples in row.samples.items():
        seconds = min(sample["seconds"] for sample in samples)
        pieces = frames or -(-workload.size // workload.chunk)
        row.figures[name] = {"cpu": seconds / pieces, "MB/s": workload.size / seconds / 1e6}
    return row


def of_sockets(workload: sockets.Workload, rounds: int, quick: bool, progress: Progress) -> Row:
    """Measure servers."""
    row = Row(workload.name, workload.group, workload.headline, "message", goals=list(workload.goals))

    def sample(name: str) -> Sample | None:
        try:
            progress.step(f"{workload.name}: {name}")
            return runs.run(workload, name)
        except (runs.Failed, EOFError, BrokenPipeError) as error:
            row.failures[name] = str(error) or "ended"
            return None

    here = candidates.of(workload)
    slow = [name for name in here if name in workload.slow]
    _interleave(row, [name for name in here if name not in slow], rounds, sample)
    if not quick:
        _interleave(row, slow, 1, sample)
    for name, samples in row.samples.items():
        row.figures[name] = {figure: median(sample[figure] for sample in samples) for figure in samples[0]}
    return row


def of_imports(rounds: int, progress: Progress) -> Row:
    """Measure imports."""
    progress.step(imports.NAME)
    row = Row(imports.NAME, "import", "cpu", "import", goals=list(imports.GOALS))
    for name, seconds in imports.measure(max(rounds, 3)):
        row.samples[name] = [{"cpu": found} for found in seconds]
        row.figures[name] = {"cpu": median(seconds)}
    return row


def judge(row: Row, rows: Iterable[Row]) -> None:
    """Note which goals are met."""
    others = {other.name: other.figures for other in rows}
    row.verdicts = [verdict for goal in row.goals for verdict in goal.verdicts(row.figures, others)]


def _interleave(row: Row, names: list[str], rounds: int, sample: Callable[[str], Sample | None]) -> None:
    order = list(names)
    for _ in range(rounds):
        for name in list(order):
            found = sample(name)
            if found is None:
                order.remove(name)
            else:
                row.samples.setdefault(name, []).append(found)
        order = order[1:] + order[:1]
