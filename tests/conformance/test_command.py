"""The command ``python -m asynchat_conformance`` as a stranger uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_ADAPTER = """
from asynchat_conformance import Backend, Capability as C
import asynchat_selectors as loop

class Mine(Backend):
    name = "mine"
    async_chat = loop.async_chat
    dispatcher = loop.dispatcher
    missing = {{C.TIMERS: "none yet", C.OOB: "not watched"}}
    expected_failures = {expected}

    def new_map(self):
        return loop.ChannelMap()

    def poll(self, map, timeout):
        loop.poll_once(timeout, map)

    def close_map(self, map):
        map.close()
"""
_HOSTILE = "import sys; raise SystemExit('the conftest of the caller was imported')\n"


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "asynchat_conformance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stranger's folder: an adapter of 15 lines, beside settings that must not matter."""
    (tmp_path / "mine.py").write_text(_ADAPTER.format(expected="{}"))
    (tmp_path / "conftest.py").write_text(_HOSTILE)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    return tmp_path


def test_a_strangers_adapter_gets_its_matrix(folder: Path) -> None:
    """Fifteen lines and one command give a matrix."""
    done = _run(folder, "mine:Mine", "--only", "FRM,EOF-005,TMR")

    assert done.returncode == 0, done.stdout + done.stderr
    assert ["TMR-001", "n/a"] in [line.split() for line in done.stdout.splitlines()]
    assert "mine: MUST" in done.stdout


def test_an_unknown_id_is_a_usage_error(folder: Path) -> None:
    """An id that does not exist ends in one line and status 2."""
    done = _run(folder, "mine:Mine", "--only", "FRM-999")

    assert done.returncode == 2
    assert done.stderr == "asynchat_conformance: no check or area 'FRM-999'; --list shows them all\n"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("nowhere", "no adapter 'nowhere' is installed"),
        ("mine:Missing", "cannot be made: AttributeError"),
        ("json:dumps", "not a subclass of asynchat_conformance.Backend"),
    ],
)
def test_a_broken_adapter_is_a_usage_error(folder: Path, spec: str, reason: str) -> None:
    """An adapter that cannot be used ends in one line and status 2."""
    done = _run(folder, spec)

    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_expected_failure_that_passes_is_a_failure(folder: Path) -> None:
    """A check that was declared to fail and passes ends in status 1."""
    (folder / "mine.py").write_text(_ADAPTER.format(expected='{"FRM-001": "a reason"}'))
    done = _run(folder, "mine:Mine", "--only", "FRM-001")

    assert done.returncode == 1
    assert "FRM-001 on mine (MUST): XPASS" in done.stdout


def test_an_expected_failure_of_no_check_is_a_usage_error(folder: Path) -> None:
    """A declared failure of a check that does not exist ends in status 2."""
    (folder / "mine.py").write_text(_ADAPTER.format(expected='{"FRM-999": "a reason"}'))

    assert _run(folder, "mine:Mine", "--only", "FRM-001").returncode == 2


def test_a_failure_tells_how_to_repeat_it(folder: Path) -> None:
    """A failure shows the rule, the expected and the actual trace, and the command that repeats it."""
    done = _run(folder, "asynchat_conformance.mutants:lost_prefix", "--only", "FRM-008")

    assert done.returncode == 1
    for part in ("rule      A held prefix", "expected  [DATA(", "actual    [", "--only FRM-008"):
        assert part in done.stdout, done.stdout


def test_a_process_that_dies_costs_one_check(folder: Path) -> None:
    """When the process dies in a check, that check fails and the others are run."""
    text = _ADAPTER.format(expected="{}") + "\n    def has(self, need):\n        import os\n        os._exit(3)\n"
    (folder / "mine.py").write_text(text)
    done = _run(folder, "mine:Mine", "--only", "FRM-001,OUT-008,FRM-002")

    assert done.returncode == 1
    assert "the process died with status 3" in done.stdout
    assert "MUST 7/8" in done.stdout


def test_the_list_names_every_rule(folder: Path) -> None:
    """--list prints a line for each check and runs none."""
    done = _run(folder, "--list")

    assert done.returncode == 0
    assert sum(line[3:4] == "-" for line in done.stdout.splitlines()) >= 270


def test_repetition_in_random_order(folder: Path) -> None:
    """--repeat and --seed run the checks again in another order, with the same results."""
    done = _run(folder, "mine:Mine", "--only", "FRM,NUM", "--repeat", "3", "--seed", "5", "--report", "r.json")

    assert done.returncode == 0, done.stdout
    assert json.loads((folder / "r.json").read_text())["backends"][0]["seed"] == 5
