"""The five pyproject.toml files agree."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("asynchat-core", "asynchat-selectors", "asynchat-asyncore", "asynchat-uvloop", "asynchat-conformance")
PROJECTS: dict[str, dict[str, Any]] = {
    name: tomllib.loads((ROOT / "packages" / name / "pyproject.toml").read_text())["project"] for name in NAMES
}


def test_versions_move_together() -> None:
    """All five packages have one version."""
    assert 1 == len({project["version"] for project in PROJECTS.values()})


@pytest.mark.parametrize("name", NAMES)
def test_modules_know_their_version(name: str) -> None:
    """A package's `__version__` is the one that it is published under."""
    assert PROJECTS[name]["version"] == importlib.import_module(name.replace("-", "_")).__version__


@pytest.mark.parametrize("name", NAMES[1:])
def test_siblings_want_the_core_of_their_version(name: str) -> None:
    """A sibling takes the core of its own minor version, from its own version on."""
    wanted = [dependency for dependency in PROJECTS[name]["dependencies"] if dependency.startswith("asynchat-core")]

    assert [f"asynchat-core~={PROJECTS[name]['version']}"] == wanted


def test_extras_want_the_siblings_of_the_core_s_version() -> None:
    """An extra brings the sibling of the core's own minor version, and `all` brings what the others do."""
    extras = dict(PROJECTS["asynchat-core"]["optional-dependencies"])
    everything = extras.pop("all")

    assert [f"{name}~={PROJECTS[name]['version']}" for name in NAMES[1:]] == everything
    assert everything == [requirement for extra in extras.values() for requirement in extra]


def test_the_core_needs_nothing() -> None:
    """The core has no dependencies."""
    assert [] == PROJECTS["asynchat-core"]["dependencies"]


@pytest.mark.parametrize("name", NAMES)
def test_packages_share_licence_and_python(name: str) -> None:
    """Each package has a copy of the project's licence and wants the same Python."""
    assert (ROOT / "LICENSE").read_text() == (ROOT / "packages" / name / "LICENSE").read_text()
    assert PROJECTS["asynchat-core"]["requires-python"] == PROJECTS[name]["requires-python"]
