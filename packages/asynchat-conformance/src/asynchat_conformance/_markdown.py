"""The results as Markdown, for a project's documentation."""

from __future__ import annotations

from collections.abc import Iterator

from ._registry import AREAS, Level
from ._report import label
from ._runner import Result, Run

_CELL = {"pass": "pass", "fail": "**FAIL**", "xfail": "expected", "xpass": "**XPASS**", "n/a": "n/a", "untested": "-"}


def markdown(runs: list[Run], suite_version: str) -> str:
    """Return the matrix check x backend, and each cell that is no pass with its reason."""
    return "\n".join(_lines(runs, suite_version)) + "\n"


def _lines(runs: list[Run], suite_version: str) -> Iterator[str]:
    yield f"Suite {suite_version}. A cell is *pass*, *expected* (a declared failure, with its reason below), *n/a* (the"
    yield "backend declares that it has not what the check needs) or **FAIL**."
    yield ""
    yield from _table(["", *(label(run) for run in runs)], _summaries(runs))
    for area in AREAS:
        ids = sorted({id for run in runs for id in run.results if id[:3] == area})
        if ids:
            yield f"\n## {area}\n"
            yield from _table(["id", "level", "rule", *(run.name for run in runs)], (_row(runs, id) for id in ids))
    notes = [(run, cell) for run in runs for cell in run.results.values() if cell.status not in ("pass", "untested")]
    if notes:
        yield "\n## What is no pass\n"
        yield from _table(["backend", "id", "result", "reason"], (_note(run, cell) for run, cell in notes))


def _summaries(runs: list[Run]) -> Iterator[list[str]]:
    for level in Level:
        yield [level.name, *(f"{passed}/{total}" for passed, total in (run.counts(level) for run in runs))]


def _row(runs: list[Run], id: str) -> list[str]:
    cells = [run.results.get(id) for run in runs]
    known = next(cell for cell in cells if cell is not None)
    return [id, known.level.upper(), known.rule, *(_CELL[cell.status] if cell else "" for cell in cells)]


def _note(run: Run, cell: Result) -> list[str]:
    message = cell.message
    if cell.status == "xfail":
        # The reason that the adapter declares; how exactly it failed this time may differ from run to run.
        message = message.partition(" (")[0]
    return [run.name, cell.id, _CELL[cell.status], message]


def _table(head: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(_escape(cell) for cell in row) + " |"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
