"""
Put ten-line echo servers through what the internet does to servers: ``python -m tests.soak``, or ``nox -s soak``.

Exit status 1 means that a server on a backend of ours did not hold. What others do is shown beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from . import probes_connections, probes_input, probes_output  # noqa: F401 - they enter their probes
from .kit import FULL, PROBES, QUICK, Broken, Outcome, Probe, Sizes
from .page import write_page
from .processes import CANDIDATES, Candidate, ServerGone

Results = dict[str, dict[str, Outcome]]


def main() -> int:
    """Run the probes that the command line chooses; show, and write, what comes of them."""
    options = _options()
    sizes = QUICK if options.quick else FULL
    chosen = [CANDIDATES[name] for name in options.candidates]
    console = Console()
    missing = {candidate.name: candidate.missing for candidate in chosen if candidate.missing}
    for name, modules in missing.items():
        console.print(f"{name}: not installed ({', '.join(modules)}), not run")
    chosen = [candidate for candidate in chosen if not candidate.missing]
    results: Results = {}
    with Live(console=console, auto_refresh=False) as live:
        for probe in (PROBES.by_name[name] for name in options.probes):
            results[probe.name] = {}
            for candidate, outcome in _run(probe, chosen, sizes):
                results[probe.name][candidate.name] = outcome
                live.update(_table(results, chosen), refresh=True)
    if options.json:
        rows = {probe: {name: outcome._asdict() for name, outcome in row.items()} for probe, row in results.items()}
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    if options.page:
        write_page(options.page, results, [candidate.name for candidate in chosen])
    ours = [candidate.name for candidate in CANDIDATES.values() if candidate.ours]
    failed = [f"{probe} on {name}" for probe, row in results.items() for name in ours if not _holds(row, name)]
    failed += [f"{name} is not installed" for name in missing if name in ours]
    console.print(f"not held: {', '.join(failed)}" if failed else "All of ours hold.")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    parser.add_argument("--candidates", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES), metavar="NAME")
    parser.add_argument("--probes", nargs="+", choices=list(PROBES.by_name), default=list(PROBES.by_name))
    parser.add_argument("--quick", action="store_true", help="smaller sizes, shorter times")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--page", type=Path, metavar="FILE", help="replace the table in a Markdown page")
    return parser.parse_args()


def _holds(row: dict[str, Outcome], name: str) -> bool:
    return name not in row or row[name].held


def _run(probe: Probe, candidates: list[Candidate], sizes: Sizes) -> Iterator[tuple[Candidate, Outcome]]:
    with ThreadPoolExecutor(len(candidates) if probe.waits else 1) as pool:
        outcomes = pool.map(lambda candidate: _outcome(probe, candidate, sizes), candidates)
        yield from zip(candidates, outcomes, strict=True)


def _outcome(probe: Probe, candidate: Candidate, sizes: Sizes) -> Outcome:
    """Run one probe on one candidate; what it raises is the server's failure."""
    try:
        return probe.run(candidate, sizes)
    except (OSError, Broken, ServerGone) as error:
        return Outcome(False, getattr(error, "strerror", None) or str(error), {})


def _table(results: Results, candidates: list[Candidate]) -> Table:
    table = Table("probe", *(candidate.name for candidate in candidates))
    for probe, row in results.items():
        cells = [row.get(candidate.name) for candidate in candidates]
        table.add_row(PROBES.by_name[probe].title, *(_cell(cell) for cell in cells))
    return table


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "..."
    return f"[green]held[/] {outcome.text}" if outcome.held else f"[red]NOT held[/] {outcome.text}"


if __name__ == "__main__":
    sys.exit(main())
