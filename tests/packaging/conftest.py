"""The wheels of the five packages, and clean environments to install them in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from uv import find_uv_bin

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from flit_core import buildapi; buildapi.build_wheel(sys.argv[1])"


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheels of all five packages, built just now."""
    folder = tmp_path_factory.mktemp("wheels")
    for project in ROOT.glob("packages/*/pyproject.toml"):
        subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=project.parent, check=True)
    return folder


@pytest.fixture(scope="session")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Callable[..., str]]:
    """Install asynchat-core with an extra from the wheels, once for all tests that ask for the same one.

    The result runs a program of that environment and returns what it prints.
    """
    environments: dict[str, Path] = {}

    def install(extra: str) -> Callable[..., str]:
        if extra not in environments:
            environments[extra] = folder = tmp_path_factory.mktemp("environment")
            core = next(wheels.glob("asynchat_core-*.whl"))
            uv("venv", "--clear", "--python", sys.executable, str(folder))
            requirement = f"asynchat-core[{extra}] @ {core.as_uri()}"
            uv("pip", "install", "--python", str(folder), "--find-links", str(wheels), requirement)
        return partial(output, environments[extra] / ("Scripts" if sys.platform == "win32" else "bin"))

    return install


def uv(*arguments: str) -> None:
    """Run uv with the workspace's settings."""
    subprocess.run([find_uv_bin(), "-q", *arguments], cwd=ROOT, check=True)


def output(scripts: Path, program: str, *arguments: str) -> str:
    """Return what a program prints; it must succeed without a word on stderr."""
    command = [str(scripts / program), *arguments]
    result = subprocess.run(command, cwd=scripts, capture_output=True, text=True, check=False)
    assert (0, "") == (result.returncode, result.stderr)
    return result.stdout
