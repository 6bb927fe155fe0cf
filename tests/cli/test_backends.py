"""``asynchat backends``: what is installed, and what to install for the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from asynchat_core import installed_backends

BROKEN = {
    "broken-1.5.dist-info/entry_points.txt": "[asynchat.backends]\nbroken = broken_backend\n",
    "broken-1.5.dist-info/METADATA": "Metadata-Version: 2.1\nName: broken\nVersion: 1.5\n",
    "broken_backend.py": "import a_library_that_is_not_installed\n",
}


def backends(folder: Path, *options: str) -> list[str]:
    """Return the lines that the command prints."""
    command = [sys.executable, *options, "-m", "asynchat_core", "backends"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (0, "") == (result.returncode, result.stderr)
    return result.stdout.splitlines()


@pytest.mark.parametrize("name", [backend.name for backend in installed_backends()])
def test_an_installed_backend_has_a_line(tmp_path: Path, name: str) -> None:
    """The line tells the distribution, its version and what to import."""
    distribution = f"asynchat-{name}"
    line = f"{name:12} installed: {distribution} {version(distribution)}, import asynchat_{name}"

    assert line in backends(tmp_path)


def test_a_broken_backend_says_what_is_missing(tmp_path: Path) -> None:
    """A backend whose import fails is listed with the reason, and does not keep the others from being listed."""
    for name, text in BROKEN.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    lines = backends(tmp_path)
    line = next(line for line in lines if line.startswith("broken"))

    assert "broken: No module named 'a_library_that_is_not_installed'" in line
    assert "broken 1.5, import broken_backend" in line
    assert len(installed_backends()) + 1 == len(lines)


def test_help_names_both_commands() -> None:
    """``asynchat --help`` tells of run and backends."""
    command = [sys.executable, "-m", "asynchat_core", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "run" in text
    assert "backends" in text
