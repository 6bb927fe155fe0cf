"""What is known to differ, from expectations.toml: data, so that each gap has its reason in one place."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

_DATA = Path(__file__).resolve().parents[1] / "expectations.toml"
_KEYS = {"program", "tests", "reason", "backends", "pythons"}


@dataclass(frozen=True)
class Difference:
    """Tests of a program that do not pass, and why; on all backends and Pythons, or on those named only."""

    program: str
    tests: tuple[str, ...]
    reason: str
    backends: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()

    def applies(self, program: str, backend: str, python: str) -> bool:
        """Return whether this is about that program there."""
        return (
            fnmatchcase(program, self.program)
            and (not self.backends or backend in self.backends)
            and (not self.pythons or python in self.pythons)
        )

    def names(self, test: str) -> bool:
        """Return whether this is about ``test``."""
        return any(fnmatchcase(test, pattern) for pattern in self.tests)


def load() -> list[Difference]:
    """
    Read the differences.

    Raises:
        ValueError: an entry with an unknown key, or without one that it needs.
    """
    entries: list[dict[str, Any]] = tomllib.loads(_DATA.read_text(encoding="utf-8"))["difference"]
    for entry in entries:
        if not {"program", "tests", "reason"} <= entry.keys() <= _KEYS:
            raise ValueError(f"{_DATA.name}: an entry has the keys {sorted(entry)}, not some of {sorted(_KEYS)}")
    return [
        Difference(
            entry["program"],
            tuple(entry["tests"]),
            " ".join(entry["reason"].split()),
            tuple(entry.get("backends", ())),
            tuple(entry.get("pythons", ())),
        )
        for entry in entries
    ]


def judge(outcomes: dict[str, str], differences: list[Difference]) -> tuple[list[str], dict[str, str], list[str]]:
    """
    Compare what happened with what is known.

    Args:
        outcomes: passed, failed or skipped, by test.
        differences: those that apply here.

    Returns:
        The tests that failed and should not have; those that differ as known, with the reason; and the tests, or whole
        patterns without a test, that were to fail and did not.
    """
    failed, known, passed = [], {}, []
    used: set[str] = set()
    for test, outcome in outcomes.items():
        difference = next((one for one in differences if one.names(test)), None)
        if outcome == "failed":
            if difference is None:
                failed.append(test)
            else:
                known[test] = difference.reason
        elif outcome == "passed" and difference is not None:
            passed.append(test)
        used.update(pattern for one in differences for pattern in one.tests if fnmatchcase(test, pattern))
    missing = {pattern for one in differences for pattern in one.tests} - used
    return failed, known, passed + [f"{pattern} (no such test)" for pattern in sorted(missing)]
