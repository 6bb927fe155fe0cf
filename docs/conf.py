"""Sphinx's settings. ``nox -s docs`` builds the pages and runs the examples in them."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.ext.napoleon.docstring import GoogleDocstring

CORE = Path(__file__).parents[1] / "packages" / "asynchat-core" / "pyproject.toml"

# The page "Write a backend" imports the one that it builds.
sys.path.insert(0, str(Path(__file__).parent / "examples"))

project = "asynchat"
author = "The asynchat-core contributors"
project_copyright = f"2026, {author}"
release = version = tomllib.loads(CORE.read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest"]
exclude_patterns = ["_build", "examples"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_typehints = "description"

# Every reference to our own public names must lead somewhere; other projects' inventories cannot be had offline.
nitpick_ignore_regex = [(r"py:.*", r"(?!asynchat_).*|.*\._.*")]

html_theme = "furo"
html_title = "asynchat"
html_show_sourcelink = False


def read_sections(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Turn a docstring's Google sections into reStructuredText."""
    # The napoleon extension would take an attribute's text up to its first colon for a type.
    if what not in {"attribute", "data", "property"}:
        lines[:] = GoogleDocstring(lines).lines()


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", read_sections)
