"""Bars, as SVG by hand: one file for each group of workloads."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from goals import is_ours
from report import ratios
from rows import Row

_NAMES, _BARS, _LINE = 190, 480, 15
_OURS, _OTHERS = "#2f81f7", "#8b949e"


def bars(rows: Iterable[Row]) -> str:
    """Return the headline figures of some rows, as ratios to pyasynchat where it was measured; the longest is full."""
    parts: list[str] = []
    y = 8
    for row in rows:
        values = ratios(row, row.headline) or {name: found[row.headline] for name, found in row.figures.items()}
        if not values:
            continue
        better = "less" if row.headline == "cpu" else "more"
        title = f"{row.name} ({'CPU' if row.headline == 'cpu' else row.headline}, {better} is better)"
        parts.append(f'<text x="8" y="{y + 12}" font-weight="600">{escape(title)}</text>')
        y += 20
        for name, value in sorted(values.items(), key=lambda item: item[1], reverse=better == "more"):
            parts += _bar(y, name, value, value / max(values.values()), bool(ratios(row, row.headline)))
            y += _LINE
        y += 10
    style = "font: 11px system-ui, sans-serif; background: white"
    width = _NAMES + _BARS + 70
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" style="{style}">{"".join(parts)}</svg>\n'
    )


def _bar(y: int, name: str, value: float, part: float, relative: bool) -> Iterable[str]:
    width = max(1.0, part * _BARS)
    text = f"{value:.2f}" if relative else f"{value:.3g}"
    yield f'<text x="{_NAMES - 8}" y="{y + 10}" text-anchor="end">{escape(name)}</text>'
    yield f'<rect x="{_NAMES}" y="{y}" width="{width:.1f}" height="12" fill="{_OURS if is_ours(name) else _OTHERS}"/>'
    yield f'<text x="{_NAMES + width + 6:.1f}" y="{y + 10}">{text}</text>'
