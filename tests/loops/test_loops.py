"""The worked example passes the suite, and the page on foreign loops is true of those that are installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "foreign-loops.md"
BUGS = sorted((HERE / "bugs").glob("*.py"))


def _run(*arguments: str | Path) -> None:
    """Run Python here; fail with all that it said."""
    done = subprocess.run([sys.executable, *arguments], cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(120)
@pytest.mark.skipif(importlib.util.find_spec("gevent") is None, reason="gevent is not installed")
def test_the_worked_example_passes_the_suite() -> None:
    """The adapter that docs/write-a-backend.md shows keeps every rule but those that it declares."""
    _run("-m", "asynchat_conformance", "gevent_loop:Gevent", "--level", "compat")


@pytest.mark.parametrize("bug", BUGS, ids=[bug.stem for bug in BUGS])
def test_the_bug_is_there(bug: Path) -> None:
    """A loop's bug on the page is in the installed release; when this fails, say on the page in which it was mended."""
    if importlib.util.find_spec(bug.stem.partition("_")[0]) is None:
        pytest.skip("that loop is not installed")
    _run("-W", "ignore", bug)


def test_each_reproducer_is_on_the_page() -> None:
    """The page shows every reproducer, whole."""
    page = PAGE.read_text()
    assert [bug.name for bug in BUGS if f"../tests/loops/bugs/{bug.name}\n" not in page] == []


def test_each_reproducer_is_short() -> None:
    """A reproducer has at most 20 lines of code."""

    def code(bug: Path) -> list[str]:
        return [line for line in bug.read_text().splitlines()[1:] if line and "__future__" not in line]

    assert [(bug.name, len(code(bug))) for bug in BUGS if len(code(bug)) > 20] == []


def test_an_implementation_of_its_own_is_judged() -> None:
    """The adapter for modules that have nothing of ours, as the docs show it, gets a verdict."""
    _run("-W", "ignore", "-m", "asynchat_conformance", "own_modules:Own", "--only", "FRM,TRM")
