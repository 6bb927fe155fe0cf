"""``python tests/benchmarks``: asynchat on each backend beside its peers, in one run."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import candidates
import framing
import imports
import plot
import report
import rows
import sockets
from progress import Progress

_DOCS = Path(__file__).parents[2] / "docs" / "performance"
_QUICK_ROUNDS, _ROUNDS = 1, 5
# Framing takes milliseconds, so that more rounds cost nothing and tell more.
_LEAST_FRAMING_ROUNDS = 5


def main() -> int:
    """Measure what is asked for and report it."""
    options = _options()
    if options.pyperf:
        script = Path(__file__).with_name("framing_pyperf.py")
        return subprocess.run([sys.executable, script, "-o", options.pyperf, *options.only], check=False).returncode
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
        _write_json(options.json, facts, measured)
    if not (options.quick or options.only):
        _write_docs(facts, measured)
    return 1 if any(row.failures for row in measured) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="what matters most, short, in one round")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORKLOAD", help="workloads whose name contains this")
    parser.add_argument("--rounds", type=_positive, metavar="N", help="interleaved rounds (5, with --quick 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures and samples")
    parser.add_argument("--pyperf", type=Path, metavar="FILE", help="measure framing by pyperf instead; write its JSON")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds; give 1 or more")
    return number


def _measure(options: argparse.Namespace, rounds: int) -> list[rows.Row]:
    def wanted(name: str) -> bool:
        return not options.only or any(text in name for text in options.only)

    quick = options.quick
    cut = [workload for workload in framing.workloads(quick) if wanted(workload.name)]
    served = [workload for workload in sockets.workloads(quick) if wanted(workload.name)]
    imported = wanted(imports.NAME)
    if not (cut or served or imported):
        sys.exit(f"no workload's name contains {' or '.join(options.only)}; the page docs/performance.md lists them")
    framing_rounds = max(rounds, _LEAST_FRAMING_ROUNDS)
    steps = sum(rounds * len(candidates.of(workload)) for workload in served)
    progress = Progress(len(cut) + steps + imported)
    measured: list[rows.Row] = []

    def add(row: rows.Row, goals: Any) -> None:
        measured.append(row)
        rows.judge(row, goals, measured)
        progress.clear()
        print("\n".join(report.lines(row)), flush=True)

    for workload in cut:
        add(rows.of_framing(workload, framing_rounds, quick, progress), workload.goals)
    for load in served:
        add(rows.of_sockets(load, rounds, quick, progress), load.goals)
    if imported:
        add(rows.of_imports(rounds, progress), imports.GOALS)
    return measured


def _write_json(path: Path, facts: dict[str, Any], measured: list[rows.Row]) -> None:
    path.write_text(json.dumps({**facts, "rows": [report.as_json(row) for row in measured]}, indent=1) + "\n")


def _write_docs(facts: dict[str, Any], measured: list[rows.Row]) -> None:
    """Write the figures that the documentation shows."""
    _DOCS.mkdir(parents=True, exist_ok=True)
    plots = {row.group: f"{row.group}.svg" for row in measured}
    for group, name in plots.items():
        (_DOCS / name).write_text(plot.bars(row for row in measured if row.group == group))
    _write_json(_DOCS / "figures.json", facts, measured)
    (_DOCS / "figures.md").write_text(report.page(facts, measured, plots))


if __name__ == "__main__":
    sys.exit(main())
