"""Figures as rows of a table, as Markdown and as plots."""

from __future__ import annotations

from html import escape
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import framing
    import sockets

_BASE = "pyasynchat"


def framing_row(workload: framing.Workload, times: dict[str, list[float]]) -> dict[str, Any]:
    """Return the least processor times as ratios to pyasynchat, with the speed of each in MB/s."""
    best = {name: min(values) for name, values in times.items()}
    ratios = {name: value / best[_BASE] for name, value in best.items()}
    figures = {name: {"MB/s": len(workload.stream) / value / 1e6} for name, value in best.items()}
    goal = "" if workload.goal is None else str(workload.goal)
    return {"name": workload.name, "unit": "processor time", "goal": goal, "ratios": ratios, "figures": figures}


def socket_row(workload: sockets.Workload, samples: dict[str, list[sockets.Sample]]) -> dict[str, Any]:
    """Return the medians: processor time a message as ratio to pyasynchat, rate and memory beside it."""
    cpu = {name: median(sample.cpu for sample in found) for name, found in samples.items()}
    base = cpu.get(_BASE) or next(iter(cpu.values()), 1.0)
    figures = {}
    for name, found in samples.items():
        figures[name] = {
            "us CPU a message": cpu[name] * 1e6,
            "messages/s": median(sample.rate for sample in found),
            "MiB": median(sample.rss for sample in found),
        }
        if found[0].extra:
            size = workload.order["total"] / (1 << 20)
            figures[name]["drain MiB/s"] = size / median(sample.extra["drain"] for sample in found)
    ratios = {name: value / base for name, value in cpu.items()}
    rate = {name: found["messages/s"] for name, found in figures.items()}
    speedups = {name: value / rate[_BASE] for name, value in rate.items()} if _BASE in rate else {}
    return {
        "name": workload.name,
        "unit": "processor time a message",
        "goal": workload.goal,
        "ratios": ratios,
        "speedups": speedups,
        "figures": figures,
    }


def line(row: dict[str, Any]) -> str:
    """Return one row for a terminal."""
    cells = []
    for name, ratio in row["ratios"].items():
        speedup = row.get("speedups", {}).get(name)
        cells.append(f"{name} {ratio:.2f}" + (f" (x{speedup:.1f})" if speedup else ""))
    goal = f"  [goal {row['goal']}]" if row["goal"] else ""
    return f"{row['name']}{goal}\n    " + "  ".join(cells)


def write_docs(facts: dict[str, Any], folder: Path) -> None:
    """Write ``figures.md`` and a plot for each workload into the documentation."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        f"Python {facts['python']}, {facts['machine']}, {facts['rounds']} interleaved rounds; made by",
        "`nox -s bench -- --docs docs/performance`. Ratios are to pyasynchat in the same run: less is better for the",
        "processor time, more for the rate.",
    ]
    for row in facts["rows"]:
        parts += ["", f"## {row['name']}", ""]
        if row["goal"]:
            parts += [f"Goal: {row['goal']}.", ""]
        parts += _table(row)
    (folder / "figures.md").write_text("# Figures\n\n" + "\n".join(parts) + "\n")
    (folder / "ratios.svg").write_text(_plot(facts["rows"]))


def _table(row: dict[str, Any]) -> list[str]:
    columns = sorted({column for figures in row["figures"].values() for column in figures})
    head = ["candidate", row["unit"], *(["rate"] if row.get("speedups") else []), *columns]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for name, ratio in row["ratios"].items():
        cells = [name, f"{ratio:.2f}"]
        if row.get("speedups"):
            cells.append(f"x{row['speedups'].get(name, 0):.1f}")
        cells += [f"{row['figures'].get(name, {}).get(column, 0):,.1f}" for column in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _plot(rows: list[dict[str, Any]]) -> str:
    """Return bars of the ratios: one group a workload, cut off at twice pyasynchat's."""
    bars, y = [], 10
    for row in rows:
        bars.append(f'<text x="10" y="{y + 12}" font-weight="600">{escape(row["name"])}</text>')
        y += 18
        for name, ratio in row["ratios"].items():
            width = min(ratio, 2.0) * 250
            ours = name in ("async_chat", "Framer", "frame_received", "selectors", "uvloop", "asyncore")
            colour = "#2f81f7" if ours else "#8b949e"
            bars.append(f'<text x="150" y="{y + 10}" text-anchor="end">{escape(name)}</text>')
            bars.append(f'<rect x="160" y="{y}" width="{width:.1f}" height="12" fill="{colour}"/>')
            bars.append(f'<text x="{166 + width:.1f}" y="{y + 10}">{ratio:.2f}</text>')
            y += 15
        y += 8
    style = "font: 11px system-ui, sans-serif; background: white"
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{y}" style="{style}">{"".join(bars)}</svg>\n'
