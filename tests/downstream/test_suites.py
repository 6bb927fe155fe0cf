"""A quick part of `nox -s downstream`: old programs' habits, and asynchat's own old tests, on this interpreter."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from asynchat_core import installed_backends

sys.path.insert(0, str(Path(__file__).resolve().parent / "harness"))

import cells
from expectations import Difference, load
from programs import PROGRAMS, Program
from venvs import ROOT, Unavailable

QUICK = [one for one in PROGRAMS if one.name.startswith("habits") or one.name in ("test_asynchat", "test_asyncore")]


@pytest.mark.parametrize("backend", [backend.name for backend in installed_backends()])
@pytest.mark.parametrize("program", QUICK, ids=[one.name for one in QUICK])
def test_program(program: Program, backend: str, tmp_path: Path) -> None:
    """All tests of the program pass, but for those that are known to differ."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    job = cells.Job(program, backend, version)
    applying = [one for one in load() if one.applies(program.name, backend, version)]
    try:
        # What is known to fail fails slowly: it is left to the whole run.
        without = [pattern for one in applying for pattern in one.tests]
        outcomes, texts, _ = cells.run_suite(Path(sys.executable), job, tmp_path, program.suite, without)
    except Unavailable as error:
        pytest.skip(str(error))
    failed = {test: texts[test] for test, outcome in outcomes.items() if outcome == "failed"}
    assert {} == failed
    assert outcomes


def _row(one: Difference) -> str:
    tests = ", ".join(f"`{test}`" for test in one.tests)
    rows = one.reason.rpartition("(")[2].removesuffix(").")
    return f"| `{one.program}`: {tests} | {', '.join(one.backends) or 'all'} | {rows} |"


def test_what_differs_is_documented() -> None:
    """docs/differences.md lists each test that is expected to fail, with the rows that say why."""
    page = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `test_\w+`: .*$", page, re.MULTILINE)

    assert sorted(listed) == sorted(_row(one) for one in load())
    for one in load():
        for id in one.reason.rpartition("(")[2].removesuffix(").").split(", "):
            assert f"\n| {id} |" in page


def test_the_page_is_of_these_programs() -> None:
    """docs/programs.md, made by an earlier run, has each program as it is described now, and each reason."""
    page = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")

    assert [f"{one.name}: {one.about}" for one in PROGRAMS if f"* **{one.name}**: {one.about}.\n" not in page] == []
    assert [one.reason for one in load() if one.reason not in page] == []
    assert "FAILS" not in page
