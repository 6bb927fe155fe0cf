"""What is aimed at: bounds for figures, and whether a run kept them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

#: Of each candidate its figures by name.
Figures: TypeAlias = Mapping[str, Mapping[str, float]]

BASE = "pyasynchat"
BEST_PEER = "the best Python peer"
OURS = ("selectors", "uvloop")
#: Ours in their variants, the reference, and what is not Python: no peers.
NO_PEERS = ("selectors", "uvloop", "asyncore", "Framer", "asynchat_core", BASE, "C", "redis", "find loop")
LESS_IS_BETTER = ("cpu", "memory", "idle")


@dataclass(frozen=True)
class Goal:
    """
    A bound for one figure of some candidates.

    Args:
        figure: ``cpu``, ``rate``, ``MB/s``, ``memory`` or ``idle``.
        bound: the most for what costs, the least for what is gained.
        who: candidates.
        against: the candidate whose figure is 1.0; BEST_PEER; or "" for the figure itself.
        beside: a workload whose figure of the same candidate is 1.0.
    """

    figure: str
    bound: float
    who: tuple[str, ...] = OURS
    against: str = BASE
    beside: str = ""

    def values(self, figures: Figures, rows: Mapping[str, Figures]) -> dict[str, float]:
        """Return each candidate's figure, over that of the base where the goal has one; nothing without the base."""
        bases = rows.get(self.beside, {}) if self.beside else {name: self._base(figures) for name in figures}
        return {
            name: found[self.figure] / bases[name][self.figure]
            for name, found in figures.items()
            if self.figure in found and bases.get(name, {}).get(self.figure)
        }

    def verdicts(self, figures: Figures, rows: Mapping[str, Figures]) -> Iterator[dict[str, Any]]:
        """Yield for each candidate the value, the bound, and whether it is met."""
        less = self.figure in LESS_IS_BETTER
        values = self.values(figures, rows)
        for name in self.who:
            if name in values:
                value = values[name]
                met = value <= self.bound if less else value >= self.bound
                yield {"candidate": name, "goal": self.text(), "value": value, "met": met}

    def text(self) -> str:
        """Return the bound in words."""
        of = f" of {self.beside or self.against}" if self.beside or self.against else ""
        return f"{self.figure} {'at most' if self.figure in LESS_IS_BETTER else 'at least'} {self.bound:g}{of}"

    def _base(self, figures: Figures) -> Mapping[str, float]:
        if self.against == BEST_PEER:
            peer = best_peer({name: found.get(self.figure, 0.0) for name, found in figures.items()}, self.figure)
            return figures.get(peer, {})
        return figures.get(self.against, {}) if self.against else {self.figure: 1.0}


def best_peer(values: Mapping[str, float], figure: str) -> str:
    """Return which other framework in Python has the best value of a figure; "" where there is none."""
    best = min if figure in LESS_IS_BETTER else max
    return best((name for name in values if is_peer(name)), key=values.__getitem__, default="")


def is_ours(name: str) -> bool:
    """Return whether a candidate is one of our backends, in whatever variant, or our framer."""
    return name.partition(",")[0] in ("selectors", "uvloop", "asyncore", "Framer", "asynchat_core")


def is_peer(name: str) -> bool:
    """Return whether a candidate is another framework in Python."""
    return name.partition(",")[0] not in NO_PEERS
