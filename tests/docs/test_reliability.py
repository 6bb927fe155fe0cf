"""docs/reliability.md says what the classes have."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from asynchat_core._limits import SAFE_DEFAULTS

_PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_ROW = re.compile(r"^\| `(\w+)` \| (\S+) \| (\S+) \|", re.MULTILINE)


def rows(column: int) -> dict[str, Any]:
    """Return the limits by name, of the safe or of the drop-in column."""
    return {row[0]: ast.literal_eval(row[column]) for row in _ROW.findall(_PAGE.read_text())}


@pytest.mark.parametrize("backend", ["selectors", "asyncore", "uvloop"])
def test_the_safe_column_is_the_own_chat(backend: str) -> None:
    """The safe limits are those of the backend's own async_chat."""
    chat = import_module(f"asynchat_{backend}").async_chat
    table = rows(1)

    assert {name: getattr(chat, name) for name in table} == table


@pytest.mark.parametrize("backend", ["selectors", "asyncore", "uvloop"])
def test_the_drop_in_column_is_the_drop_in(backend: str) -> None:
    """The others are those of the drop-in module's."""
    chat = import_module(f"asynchat_{backend}.asynchat").async_chat
    table = rows(2)

    assert {name: getattr(chat, name) for name in table} == table


def test_no_limit_is_missing() -> None:
    """Each safe limit has a row."""
    assert set(SAFE_DEFAULTS) <= set(rows(1))


def test_each_probe_is_explained() -> None:
    """The table of what a probe asks for, and the table of the last run, have the same rows."""
    meaning, figures = re.findall(r"^\| probe \|.*\n\|[- |]+\n((?:\|.*\n)+)", _PAGE.read_text(), re.MULTILINE)
    titles = [[row.split(" | ")[0] for row in table.splitlines()] for table in (meaning, figures)]

    assert len(titles[0]) == 14
    assert titles[0] == titles[1]
