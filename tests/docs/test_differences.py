"""docs/differences.md says what is so: of CPython's modules and of each backend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from . import probes_input, probes_loop, probes_output  # noqa: F401 - they enter their probes
from .differences import DIFFERENCES
from .kit import CPYTHON, OURS, Kit

PAGE = Path(__file__).parents[2] / "docs" / "differences.md"


@pytest.mark.parametrize("name", [CPYTHON, *OURS])
@pytest.mark.parametrize("id", DIFFERENCES)
def test_row(id: str, name: str) -> None:
    """A row of the table is true."""
    difference = DIFFERENCES[id]
    with Kit(name) as kit:
        assert difference.found[name] == difference.probe(kit)


def test_each_row_has_a_probe() -> None:
    """The page's rows and the probes are the same."""
    rows = re.findall(r"^\| ([A-Z]+-?\d+)", PAGE.read_text(), re.MULTILINE)

    assert sorted(DIFFERENCES) == sorted(rows)
