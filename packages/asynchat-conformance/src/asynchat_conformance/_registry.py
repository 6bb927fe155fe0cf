"""The checks by their ids: what each one demands, how strongly, and what it needs of a backend."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._rig import Rig

_ID = re.compile(r"[A-Z]{3}-\d{3}")


class Level(Enum):
    """How much a failure counts."""

    MUST = "must"
    SHOULD = "should"
    COMPAT = "compat"


class Capability(Enum):
    """What a backend may declare missing; the checks that need it are then not applicable."""

    CONNECT = "outgoing connections"
    LISTEN = "listening sockets"
    UNIX = "Unix sockets"
    IPV6 = "IPv6"
    MIXED_MAP = "dispatchers and chats in one map"
    FOREIGN_CHANNEL = "any object with the channel methods in a map"
    HALF_CLOSE = "half_close, to send on after the peer's end of stream"
    LIMITS = "limits on input, output and time, pause_reading, abort, eof_received"
    SOURCES = "NOT_READY and resume_producer, push_with_producer of an iterable, push_file"
    TIMERS = "call_later"
    THREADSAFE_WAKE = "call_soon_threadsafe, which ends a wait"
    OOB = "urgent data"
    HIGH_FD = "descriptors above 1024"
    READINESS = "recv and send called by the channel, so that a socket can be scripted"


Body = Callable[["Rig"], None]


@dataclass(frozen=True)
class Check:
    """One rule and the function that tries it."""

    id: str
    level: Level
    rule: str
    body: Body
    needs: tuple[Capability | str, ...] = ()
    since: str = "2026.1"
    slow: bool = False

    @property
    def area(self) -> str:
        """The three letters before the number."""
        return self.id[:3]


@dataclass
class Registry:
    """All checks, and the rules that nobody can try."""

    checks: dict[str, Check] = field(default_factory=dict)
    untested: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, check: Check) -> None:
        """Add a check. Raises ValueError for an id that is malformed, taken or without a rule."""
        if not _ID.fullmatch(check.id):
            raise ValueError(f"check id {check.id!r} is not three capitals, a hyphen and three digits")
        if check.id in self.checks or check.id in self.untested:
            raise ValueError(f"check id {check.id} is taken")
        if not check.rule:
            raise ValueError(f"check {check.id} has no docstring; it is the rule")
        self.checks[check.id] = check

    def select(self, only: Iterable[str] = (), since: str = "") -> list[Check]:
        """
        Return the checks of some ids or areas, all by default, in the order of the catalogue.

        A rule about leaks stands for all checks, since any of them may leak.

        Raises:
            KeyError: an id or area that does not exist.
        """
        wanted = set()
        for name in only:
            found = [id for id in (*self.checks, *self.untested) if name in (id, id[:3])]
            if name == "LEK" or name in LEAK_RULES:
                found = list(self.checks)
            if not found:
                raise KeyError(f"no check or area {name!r}; --list shows them all")
            wanted.update(found)
        return [
            check
            for id, check in sorted(self.checks.items(), key=lambda item: _order(item[0]))
            if (not wanted or id in wanted) and (not since or check.since <= since)
        ]


#: What is held after each check, whatever it tries: the level and the rule.
LEAK_RULES = {
    "LEK-001": (Level.MUST, "No descriptor is left."),
    "LEK-002": (Level.MUST, "The map is empty."),
    "LEK-003": (Level.MUST, "The default map is untouched."),
    "LEK-004": (Level.MUST, "No thread is left."),
    "LEK-005": (Level.MUST, "There is no ResourceWarning and no unraisable exception."),
    "LEK-006": (Level.SHOULD, "The channel objects are gone."),
}

#: The areas in the order of the catalogue.
AREAS = tuple(
    "API FRM SPL NUM NON TRM OUT PRD CWD DSC CLS ERR EOF HCL CON ACC RNT MIX TMR FAN FDR THR LOP LIM NET LEK".split()  # noqa: SIM905
)

REGISTRY = Registry()


def _order(id: str) -> tuple[int, str]:
    area = id[:3]
    return (AREAS.index(area) if area in AREAS else len(AREAS), id)


def check(
    id: str,
    level: Level,
    *,
    needs: Iterable[Capability | str] = (),
    since: str = "2026.1",
    slow: bool = False,
) -> Callable[[Body], Body]:
    """
    Register a function as the check ``id``; its docstring is the rule, in one sentence.

    Args:
        id: stable for ever, as in the catalogue.
        level: MUST, SHOULD or COMPAT.
        needs: capabilities, or names of optional attributes of the adapter (``"close_all"``).
        since: the version of the suite that brought it.
        slow: whether it may take longer than 50 ms.
    """

    def register(body: Body) -> Body:
        rule = " ".join((body.__doc__ or "").split())
        REGISTRY.add(Check(id, level, rule, body, tuple(needs), since, slow))
        return body

    return register


def untested(id: str, rule: str, reason: str) -> None:
    """List a rule that nobody can try, with the reason."""
    if id in REGISTRY.checks or id in REGISTRY.untested:
        raise ValueError(f"check id {id} is taken")
    REGISTRY.untested[id] = (rule, reason)


def load_suite() -> Registry:
    """Import all modules of the suite, which fills the registry."""
    from . import suite

    for module in pkgutil.iter_modules(suite.__path__):
        importlib.import_module(f"{suite.__name__}.{module.name}")
    return REGISTRY
