"""
Hold the loops that nobody here wrote to the suite: ``python tests/loops``, or ``nox -s loops``, which installs them.

Exit status 1 means that a loop does otherwise than its adapter declares.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from asynchat_conformance import Level, load_suite
from asynchat_conformance._adapter import load_adapter
from asynchat_conformance._report import details, label, matrix, summary
from asynchat_conformance._runner import Result, Run, run_backend

_HERE = Path(__file__).parent
_PAGE = _HERE.parents[1] / "docs" / "foreign-loops.md"
_MARK = "<!-- made by tests/loops -->\n"
_STANDARD = "reference_loops:StandardAsynchat"
#: Adapter, and the distribution it needs.
_LOOPS = {
    "asyncio_loops:Asyncio": "asynchat-uvloop",
    "asyncio_loops:Uvloop": "uvloop",
    "asyncio_loops:Rloop": "rloop",
    "trio_loop:Trio": "trio",
    "gevent_loop:Gevent": "gevent",
    "twisted_loop:Twisted": "twisted",
    "reference_loops:Pyasynchat": "pyasynchat",
    _STANDARD: "standard-asynchat",
}


def main() -> int:
    """Run them, print the matrix, and say what differs from what the adapters declare."""
    parser = argparse.ArgumentParser(prog="tests/loops", description=__doc__)
    parser.add_argument("loops", nargs="*", metavar="LOOP", help="distributions, as trio; all that are installed")
    parser.add_argument(
        "--standard", metavar="FOLDER", help="where standard-asynchat is: it brings the same modules as pyasynchat"
    )
    parser.add_argument("--page", action="store_true", help=f"write the results into {_PAGE.name} too")
    options = parser.parse_args()
    unknown = sorted(set(options.loops) - set(_LOOPS.values()))
    if unknown:
        parser.error(f"no adapter for {', '.join(unknown)}; there are {', '.join(_LOOPS.values())}")
    if options.standard:
        sys.path.append(options.standard)
    runs = [
        _run(spec, options.standard) for spec, needed in _LOOPS.items() if _wanted(needed, options.loops, spec, options)
    ]
    for line in matrix(runs):
        print(line)
    print()
    differing = [(run, run.failed(tuple(Level))) for run in runs]
    for run, cells in differing:
        for line in details(run, cells):
            print(line)
    for run in runs:
        print(summary(run))
    if options.page:
        head = _PAGE.read_text().partition(_MARK)[0]
        _PAGE.write_text(head + _MARK + "\n".join(_tables(runs)) + "\n")
    return 1 if any(cells for _, cells in differing) or not runs else 0


def _wanted(needed: str, chosen: list[str], spec: str, options: argparse.Namespace) -> bool:
    if chosen and needed not in chosen:
        return False
    try:
        version(needed)
    except PackageNotFoundError:
        print(f"{needed}: not installed, not run")
        return False
    if spec == _STANDARD and not options.standard:
        print(f"{needed}: give --standard")
        return False
    return True


def _run(spec: str, standard: str | None) -> Run:
    """Run the suite, in whose processes an unsteady check counts as the failure that it is."""
    folders = [standard] if spec == _STANDARD and standard else []
    os.environ["PYTHONPATH"] = os.pathsep.join([*folders, str(_HERE)])
    run = run_backend(spec, load_suite().select([], ""))
    backend = load_adapter(spec)
    for id in getattr(backend, "unsteady", ()):
        if run.results[id].status == "xpass":
            run.results[id].status = "xfail"
            run.results[id].message = f"{backend.expected_failures[id]} (not each time)"
    return run


def _tables(runs: list[Run]) -> Iterator[str]:
    """Yield Markdown: what passed, and the reason of each failure."""
    yield "| | " + " | ".join(label(run) for run in runs) + " |"
    yield "| --- |" + " --- |" * len(runs)
    for level in Level:
        yield f"| {level.name} | " + " | ".join("{}/{}".format(*run.counts(level)) for run in runs) + " |"
    yield ""
    yield "A check that does not pass, on which loops, and why:"
    yield ""
    yield "| id | level | rule | loops | reason |"
    yield "| --- | --- | --- | --- | --- |"
    for cell, names, reason in _failures(runs):
        yield f"| {cell.id} | {cell.level.upper()} | {cell.rule} | {names} | {reason} |"


def _failures(runs: list[Run]) -> Iterator[tuple[Result, str, str]]:
    """Yield each failed check with the loops that share a reason."""
    for id in sorted({id for run in runs for id in run.results}):
        by_reason: dict[str, list[str]] = {}
        cells = [(run, run.results[id]) for run in runs if run.results[id].status not in ("pass", "n/a", "untested")]
        for run, cell in cells:
            reason = load_adapter(run.spec).expected_failures.get(id, f"**not expected**: {cell.message}")
            by_reason.setdefault(reason, []).append(run.name)
        for reason, names in by_reason.items():
            yield cells[0][1], "all" if len(names) == len(runs) else ", ".join(names), reason


if __name__ == "__main__":
    sys.exit(main())
