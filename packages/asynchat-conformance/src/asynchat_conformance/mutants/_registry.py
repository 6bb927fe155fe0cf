"""The mutants by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ._killers import KILLERS
from ._sound import Sound


class Mutant(NamedTuple):
    """A backend that is wrong in one way."""

    name: str
    #: What is wrong with it.
    fault: str
    #: Checks that must fail on it.
    killers: tuple[str, ...]
    backend: type[Sound]


MUTANTS: dict[str, Mutant] = {}


def mutant(spoil: Callable[[Sound], None]) -> Callable[[Sound], None]:
    """Register a function that spoils a sound backend; its name is the mutant's, its docstring the fault."""
    name = spoil.__name__
    backend = type(name, (Sound,), {"name": name, "spoil": spoil})
    MUTANTS[name] = Mutant(name, (spoil.__doc__ or "").strip(), tuple(KILLERS.get(name, "").split()), backend)
    return spoil
