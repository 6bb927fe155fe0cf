"""``python tests/benchmarks``: asynchat on each backend beside its peers, in one run."""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sys
from pathlib import Path
from statistics import median
from typing import Any

import framing
import report
import sockets


def main() -> int:
    """Measure, print a table for each workload, write what is asked for."""
    options = _options()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rounds = options.rounds or (1 if options.quick else 5)
    rows: list[dict[str, Any]] = []
    for workload in framing.workloads():
        if _wanted(workload.name, options.only):
            _progress(workload.name)
            times = framing.measure(workload, max(rounds, 3), list(framing.CANDIDATES))
            rows.append(report.framing_row(workload, times))
            print(report.line(rows[-1]))
    if _wanted(framing.one_chunk().name, options.only):
        rows.append(_one_chunk(max(rounds, 3)))
        print(report.line(rows[-1]))
    for load in sockets.workloads(options.quick):
        if _wanted(load.name, options.only):
            rows.append(_by_sockets(load, rounds))
            print(report.line(rows[-1]))
    facts = {"python": platform.python_version(), "machine": platform.machine(), "rounds": rounds, "rows": rows}
    if options.json:
        options.json.write_text(json.dumps(facts, indent=1) + "\n")
    if options.docs:
        report.write_docs(facts, options.docs)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="workloads whose name has this")
    parser.add_argument("--rounds", type=int, metavar="N", help="interleaved rounds (5, with --quick 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--docs", type=Path, metavar="FOLDER", help="write the tables and plots of the documentation")
    return parser.parse_args()


def _wanted(name: str, only: list[str]) -> bool:
    return not only or any(text in name for text in only)


def _progress(name: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{name} ", end="", file=sys.stderr, flush=True)


def _one_chunk(rounds: int) -> dict[str, Any]:
    """Compare the cost of a line in one large chunk with that in chunks of 64 KiB."""
    large = framing.one_chunk()
    small = framing.Workload(large.name, large.stream, 64 << 10)
    names = ["async_chat", "Framer", "frame_received"]
    times = framing.measure(large, rounds, names)
    base = framing.measure(small, rounds, names)
    ratios = {name: median(times[name]) / median(base[name]) for name in times}
    return {"name": large.name, "unit": "ratio to chunks of 64 KiB", "goal": "1.15", "ratios": ratios, "figures": {}}


def _by_sockets(workload: sockets.Workload, rounds: int) -> dict[str, Any]:
    samples: dict[str, list[sockets.Sample]] = {}
    order = sockets.candidates(workload)
    for number in range(rounds):
        for candidate in list(order):
            _progress(f"{workload.name}: {candidate}, round {number + 1}")
            sample = sockets.run(workload, candidate)
            if sample is None:
                order.remove(candidate)
            else:
                samples.setdefault(candidate, []).append(sample)
        # Rotated, so that nobody always comes first.
        order.append(order.pop(0))
    return report.socket_row(workload, samples)


if __name__ == "__main__":
    sys.exit(main())
