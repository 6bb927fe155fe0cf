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
NO_PEERS = ("selectors", "uvloop", "asyncore", "Framer", BASE, "C", "redis", "find loop")
_LESS_IS_BETTER = ("cpu", "memory", "idle")


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

    def verdicts(self, figures: Figures, rows: Mapping[str, Figures]) -> Iterator[dict[str, Any]]:
        """Yield for each candidate the value, the bound, and whether it is met."""
        less = self.figure in _LESS_IS_BETTER
        for name in self.who:
            base = self._base(figures, rows, name)
            if name not in figures or not base:
                continue
            value = figures[name][self.figure] / base
            met = value <= self.bound if less else value >= self.bound
            of = f" of {self.beside or self.against}" if self.beside or self.against else ""
            text = f"{self.figure} {'at most' if less else 'at least'} {self.bound:g}{of}"
            yield {"candidate": name, "goal": text, "value": value, "met": met}

    def _base(self, figures: Figures, rows: Mapping[str, Figures], name: str) -> float:
        if self.beside:
            return rows.get(self.beside, {}).get(name, {}).get(self.figure, 0.0)
        if self.against == BEST_PEER:
            return max((found[self.figure] for peer, found in figures.items() if is_peer(peer)), default=0.0)
        return figures.get(self.against, {}).get(self.figure, 0.0) if self.against else 1.0


def is_ours(name: str) -> bool:
    """Return whether a candidate is one of our backends, in whatever variant, or our framer."""
    return name.partition(",")[0] in ("selectors", "uvloop", "asyncore", "Framer")


def is_peer(name: str) -> bool:
    """Return whether a candidate is another framework in Python."""
    return name.partition(",")[0] not in NO_PEERS
