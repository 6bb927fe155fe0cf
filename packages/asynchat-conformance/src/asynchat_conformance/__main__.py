"""``python -m asynchat_conformance``: run the suite on backends."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import __version__
from ._adapter import BadAdapter, registered
from ._html import html
from ._junit import junit
from ._markdown import markdown
from ._registry import LEAK_RULES, Check, Level, Registry, load_suite
from ._report import details, matrix, summary
from ._runner import Run, as_json, run_backend

_USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Returns:
        0 when all that counts passed, 1 when not, 2 for an id or an adapter that cannot be used.
    """
    options = _parser().parse_args(arguments)
    registry = load_suite()
    try:
        checks = registry.select(_split(options.only), options.since)
        if options.list:
            _list(checks, registry)
            return 0
        specs = options.backends or list(registered())
        if not specs:
            raise BadAdapter("no adapter is installed; give one as module:attribute")
        runs = _run(specs, checks, options)
    except (BadAdapter, KeyError) as error:
        print(f"asynchat_conformance: {error.args[0]}", file=sys.stderr)
        return _USAGE_ERROR
    return _report(runs, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="asynchat_conformance", description=__doc__.split(": ")[1])
    parser.add_argument(
        "backends", nargs="*", metavar="BACKEND", help="an installed adapter's name, module:attribute, or reference"
    )
    parser.add_argument("--only", action="append", default=[], metavar="IDS", help="ids or areas, as FRM,EOF-005")
    parser.add_argument("--level", choices=[level.value for level in Level], default="must", help="failures that count")
    parser.add_argument("--since", default="", metavar="VERSION", help="the checks that this version of the suite had")
    parser.add_argument("--list", action="store_true", help="list the checks and run none")
    parser.add_argument(
        "--repeat", type=_times, default=1, metavar="N", help="run all N times; the results must be the same"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="shuffle the order, and seed what is random")
    parser.add_argument("--patience", type=float, default=3.0, metavar="SECONDS", help="wait so long for progress (3)")
    parser.add_argument("--report", type=_output, metavar="FILE", help="write everything as JSON")
    parser.add_argument("--markdown", type=_output, metavar="FILE", help="write the matrix as Markdown")
    parser.add_argument("--junit", type=_output, metavar="FILE", help="write JUnit XML")
    parser.add_argument("--html", type=_output, metavar="FILE", help="write one page that needs nothing else")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _times(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of times; give 1 or more")
    return int(text)


def _output(text: str) -> Path:
    """Refuse a path that cannot be written now, not after the run."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written; give a file in a folder that exists")
    return path


def _split(names: list[str]) -> list[str]:
    return [name.strip() for group in names for name in group.split(",") if name.strip()]


def _list(checks: list[Check], registry: Registry) -> None:
    for check in checks:
        needs = "".join(f" [{need if isinstance(need, str) else need.name}]" for need in check.needs)
        print(f"{check.id}  {check.level.value:6}  {check.rule}{needs}")
    for id, (level, rule) in LEAK_RULES.items() if len(checks) == len(registry.checks) else ():
        print(f"{id}  {level.value:6}  {rule} Held after each check.")
    for id, (rule, reason) in sorted(registry.untested.items()):
        print(f"{id}  untested  {rule}: {reason}")


def _run(specs: list[str], checks: list[Check], options: argparse.Namespace) -> list[Run]:
    runs = []
    for spec in specs:
        run = run_backend(spec, checks, seed=options.seed, patience=options.patience, progress=_progress(spec))
        for number in range(1, options.repeat):
            show = _progress(f"{spec} ({number + 1})")
            again = run_backend(spec, checks, seed=options.seed + number, patience=options.patience, progress=show)
            _merge(run, again)
        runs.append(run)
        _clear_progress()
    return runs


def _merge(run: Run, again: Run) -> None:
    """A result that is not the same each time is a failure."""
    for id, cell in again.results.items():
        if cell.status != run.results[id].status:
            cell.message = f"not the same each time ({run.results[id].status}, then {cell.status}): {cell.message}"
            cell.status = "fail"
            run.results[id] = cell


def _progress(name: str) -> Callable[[int, int, str], None]:
    def show(done: int, total: int, id: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{name}: {done}/{total} {id} ", end="", file=sys.stderr, flush=True)

    return show


def _clear_progress() -> None:
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)


def _report(runs: list[Run], options: argparse.Namespace) -> int:
    levels = list(Level)
    counting = tuple(levels[: levels.index(Level(options.level)) + 1])
    for line in matrix(runs):
        print(line)
    print()
    failed = False
    for run in runs:
        cells = [cell for cell in run.results.values() if cell.status in ("fail", "xpass")]
        for line in details(run, cells):
            print(line)
        failed = failed or bool(run.failed(counting))
    for run in runs:
        print(summary(run))
    _write(runs, options)
    return 1 if failed else 0


def _write(runs: list[Run], options: argparse.Namespace) -> None:
    if options.report is not None:
        options.report.write_text(json.dumps(as_json(runs, __version__), indent=1) + "\n", encoding="utf-8")
    if options.markdown is not None:
        options.markdown.write_text(markdown(runs, __version__), encoding="utf-8")
    if options.junit is not None:
        options.junit.write_text(junit(runs), encoding="utf-8")
    if options.html is not None:
        options.html.write_text(html(runs, __version__), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
