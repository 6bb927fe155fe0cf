"""Framing by pyperf: ``framing_pyperf.py -o FILE [WORKLOAD...]``, a process for each few values, as pyperf has it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import framers
import framing
import pyperf


def _add(command: list[str], options: Namespace) -> None:
    command.extend(options.workloads)


def main() -> None:
    """Measure each workload that something is aimed at, or those whose name contains what is given."""
    parser = ArgumentParser()
    parser.add_argument("workloads", nargs="*")
    runner = pyperf.Runner(_argparser=parser, add_cmdline_args=_add)
    only = runner.parse_args().workloads
    for workload in framing.workloads(quick=not only):
        if only and not any(text in workload.name for text in only):
            continue
        fast = [name for name in framers.CANDIDATES if name not in workload.slow + workload.unfit]
        for name, run in framers.runs(workload, fast).items():
            runner.bench_func(f"{workload.name}: {name}", run)


if __name__ == "__main__":
    main()
