"""
Wrong channels and wrong loops, by which the suite itself is tested: every MUST check must fail on at least one.

``asynchat_conformance.mutants:NAME`` is the adapter of the mutant NAME; ``MUTANTS`` has them all, each with the ids of
checks that kill it.
"""

from __future__ import annotations

from typing import Any

from . import (  # noqa: F401 - each fills MUTANTS
    channels,
    connections,
    endings,
    framing,
    limits,
    loops,
    network,
    sources,
    surface,
)
from ._registry import MUTANTS, Mutant
from ._sound import PollReactor, Sound

__all__ = ("MUTANTS", "Mutant", "PollReactor", "Sound")


def __getattr__(name: str) -> Any:
    if name in MUTANTS:
        return MUTANTS[name].backend
    raise AttributeError(f"no mutant {name!r}")
