"""Rows as lines for a terminal, as JSON and as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from goals import BASE, is_ours
from rows import Row

#: Figures and how to show them: the title of the column, the factor, the digits.
_COLUMNS = {
    "cpu": ("us of CPU", 1e6, 2),
    "rate": ("a second", 1, 0),
    "MB/s": ("MB/s", 1, 0),
    "memory": ("MiB more", 1, 1),
    "idle": ("KiB idle", 1, 2),
}


def ratios(row: Row, figure: str) -> dict[str, float]:
    """Return each candidate's figure over that of pyasynchat; nothing where that was not measured."""
    base = row.figures.get(BASE, {}).get(figure)
    return {name: found[figure] / base for name, found in row.figures.items()} if base else {}


def lines(row: Row) -> Iterable[str]:
    """Yield a row for a terminal."""
    yield row.name
    relative, sign = ratios(row, row.headline), "x" if row.headline != "cpu" else ""
    factor = _COLUMNS[row.headline][1]
    cells = [
        f"{name} {sign}{relative[name]:.2f}" if relative else f"{name} {found[row.headline] * factor:.2f}"
        for name, found in row.figures.items()
    ]
    yield "    " + "  ".join(cells)
    for verdict in row.verdicts:
        word = "met   " if verdict["met"] else "NOT   "
        yield f"    {word} {verdict['candidate']} {verdict['value']:.2f}: {verdict['goal']}"
    for name, why in row.failures.items():
        yield f"    failed {name}: {why}"


def as_json(row: Row) -> dict[str, Any]:
    """Return a row for JSON."""
    return {**vars(row), "ratios": {figure: ratios(row, figure) for figure in _figures(row)}}


def table(row: Row) -> Iterable[str]:
    """Yield the lines of a Markdown table of a row."""
    figures = _figures(row)
    head = ["candidate"]
    for figure in figures:
        title = _COLUMNS[figure][0]
        head.append(
            f"{title} a {row.unit}" if figure == "cpu" else f"{row.unit}s {title}" if figure == "rate" else title
        )
        if ratios(row, figure) and figure != "memory":
            head.append("ratio")
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for name, found in row.figures.items():
        cells = [f"**{name}**" if is_ours(name) else name]
        for figure in figures:
            _, factor, digits = _COLUMNS[figure]
            cells.append(f"{found[figure] * factor:,.{digits}f}")
            relative = ratios(row, figure)
            if relative and figure != "memory":
                cells.append(f"{relative[name]:.2f}")
        yield "| " + " | ".join(cells) + " |"


def goals_table(rows: Iterable[Row]) -> Iterable[str]:
    """Yield the lines of a Markdown table of all goals."""
    yield "| workload | candidate | goal | measured | |"
    yield "| --- | --- | --- | ---: | --- |"
    for row in rows:
        for verdict in row.verdicts:
            met = "met" if verdict["met"] else "**missed**"
            cells = [row.name, verdict["candidate"], verdict["goal"], f"{verdict['value']:,.2f}", met]
            yield "| " + " | ".join(cells) + " |"


def page(facts: dict[str, Any], rows: list[Row], plots: dict[str, str]) -> str:
    """Return the page of all figures; ``plots`` are the files by group."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    made = f"{facts['system']}, {facts['processors']} processors, {facts['rounds']} interleaved rounds, {facts['date']}"
    parts = [
        "# Figures",
        "",
        f"Python {facts['python']} on {made}. {versions}.",
        "Ratios are to pyasynchat in the same run: of CPU less is better, of rates more. Ours are in bold.",
        "The command above a table measures it again.",
        "",
        "## Goals",
        "",
        *goals_table(rows),
    ]
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            parts += ["", f"## {group.capitalize()}", "", f"![{group}]({plots[group]})"]
        parts += ["", f"### {row.name}", "", f"    nox -s bench -- --only '{row.name}'", "", *table(row)]
        parts += [f"\n{name} failed: {why}." for name, why in row.failures.items()]
    return "\n".join(parts) + "\n"


def _figures(row: Row) -> list[str]:
    """Return the figures that all candidates of a row have, in the order of the columns."""
    return [name for name in _COLUMNS if row.figures and all(name in found for found in row.figures.values())]
