"""The probes of nox -s soak run: a few of them, small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the probes ask Linux about the servers")
def test_a_few_probes(tmp_path: Path) -> None:
    """Servers on both loops hold under a few probes, and the command says so."""
    report = tmp_path / "report.json"
    names = ["bytewise", "endless", "resets", "stop"]
    command = [sys.executable, "-m", "tests.soak", "--quick", "--json", str(report)]
    run = subprocess.run(
        [*command, "--candidates", "selectors", "uvloop", "--probes", *names],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=25,
    )

    assert run.returncode == 0, run.stdout
    rows = json.loads(report.read_text())
    assert [(name, True, True) for name in names] == [
        (name, row["selectors"]["held"], row["uvloop"]["held"]) for name, row in rows.items()
    ]
