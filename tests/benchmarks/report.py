"""Rows as lines for a terminal and as JSON, there and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from goals import BASE, Goal
from rows import Row


def ratios(row: Row, figure: str) -> dict[str, float]:
    """Return each candidate's figure over that of pyasynchat; nothing where that was not measured."""
    base = row.figures.get(BASE, {}).get(figure)
    return {name: found[figure] / base for name, found in row.figures.items() if figure in found} if base else {}


def lines(row: Row) -> Iterable[str]:
    """Yield a row for a terminal."""
    yield row.name
    relative, sign = ratios(row, row.headline), "x" if row.headline != "cpu" else ""
    factor = 1e6 if row.headline == "cpu" else 1
    cells = [
        f"{name} {sign}{relative[name]:.2f}" if relative else f"{name} {found[row.headline] * factor:.2f}"
        for name, found in row.figures.items()
    ]
    yield "    " + "  ".join(cells)
    for verdict in row.verdicts:
        word = "met   " if verdict["met"] else "NOT   "
        yield f"    {word} {verdict['candidate']} {verdict['value']:.3g}: {verdict['goal']}"
    for name, why in row.failures.items():
        yield f"    failed {name}: {why}"


def write_json(path: Path, facts: dict[str, Any], rows: Iterable[Row]) -> None:
    """Write all that was measured."""
    plain = [{**vars(row), "goals": [vars(goal) for goal in row.goals]} for row in rows]
    path.write_text(json.dumps({**facts, "rows": plain}, indent=1) + "\n")


def read_json(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """Return what ``write_json`` wrote."""
    facts = json.loads(path.read_text())
    rows = [Row(**{**row, "goals": [Goal(**goal) for goal in row["goals"]]}) for row in facts.pop("rows")]
    return facts, rows
