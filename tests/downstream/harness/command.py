"""The command line of ``python tests/downstream``."""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import cells
import matrix
from expectations import load
from programs import PROGRAMS
from venvs import PYTHONS, Unavailable, Venvs, interpreter

BACKENDS = ("selectors", "asyncore", "uvloop")
# Programs that run at once; more would have them wait for each other on the machines this is for.
_AT_ONCE = 4


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    options = _parser().parse_args()
    if options.page:
        matrix.write_page(json.loads(options.page.read_text(encoding="utf-8")))
        return 0
    chosen = [one for one in PROGRAMS if not options.only or any(fnmatchcase(one.name, name) for name in options.only)]
    if not chosen:
        print(f"no program is called {', '.join(options.only)}: there are {', '.join(one.name for one in PROGRAMS)}")
        return 2
    pythons, missing = _there(options.python)
    for line in missing:
        print(f"left out: {line}")
    begun = time.monotonic()
    differences = load()
    with tempfile.TemporaryDirectory(prefix="downstream-") as folder:
        venvs = Venvs(Path(folder))
        jobs = [
            cells.Job(program, backend, python)
            for program in chosen
            for python in program.pythons
            if python in pythons
            for backend in options.backend or BACKENDS
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            results = list(pool.map(lambda job: _told(cells.run(job, venvs, Path(folder), differences)), jobs))
    report = _report(results, time.monotonic() - begun)
    if options.report:
        options.report.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(matrix.as_text(report))
    return 1 if any(not result["ok"] for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/downstream", description="Run programs written on asynchat.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these programs; a pattern as in a shell")
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, help="on these backends")
    parser.add_argument("--python", nargs="+", choices=PYTHONS, default=PYTHONS, help="on these Pythons")
    parser.add_argument("--report", type=Path, metavar="JSON", help="write the results to this file")
    parser.add_argument("--page", type=Path, metavar="JSON", help="write docs/programs.md from such a file")
    return parser


def _there(wanted: list[str]) -> tuple[list[str], list[str]]:
    """Return the Pythons that are there, and a line for each that is not."""
    there, missing = [], []
    for version in wanted:
        try:
            interpreter(version)
            there.append(version)
        except Unavailable as error:
            missing.append(str(error))
    return there, missing


def _told(result: dict[str, Any]) -> dict[str, Any]:
    """Print a result as soon as it is there."""
    print(matrix.line(result), flush=True)
    for test, text in result["failures"].items():
        print(f"    {test}\n" + "".join(f"        {row}\n" for row in text.splitlines()[-12:]), flush=True)
    return result


def _report(results: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    return {
        "made": time.strftime("%Y-%m-%d", time.gmtime()),
        "system": f"{platform.system()} {platform.machine()}",
        "seconds": round(seconds),
        "programs": {one.name: one.about for one in PROGRAMS},
        "results": results,
    }
