"""What the wheels hold, and what an extra of the core installs from them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[[str], Callable[..., str]]

PACKAGES = sorted(Path(__file__).parents[2].glob("packages/*/src/*"))
BACKENDS = ["asyncore", "selectors", "uvloop"]
LOAD = """
import sys
from importlib.metadata import entry_points
for point in entry_points(group=sys.argv[1]):
    point.load()
    print(point.name)
"""
LEGACY = """
import asynchat, sys
print(asynchat.async_chat.__module__.partition(".")[0], *sys.argv[1:])
"""


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_wheel_holds_its_folder_and_licence(wheels: Path, package: Path) -> None:
    """A wheel holds every file of its folder, the type marker too, and its licence, and nothing else."""
    with zipfile.ZipFile(next(wheels.glob(f"{package.name}-*.whl"))) as wheel:
        names = set(wheel.namelist())
    source = {f"{package.name}/{path.relative_to(package)}" for path in package.rglob("*") if path.is_file()}
    source = {name for name in source if "__pycache__" not in name}
    beside = {name.partition("/")[2] for name in names - source}

    assert f"{package.name}/py.typed" in source
    assert source <= names
    assert beside - {"entry_points.txt"} == {"METADATA", "RECORD", "WHEEL", "licenses/LICENSE"}


@pytest.mark.parametrize(
    ("extra", "backends"),
    [*((name, [name]) for name in BACKENDS), ("conformance", []), ("all", BACKENDS)],
)
def test_an_extra_brings_its_backends(installed: Install, extra: str, backends: list[str]) -> None:
    """An extra resolves from the wheels and brings the backends it names, each of which loads."""
    assert backends == sorted(installed(extra)("python", "-c", LOAD, "asynchat.backends").split())


def test_adapters_load(installed: Install) -> None:
    """Each backend's adapter for the conformance suite loads where the suite is installed."""
    assert sorted(installed("all")("python", "-c", LOAD, "asynchat.conformance").split()) == BACKENDS


def test_the_suite_is_a_program(installed: Install) -> None:
    """The suite that the extra brings runs as a module."""
    assert "usage" in installed("conformance")("python", "-m", "asynchat_conformance", "--help")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_command_lists_backends(installed: Install, backend: str) -> None:
    """`asynchat backends` tells the installed ones from the others."""
    lines = installed(backend)("asynchat", "backends").splitlines()

    assert [backend] == [line.split()[0] for line in lines if "not installed" not in line]
    assert BACKENDS == sorted(line.split()[0] for line in lines)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_command_runs_an_old_program(installed: Install, tmp_path: Path, backend: str) -> None:
    """`asynchat run` gives a program that imports asynchat the chosen backend's, and its own arguments."""
    program = tmp_path / "program.py"
    program.write_text(LEGACY)
    printed = installed("all")("asynchat", "run", "--backend", backend, str(program), "--port", "0")

    assert f"asynchat_{backend} --port 0\n" == printed
