"""The core's folder, copied into another project under another name, is as good as the original."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "packages" / "asynchat-core" / "src" / "asynchat_core"
VENDORED = "some_project._vendor.chatcore"
# Stands in for the installed core: the copy has to live without it.
ABSENT = 'raise ImportError("the vendored copy must not need asynchat_core")\n'


def rewrite(path: Path) -> None:
    """Make a test import the vendored core, by its text, as vendoring tools do."""
    path.write_text(re.sub(r"\basynchat_core\b", VENDORED, path.read_text()))


@pytest.mark.timeout(300)
def test_the_core_s_tests_pass_on_a_vendored_copy(tmp_path: Path) -> None:
    """All tests of the core pass on the copy, with the original out of reach."""
    copy = tmp_path.joinpath(*VENDORED.split("."))
    shutil.copytree(CORE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy.parent / "__init__.py").touch()
    (copy.parents[1] / "__init__.py").touch()
    (tmp_path / "asynchat_core.py").write_text(ABSENT)
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    shutil.copytree(ROOT / "tests" / "core", tmp_path / "core", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "core").rglob("*.py"):
        rewrite(path)

    settings = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *settings, str(tmp_path / "core")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == result.returncode, result.stdout + result.stderr
    assert " passed" in result.stdout


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda path: path.name)
def test_the_core_imports_itself_by_dots(path: Path) -> None:
    """A module of the core imports the standard library by name, and the core's other modules by dots."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0]

    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
