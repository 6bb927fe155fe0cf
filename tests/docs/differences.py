"""The rows of docs/differences.md, each with a probe and what it finds on CPython's modules and here."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .kit import CPYTHON, Kit

Probe = Callable[[Kit], object]


class Difference(NamedTuple):
    """What a probe finds; ``asyncore`` is the backend on asyncore, whose loop is not ours."""

    probe: Probe
    found: dict[str, object]


DIFFERENCES: dict[str, Difference] = {}


def difference(id: str, *, cpython: object, here: object, asyncore: object = ...) -> Callable[[Probe], Probe]:
    """Enter a probe for the row ``id``."""

    def enter(probe: Probe) -> Probe:
        assert id not in DIFFERENCES, id
        on_asyncore = here if asyncore is ... else asyncore
        found = {CPYTHON: cpython, "selectors": here, "uvloop": here, "asyncore": on_asyncore}
        DIFFERENCES[id] = Difference(probe, found)
        return probe

    return enter
