"""What holds for the source of all five packages."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

FOLDERS = sorted(Path(__file__).parents[2].glob("packages/*/src/*"))
SOURCES = {
    ".".join(path.relative_to(folder.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in FOLDERS
    for path in sorted(folder.rglob("*.py"))
}
EXPORTING = [name for name, path in SOURCES.items() if "." not in name or "\n__all__ = " in path.read_text()]
# The framer's one hot loop, where each call would cost a tenth; the class that records a check; a docstring of options.
LONG = {
    "asynchat_core._framer": {"feed"},
    "asynchat_conformance._rig": {"recorder"},
    "asynchat_core.network": {"listen", "serve"},
}
HEAVY = {"asyncio", "asyncore", "importlib.metadata", "logging", "select", "selectors", "socket", "ssl", "threading"}
LOAD = "import sys; sys.path.insert(0, sys.argv[1]); import asynchat_core; print(*sys.modules)"


@pytest.mark.parametrize("name", SOURCES)
def test_sources_are_small(name: str) -> None:
    """No file is longer than 500 lines, and no function than 50 but those that have a reason."""
    text = SOURCES[name].read_text()
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    assert len(text.splitlines()) <= 500
    long = {node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 50}
    assert long <= LONG.get(name, set())


def test_importing_the_core_does_no_io() -> None:
    """`import asynchat_core` loads nothing that opens sockets, runs loops or threads, logs or reads metadata."""
    # -S: what the interpreter's site packages import at its start must not count.
    command = [sys.executable, "-I", "-S", "-c", LOAD, str(SOURCES["asynchat_core"].parents[1])]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert "asynchat_core" in loaded
    assert set() == HEAVY.intersection(loaded)


@pytest.mark.parametrize("name", EXPORTING)
def test_exported_names_exist(name: str) -> None:
    """Each name in a module's `__all__` is there, once."""
    module = importlib.import_module(name)

    assert [] == [export for export in module.__all__ if not hasattr(module, export)]
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize("name", EXPORTING)
def test_public_names_are_exported(name: str) -> None:
    """A module's `__all__` has each public class and function: its own, and in a package those it gathers."""
    module = importlib.import_module(name)
    public = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and f"{value.__module__}.".startswith(f"{name}.")
    }

    assert set() == public - set(module.__all__)
