"""The backend that the page "Write a backend" builds is a backend."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from .programs import EXAMPLES, run

AREAS = "CLS,EOF,CON,ACC,MIX,TMR,FAN,FDR,THR,LOP"


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which the package is installed, by the entry points that its pyproject.toml has."""
    project = tomllib.loads((EXAMPLES / "asynchat_poll" / "pyproject.toml").read_text())["project"]
    info = tmp_path / f"asynchat_poll-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "asynchat_poll").symlink_to(EXAMPLES / "asynchat_poll")
    return {"PYTHONPATH": str(tmp_path)}


def test_it_is_found_by_name(installed: dict[str, str]) -> None:
    """The command line lists it with its version."""
    backends = run("-m", "asynchat_core", "backends", env=installed).splitlines()

    assert "poll         installed: asynchat-poll 0.1.0, import asynchat_poll" in backends


def test_it_runs_an_old_program(installed: dict[str, str]) -> None:
    """The echo conversation runs on it."""
    program = EXAMPLES / "asynchat_echo_main.py"
    output = run("-m", "asynchat_core", "run", "--backend", "poll", program, env=installed)

    assert "the copy is right" == output.splitlines()[-1]


def test_it_conforms(installed: dict[str, str]) -> None:
    """It passes every check of level MUST in the areas that a reactor can do wrong."""
    report = run("-m", "asynchat_conformance", "poll", "--only", AREAS, env=installed)

    assert report.splitlines()[-1].startswith("poll 0.1.0: MUST")
