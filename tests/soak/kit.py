"""What a probe is: a function that puts a server to one test, with the sizes it uses and the outcome it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from .processes import Candidate

MIB = 1048576
#: MiB by which a server's memory may grow where it has to stay flat.
GROWTH = 1.0


class Outcome(NamedTuple):
    """Whether the server held, its figures by name, and both for a person to read."""

    held: bool
    text: str
    figures: dict[str, float]


class Broken(Exception):
    """The server did not do what each step of the probe needs; the text says what."""


@dataclass(frozen=True)
class Sizes:
    """How much each probe does."""

    mebibytes: int = 64
    single_bytes: int = 50000
    connections: int = 2000
    garbage: int = 16
    terminators: int = 1000000
    rounds: int = 5
    seconds: float = 3.0
    #: None: the server's own frame_timeout, which is 60 s.
    frame_timeout: float | None = None


FULL = Sizes()
QUICK = Sizes(
    mebibytes=16,
    single_bytes=5000,
    connections=300,
    garbage=2,
    terminators=200000,
    rounds=2,
    seconds=0.7,
    frame_timeout=1.0,
)


@dataclass
class Probe:
    """One row of the table."""

    name: str
    title: str
    run: Callable[[Candidate, Sizes], Outcome]
    #: Waits nearly all the time: the candidates may do so at the same time.
    waits: bool = False


@dataclass
class Probes:
    """The rows by name."""

    by_name: dict[str, Probe] = field(default_factory=dict)

    def add(
        self, title: str, waits: bool = False
    ) -> Callable[[Callable[[Candidate, Sizes], Outcome]], Callable[[Candidate, Sizes], Outcome]]:
        """Enter a function, under its own name."""

        def enter(function: Callable[[Candidate, Sizes], Outcome]) -> Callable[[Candidate, Sizes], Outcome]:
            name = function.__name__
            self.by_name[name] = Probe(name, title, function, waits)
            return function

        return enter


PROBES = Probes()
