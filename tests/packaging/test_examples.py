"""The examples in docstrings and in the packages' READMEs are true."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = sorted(ROOT.glob("packages/*/README.md"))
MODULES = [
    ".".join(path.relative_to(folder.parent).with_suffix("").parts)
    for folder in sorted(ROOT.glob("packages/*/src/*"))
    for path in sorted(folder.rglob("*.py"))
    if ">>> " in path.read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    """A module's examples print what they say."""
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)

    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_readmes(path: Path) -> None:
    """A README's Python runs, and prints what it says where it says so."""
    blocks = re.findall(r"^```python\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)

    assert blocks
    for block in blocks:
        if ">>> " in block:
            example = doctest.DocTestParser().get_doctest(block, {}, path.name, str(path), 0)
            assert not doctest.DocTestRunner().run(example).failed
        else:
            exec(compile(block, path, "exec"), {})
