"""``python tests/benchmarks``: asynchat on each backend beside its peers, in one run."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import candidates
import figures
import framing
import imports
import page
import plot
import report
import rows
import sockets
from goals import Goal
from progress import Progress

_DOCS = Path(__file__).parents[2] / "docs"
_FOLDER = _DOCS / "performance"
_JSON = _FOLDER / "figures.json"
_QUICK_ROUNDS, _ROUNDS = 1, 5
# Framing takes milliseconds, so that more rounds cost nothing and tell more.
_LEAST_FRAMING_ROUNDS = 5


def main() -> int:
    """Measure what is asked for and report it."""
    options = _options()
    if options.pyperf:
        script = Path(__file__).with_name("framing_pyperf.py")
        return subprocess.run([sys.executable, script, "-o", options.pyperf, *options.only], check=False).returncode
    if options.page:
        _write_docs(*report.read_json(_JSON))
        return 0
    rounds = options.rounds or (_QUICK_ROUNDS if options.quick else _ROUNDS)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    versions = candidates.versions()
    missing = [name for name, version in versions.items() if version == "missing"]
    if missing:
        print("missing, and skipped:", *missing)
    measured = _measure(options, rounds)
    facts = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "rounds": rounds,
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "versions": versions,
    }
    verdicts = [verdict for row in measured for verdict in row.verdicts]
    print(f"{sum(verdict['met'] for verdict in verdicts)} of {len(verdicts)} goals met")
    if options.json:
        report.write_json(options.json, facts, measured)
    if not (options.quick or options.only):
        _FOLDER.mkdir(exist_ok=True)
        report.write_json(_JSON, facts, measured)
        _write_docs(facts, measured)
    return 1 if any(row.failures for row in measured) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="what matters most, short, in one round")
    parser.add_argument("--only", nargs="+", default=[], metavar="ROW", help="rows of this name, or that contain it")
    parser.add_argument("--rounds", type=_positive, metavar="N", help="interleaved rounds (5, with --quick 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures and samples")
    parser.add_argument("--pyperf", type=Path, metavar="FILE", help="measure framing by pyperf instead; write its JSON")
    parser.add_argument("--page", action="store_true", help="measure nothing; write the pages from the JSON again")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds; give 1 or more")
    return number


def _measure(options: argparse.Namespace, rounds: int) -> list[rows.Row]:
    quick = options.quick
    cut, served = list(framing.workloads(quick)), list(sockets.workloads(quick))
    wanted = _wanted(
        {**{workload.name: workload.goals for workload in (*cut, *served)}, imports.NAME: ()}, options.only
    )
    cut = [workload for workload in cut if workload.name in wanted]
    served = [workload for workload in served if workload.name in wanted]
    imported = imports.NAME in wanted
    framing_rounds = max(rounds, _LEAST_FRAMING_ROUNDS)
    steps = sum(rounds * len(candidates.of(workload)) for workload in served)
    progress = Progress(len(cut) + steps + imported)
    measured: list[rows.Row] = []

    def add(row: rows.Row) -> None:
        measured.append(row)
        rows.judge(row, measured)
        progress.clear()
        print("\n".join(report.lines(row)), flush=True)

    for workload in cut:
        add(rows.of_framing(workload, framing_rounds, quick, progress))
    for load in served:
        add(rows.of_sockets(load, rounds, quick, progress))
    if imported:
        add(rows.of_imports(rounds, progress))
    return measured


def _wanted(goals: Mapping[str, Iterable[Goal]], only: list[str]) -> set[str]:
    """Return the rows that are asked for, and those that their goals refer to."""
    wanted = set() if only else set(goals)
    for text in only:
        found = {text} if text in goals else {name for name in goals if text in name}
        if not found:
            sys.exit(f"no row's name contains {text!r}; docs/performance.md lists them")
        wanted |= found
    return wanted | {goal.beside for name in wanted for goal in goals[name] if goal.beside}


def _write_docs(facts: dict[str, Any], measured: list[rows.Row]) -> None:
    """Write the pages and plots of the documentation."""
    plots = {}
    for group in dict.fromkeys(row.group for row in measured):
        plots[group] = f"{group}.svg"
        shown = [row for row in measured if row.group == group and (row.goals or group == "idle")]
        (_FOLDER / plots[group]).write_text(plot.bars(shown))
    (_FOLDER / "figures.md").write_text(figures.page(measured))
    (_DOCS / "performance.md").write_text(page.page(facts, measured, plots))
    for name in page.unexplained(measured):
        print(f"not met, and why.py does not say why: {name}")


if __name__ == "__main__":
    sys.exit(main())
