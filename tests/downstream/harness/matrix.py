"""The results as a person reads them: lines, a table, and the page of the documentation."""

from __future__ import annotations

from typing import Any

from venvs import ROOT

PAGE = ROOT / "docs" / "programs.md"


def line(result: dict[str, Any]) -> str:
    """Return one result in one line."""
    where = f"{result['program']:24} {result['python']:5} {result['backend']:10}"
    return f"{where} {_cell(result)} in {result['seconds']} s"


def _cell(result: dict[str, Any]) -> str:
    if not result["ok"]:
        return f"FAILS: {len(result['failures'])} of {result['passed'] + len(result['failures'])}"
    text = f"{result['passed']} pass"
    if result["known"]:
        text += f", {len(result['known'])} differ"
    if result["retried"]:
        text += f", {len(result['retried'])} at a second try"
    return text


def _table(report: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the backends, and a row for each program and Python; Pythons with the same results share one."""
    backends = list(dict.fromkeys(result["backend"] for result in report["results"]))
    by_place = {(one["program"], one["python"], one["backend"]): one for one in report["results"]}
    rows: list[list[str]] = []
    for program in dict.fromkeys(result["program"] for result in report["results"]):
        merged: dict[tuple[str, ...], list[str]] = {}
        for python in sorted({place[1] for place in by_place if place[0] == program}):
            found = [by_place.get((program, python, backend)) for backend in backends]
            merged.setdefault(tuple(_cell(one) if one else "" for one in found), []).append(python)
        rows += [[program, ", ".join(pythons), *texts] for texts, pythons in merged.items()]
    return backends, rows


def as_text(report: dict[str, Any]) -> str:
    """Return the matrix for a terminal."""
    backends, rows = _table(report)
    rows = [["program", "Python", *backends], *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    bad = sum(not result["ok"] for result in report["results"])
    verdict = f"{bad} of {len(report['results'])} runs fail" if bad else f"all {len(report['results'])} runs are green"
    return "\n".join(["", *lines, "", f"{verdict}, in {report['seconds']} s"])


def write_page(report: dict[str, Any]) -> None:
    """Write the page of the documentation."""
    PAGE.write_text(_page(report), encoding="utf-8")


_HEAD = """\
<!-- Made by `python tests/downstream --page REPORT`; a change made here by hand is lost. -->
# Programs that run on it

People come with programs that they did not write and cannot change. These are run, unchanged, on each backend with
each Python, by `nox -s downstream`: their own tests where they ship some, otherwise real clients that talk to them.
Programs come from the registry or from the interpreter; a hang counts as a failure. Of pyftpdlib's tests some fail now
and then on asyncore itself: what fails there is tried once more, and counted if it had to be.

This page was made on {made} from a run on {system}. The numbers count tests; those that differ are explained
below, those that skip themselves are left out: for other systems, for the internet, and for `crypt` on 3.13.
"""

_LEFT_OUT = """\
## What is not run

* **supervisor** carries asyncore and asynchat of Python 2.5, changed: its channels push text and refill a buffer that
  no asynchat of Python 3 has. It needs its copies.
* **secure-smtpd** imports names that smtpd of Python 3 does not have. What is special in it, ExitNow raised after a
  push and `__init__` called twice, is among the habits.
* **test_imaplib and test_os** of these Pythons serve by socketserver and asyncio: nothing in them is asynchat.
* **fail2ban, anaconda and phenny** are not in the registry. What they do is among the habits.
"""


def _page(report: dict[str, Any]) -> str:
    backends, rows = _table(report)
    lines = [
        _HEAD.format(**report),
        f"| program | Python | {' | '.join(backends)} |",
        f"|{' --- |' * (len(backends) + 2)}",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        "## What the programs are",
        "",
    ]
    shown = {row[0] for row in rows}
    lines += [f"* **{name}**: {about}." for name, about in report["programs"].items() if name in shown]
    lines += ["", "## What differs, and why", "", "The ids are rows of [](differences.md).", ""]
    return "\n".join([*lines, *_gaps(report), "", _LEFT_OUT])


def _gaps(report: dict[str, Any]) -> list[str]:
    gaps: dict[tuple[str, str], dict[str, set[str]]] = {}
    for result in report["results"]:
        for test, reason in result["known"].items():
            where = gaps.setdefault((result["program"], reason), {"tests": set(), "backends": set()})
            where["tests"].add(test)
            where["backends"].add(result["backend"])
    return [
        f"* **{program}** on {', '.join(sorted(where['backends']))} "
        f"({', '.join(f'`{test}`' for test in sorted(where['tests']))}): {reason}"
        for (program, reason), where in gaps.items()
    ] or ["Nothing."]
