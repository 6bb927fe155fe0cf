"""Settings that all tests share; pytest's own are in pyproject.toml."""

from __future__ import annotations

from hypothesis import settings

# No deadline, since no test judges time, and no database: a run depends on nothing that an earlier one left.
settings.register_profile("strict", deadline=None, database=None)
settings.load_profile("strict")
