"""The results for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ._registry import AREAS, Level
from ._runner import Result, Run

# Traces shown of a failed check; a crowd of channels has many.
_MOST_TRACES = 4

_SHOWN = {"pass": "pass", "fail": "FAIL", "xfail": "xfail", "xpass": "XPASS", "n/a": "n/a", "untested": "untested"}


def summary(run: Run) -> str:
    """Return one line: how many checks of each level passed, of those that apply."""
    counts = [f"{level.name} {passed}/{total}" for level in Level for passed, total in [run.counts(level)] if total]
    return f"{label(run)}: {'  '.join(counts)}"


def label(run: Run) -> str:
    """Return the backend's name with its version."""
    return f"{run.name} {run.version}".strip()


def matrix(runs: list[Run]) -> Iterator[str]:
    """Yield the lines of the matrix area x backend, and below each area the checks that did not pass everywhere."""
    width = max(9, *(len(run.name) for run in runs))
    yield f"{'':10}" + "".join(f"{run.name:>{width + 2}}" for run in runs)
    for area in AREAS:
        ids = sorted({id for run in runs for id in run.results if id[:3] == area})
        if not ids:
            continue
        yield f"{area:10}" + "".join(f"{_tally(run, ids):>{width + 2}}" for run in runs)
        for id in ids:
            cells = [run.results.get(id) for run in runs]
            if any(cell is not None and cell.status != "pass" for cell in cells):
                yield f"  {id}  " + "".join(f"{_SHOWN[cell.status] if cell else '':>{width + 2}}" for cell in cells)


def _tally(run: Run, ids: Iterable[str]) -> str:
    cells = [run.results[id] for id in ids if id in run.results]
    applying = [cell for cell in cells if cell.status not in ("n/a", "untested")]
    return f"{sum(cell.status == 'pass' for cell in applying)}/{len(applying)}"


def details(run: Run, cells: Iterable[Result]) -> Iterator[str]:
    """Yield, for each cell, what was demanded, what came, and the command that repeats it."""
    for cell in cells:
        yield f"{cell.id} on {run.name} ({cell.level.upper()}): {_SHOWN[cell.status]}"
        yield f"  rule      {cell.rule}"
        if cell.message:
            yield f"  message   {cell.message}"
        if cell.expected or cell.actual:
            yield f"  expected  {cell.expected}"
            yield f"  actual    {cell.actual}"
        for trace in cell.trace[:_MOST_TRACES]:
            yield f"  trace     {trace}"
        yield f"  repeat    {run.command(cell)}"
