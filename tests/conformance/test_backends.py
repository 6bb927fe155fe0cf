"""The suite on our backends and on the reference, and the page of the documentation that shows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "conformance-matrix.md"
_REFERENCE = "asynchat_conformance.reference:Reference"
_BACKENDS = ("selectors", "uvloop", "asyncore")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run everything once; ``status`` is how it ended, ``text`` what it printed."""
    folder = tmp_path_factory.mktemp("conformance")
    outputs = {
        "report": folder / "r.json",
        "markdown": folder / "m.md",
        "junit": folder / "j.xml",
        "html": folder / "h.html",
    }
    options = [f"--{name}={path}" for name, path in outputs.items()]
    command = [sys.executable, "-m", "asynchat_conformance", *_BACKENDS, _REFERENCE, "--level", "compat", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    loaded: dict[str, Any] = json.loads(outputs["report"].read_text())
    texts = {name: path.read_text() for name, path in outputs.items()}
    return {**loaded, **texts, "status": done.returncode, "text": done.stdout + done.stderr}


@pytest.mark.timeout(300)
def test_every_backend_passes(report: dict[str, Any]) -> None:
    """Every check passes, is declared to fail with a reason, or does not apply."""
    assert report["status"] == 0, report["text"]


@pytest.mark.parametrize("name", _BACKENDS)
def test_every_must_and_should_check_passes(report: dict[str, Any], name: str) -> None:
    """On our backends what is declared to fail is of level COMPAT, or a fault of asyncore's own loop."""
    run = next(run for run in report["backends"] if run["name"] == name)
    failing = {
        cell["id"] for cell in run["results"].values() if cell["status"] == "xfail" and cell["level"] != "compat"
    }

    assert name == "asyncore" or not failing


def test_the_whole_catalogue_is_there(report: dict[str, Any]) -> None:
    """There are at least the 279 rules of the catalogue."""
    assert len(report["backends"][0]["results"]) >= 279


def test_the_documentation_is_up_to_date(report: dict[str, Any]) -> None:
    """The page of the documentation is what the suite prints."""
    head, _, _ = _PAGE.read_text().partition("<!-- made by the suite -->\n")

    assert _PAGE.read_text() == f"{head}<!-- made by the suite -->\n{report['markdown']}", (
        "the page is stale: run python tests/conformance/make_page.py"
    )


def test_the_page_needs_nothing_else(report: dict[str, Any]) -> None:
    """The HTML page is self-contained and has a row for each check."""
    page = report["html"]

    assert page.count("<td class=id>") >= 279
    assert "http" not in page


def test_junit_counts_every_cell(report: dict[str, Any]) -> None:
    """The JUnit file has a test case for each check and backend."""
    cells = sum(len(run["results"]) for run in report["backends"])

    assert report["junit"].count("<testcase") == cells
