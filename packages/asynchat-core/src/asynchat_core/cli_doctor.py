"""The command ``asynchat doctor``."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from typing import Any

from .doctor import BadProgram, Report, examine, fixed


def add_to(commands: Any) -> None:
    """Add the command to a parser's subcommands."""
    doctor = commands.add_parser("doctor", help="tell what an old program uses, and what to change in it")
    doctor.add_argument("programs", nargs="+", metavar="PROGRAM", help="a Python file, a folder, or a module's name")
    doctor.add_argument("--fix", metavar="BACKEND", help="change the imports in place, after showing how")
    doctor.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """
    Examine programs; with ``--fix`` change their imports.

    Returns:
        1 when something must be changed, else 0. A program that cannot be examined: one line, and 2.
    """
    status = 0
    for target in options.programs:
        try:
            for report in examine(target):
                status = max(status, _show(report))
                if options.fix and report.uses:
                    _fix(Path(report.path), options.fix)
        except BadProgram as error:
            print(f"asynchat: {error}", file=sys.stderr)
            return 2
    return status


def _show(report: Report) -> int:
    if not report.uses and not report.findings:
        print(f"{report.path}: uses neither asynchat nor asyncore nor smtpd")
        return 0
    if report.uses:
        names = [name for name in report.uses if "." in name] or list(report.uses)
        print(f"{report.path}: uses {', '.join(names)}")
    for finding in report.findings:
        print(f"  {finding.path}:{finding.line}: {finding.kind}: {finding.message}")
    return int(any(finding.kind == "change" for finding in report.findings))


def _fix(path: Path, backend: str) -> None:
    before, after = fixed(path, backend)
    names = f"{path} (before)", f"{path} (after)"
    sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), after.splitlines(True), *names))
    if after != before:
        path.write_text(after, encoding="utf-8")
