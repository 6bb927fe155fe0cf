"""Sphinx's settings. `nox -s docs` builds the pages and runs their examples."""

from __future__ import annotations

import tomllib
from pathlib import Path

CORE = Path(__file__).parents[1] / "packages" / "asynchat-core" / "pyproject.toml"

project = "asynchat"
author = "The asynchat-core contributors"
copyright = f"2026, {author}"  # noqa: A001 - the name is Sphinx's
release = version = tomllib.loads(CORE.read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autoclass_content = "both"

# Other projects' inventories cannot be fetched offline: what is theirs is named here instead.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!asynchat_).*"),
]

html_theme = "furo"
html_title = "asynchat"
html_show_sourcelink = False
