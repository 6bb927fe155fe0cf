"""The page of all figures: a table of every candidate for each row."""

from __future__ import annotations

from collections.abc import Iterable

from goals import is_ours
from report import ratios
from rows import Row

#: Figures and how to show them: the title of the column, the factor, the digits.
COLUMNS = {
    "cpu": ("us of CPU", 1e6, 2),
    "rate": ("a second", 1, 0),
    "MB/s": ("MB/s", 1, 0),
    "memory": ("MiB more", 1, 1),
    "idle": ("KiB idle", 1, 2),
}


def page(rows: Iterable[Row]) -> str:
    """Return the page."""
    parts = [
        "# All figures",
        "",
        "What [](../performance.md) sums up. Ratios are to pyasynchat in the same run: of CPU less is better, of rates",
        "more. Ours are in bold. The command above a table measures it again.",
    ]
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            parts += ["", f"## {group.capitalize()}"]
        parts += ["", f"### {row.name}", "", f"    {command(row)}", "", *_table(row)]
        parts += [f"\n{name} failed: {why}." for name, why in row.failures.items()]
    return "\n".join(parts) + "\n"


def command(row: Row) -> str:
    """Return what measures a row again."""
    return f"nox -s bench -- --only '{row.name}'"


def _table(row: Row) -> Iterable[str]:
    figures = [name for name in COLUMNS if row.figures and all(name in found for found in row.figures.values())]
    head = ["candidate"]
    for figure in figures:
        title = COLUMNS[figure][0]
        titles = {"cpu": f"{title} a{'n' * (row.unit[0] in 'aeiou')} {row.unit}", "rate": f"{row.unit}s {title}"}
        head.append(titles.get(figure, title))
        if ratios(row, figure) and figure != "memory":
            head.append("ratio")
    yield "| " + " | ".join(head) + " |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for name, found in row.figures.items():
        cells = [f"**{name}**" if is_ours(name) else name]
        for figure in figures:
            _, factor, digits = COLUMNS[figure]
            cells.append(f"{found[figure] * factor:,.{digits}f}")
            relative = ratios(row, figure)
            if relative and figure != "memory":
                cells.append(f"{relative[name]:.2f}")
        yield "| " + " | ".join(cells) + " |"
