"""The command ``asynchat doctor``."""

from __future__ import annotations

import argparse
import difflib
import io
import sys
from pathlib import Path
from typing import Any

from ._backends import BackendNotInstalled, get_backend
from .doctor import Report, examine, files_of
from .old_imports import NotPython, read_program, with_backend, write_program
from .refusal import Refused

_CANNOT = 2


def add_to(commands: Any) -> None:
    """Add the command to a parser's subcommands."""
    doctor = commands.add_parser("doctor", help="tell what an old program uses, and what to change in it")
    doctor.add_argument("programs", nargs="+", metavar="PROGRAM", help="a Python file, a folder, or a module's name")
    doctor.add_argument(
        "--fix", metavar="BACKEND", help="change the imports in place to those of an installed backend, and show how"
    )
    doctor.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """
    Examine programs; with ``--fix`` change their imports first, so that what is told is what is left.

    Returns:
        1 when something must be changed, else 0; 2 when a program cannot be examined or changed, which one line says,
        and the others are.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a program's lines hold is not to end the doctor on a terminal that cannot show it.
        sys.stdout.reconfigure(errors="backslashreplace")
    package = None if options.fix is None else _package(options.fix)
    status = 0
    for target in options.programs:
        try:
            if package is not None:
                _fix(target, package)
            status = max(status, _show(target, examine(target)))
        except Refused as error:
            print(f"asynchat: {error}", file=sys.stderr)
            status = _CANNOT
    return status


def _package(backend: str) -> str:
    try:
        return get_backend(backend).__name__
    except (BackendNotInstalled, ImportError) as error:
        raise Refused(str(error)) from error


def _show(target: str, reports: list[Report]) -> int:
    telling = [report for report in reports if report.uses or report.findings]
    if not telling:
        print(f"{target}: uses neither asynchat nor asyncore nor smtpd")
    for report in telling:
        if report.uses:
            names = [name for name in report.uses if "." in name] or report.uses
            print(f"{report.path}: uses {', '.join(names)}")
        for finding in report.findings:
            print(f"  {finding.path}:{finding.line}: {finding.kind}: {finding.message}")
    return int(any(finding.kind == "change" for report in telling for finding in report.findings))


def _fix(target: str, package: str) -> None:
    changed = [path for path in files_of(target) if _fix_file(path, package)]
    if not changed:
        print(f"{target}: no imports to change")


def _fix_file(path: Path, package: str) -> bool:
    try:
        program = read_program(path)
    except NotPython:
        # The report tells it.
        return False
    text = with_backend(program, package)
    if text == program.text:
        return False
    before, after = ([line.rstrip("\r\n") for line in io.StringIO(one)] for one in (program.text, text))
    print("\n".join(difflib.unified_diff(before, after, f"{path} (before)", f"{path} (after)", lineterm="")))
    write_program(program, text)
    return True
