"""The page docs/performance.md: each row with its goal, ours, the best peer and C; plots; and what is not met, why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from figures import COLUMNS, command
from goals import BASE, BEST_PEER, LESS_IS_BETTER, Goal, best_peer
from rows import Row
from why import WHY

_SHOWN = ("selectors", "uvloop", "asyncore")
_TITLES = {
    "framing": "Framing without sockets",
    "echo": "Echo by request and response",
    "batches": "Pipelined requests",
    "idle": "One active beside many idle",
    "output": "Output",
    "room": "A chat room",
    "import": "Import",
}
_HEAD = """# Performance

<!-- Made by tests/benchmarks from docs/performance/figures.json; what is written by hand is in page.py and why.py. -->

{facts}

    nox -s bench                        # all of it, and these pages
    nox -s bench -- --quick             # what matters most, in one round
    nox -s bench -- --only 'ROW'        # one row, as named in the tables
    nox -s bench -- --pyperf FILE       # framing by pyperf, a process for each few values

One text is the server for pyasynchat and for our three backends, which run as drop-ins: `asynchat_selectors.asynchat`
in place of `asynchat`. The peers are written as their documentation would have them. Server and load are processes,
each on a processor of its own; the load is in C, and compares every reply byte for byte. Every candidate runs in every
round, and each round begins with another one. Of the rounds the median counts, and of framing the least.

The CPU time is the server's, of user and kernel, for each message: on few processors it tells more than the rate does.
Figures are ratios to pyasynchat in the same run unless the goal names another base: of CPU and memory less is better,
of rates more. A figure that meets its goal is in bold. [All candidates and figures](performance/figures.md) are on a
page of their own, all samples in `docs/performance/figures.json`.

```{{toctree}}
:hidden:

performance/figures
```
"""


def page(facts: dict[str, Any], rows: list[Row], plots: Mapping[str, str]) -> str:
    """Return the page; ``plots`` are the files by group, beside it."""
    parts = [_HEAD.format(facts=_facts(facts))]
    figures = {row.name: row.figures for row in rows}
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            parts += ["", f"## {_TITLES[group]}", ""]
            if group in plots:
                parts += [f"![Bars of {group}](performance/{plots[group]})", ""]
            parts += ["| row | goal | selectors | uvloop | asyncore | best peer | C | again |"]
            parts += ["| --- | --- | ---: | ---: | ---: | --- | ---: | --- |"]
        parts += _lines(row, figures)
    parts += ["", "## Not met", "", *_unmet(rows)]
    return "\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


def unexplained(rows: Iterable[Row]) -> list[str]:
    """Return the rows with a goal that is not met, and no word in why.py about it."""
    return [row.name for row in rows if not all(verdict["met"] for verdict in row.verdicts) and row.name not in WHY]


def _facts(facts: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    made = f"{facts['system']}, {facts['processors']} processors, {facts['rounds']} interleaved rounds, {facts['date']}"
    return f"Python {facts['python']} on {made}.\n{versions}."


def _lines(row: Row, figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Iterator[str]:
    """Yield a line for each figure that something is aimed at, else one for the figure of the plot."""
    headline = Goal(row.headline, 0, (), BASE if BASE in row.figures else "")
    by_figure: dict[tuple[str, str, str], list[Goal]] = {}
    for goal in row.goals or [headline]:
        by_figure.setdefault((goal.figure, goal.against, goal.beside), []).append(goal)
    for goals in by_figure.values():
        values = goals[0].values(row.figures, figures)
        bounds = {name: goal.bound for goal in goals for name in goal.who}
        cells = [row.name, _goal(goals, values), *(_cell(name, values, goals[0], bounds) for name in _SHOWN)]
        peer = best_peer(values, goals[0].figure)
        cells += [f"{_number(values[peer], goals[0])} {peer}" if peer else "", _cell("C", values, goals[0], {})]
        yield "| " + " | ".join([*cells, f"`{command(row)}`"]) + " |"


def _goal(goals: list[Goal], values: Mapping[str, float]) -> str:
    """Return the bounds of one figure, and what they are of; also the value of who has no column."""
    first = goals[0]
    what = {"cpu": "CPU", "rate": "rate", "idle": "KiB each", "memory": "MiB more"}.get(first.figure, first.figure)
    if not first.against and not first.beside and first.figure == "cpu":
        what = "us of CPU"
    if first.beside or first.against not in ("", BASE):
        what += f" of {'the row of ' + first.beside if first.beside else first.against}"
    sign = "≤" if first.figure in LESS_IS_BETTER else "≥"
    bounds = {_number(goal.bound, goal) for goal in goals if goal.who}
    if len(bounds) > 1:
        return f"{what} {sign} " + ", ".join(f"{_number(goal.bound, goal)} ({goal.who[0]})" for goal in goals)
    others = [f"; {name} {_number(values[name], first)}" for name in first.who if name in values and name not in _SHOWN]
    return f"{what} {sign} {bounds.pop()}{''.join(others)}" if bounds else what


def _cell(name: str, values: Mapping[str, float], goal: Goal, bounds: Mapping[str, float]) -> str:
    if name not in values:
        return ""
    value, text = values[name], _number(values[name], goal)
    if name not in bounds:
        return text
    less = goal.figure in LESS_IS_BETTER
    return f"**{text}**" if (value <= bounds[name] if less else value >= bounds[name]) else text


def _number(value: float, goal: Goal) -> str:
    if not goal.against and not goal.beside:
        value *= COLUMNS[goal.figure][1]
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _unmet(rows: Iterable[Row]) -> Iterator[str]:
    met = 0
    goals = 0
    for row in rows:
        goals += len(row.verdicts)
        met += sum(verdict["met"] for verdict in row.verdicts)
        unmet = [verdict for verdict in row.verdicts if not verdict["met"]]
        if unmet:
            said = "; ".join(f"{found['candidate']} {found['value']:.3g}, {found['goal']}" for found in unmet)
            because = f": {WHY[row.name]}" if row.name in WHY else "."
            yield f"- *{row.name}* ({said.replace(BEST_PEER, 'the best peer')}){because}"
    yield f"\n{met} of {goals} goals are met."
