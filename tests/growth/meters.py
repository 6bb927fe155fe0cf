"""Counts of work that do not depend on the machine: bytes looked at, copied and allocated, and calls."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any, ClassVar


class Text(bytes):
    """Bytes that count what is done with them: bytes searched, bytes copied, and one for each operation."""

    work: ClassVar[int] = 0

    def _note(self, count: int) -> None:
        Text.work += count + 1

    def _whole(self, data: bytes) -> Text:
        self._note(len(data))
        return Text(data)

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        """Search; up to what is found."""
        found = super().find(sub, start, end)
        begin = max(0, len(self) + start) if start < 0 else start
        self._note(max(0, (found + len(sub) if found >= 0 else len(self)) - begin))
        return found

    def count(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        """Search to the end."""
        self._note(max(0, len(self) - start))
        return super().count(sub, start, end)

    def split(self, sep: Any = None, maxsplit: Any = -1) -> list[bytes]:
        """Search and copy all."""
        self._note(len(self))
        return super().split(sep, maxsplit)

    def startswith(self, prefix: Any, start: Any = 0, end: Any = None) -> bool:
        """Compare."""
        self._note(len(prefix))
        return super().startswith(prefix, start, end)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return self._whole(found) if isinstance(found, bytes) else found

    def __add__(self, other: Any) -> Text:
        return self._whole(super().__add__(other))

    def __radd__(self, other: Any) -> Text:
        return self._whole(other + bytes(self))

    def __iter__(self) -> Any:
        self._note(len(self))
        return super().__iter__()


def allocated(steps: Iterable[Callable[[], object]]) -> int:
    """Return the bytes that the steps allocated at the most at once, each by itself, added up."""
    total = 0
    tracemalloc.start()
    try:
        for step in steps:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            step()
            total += tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    return total


def calls(run: Callable[[], object]) -> int:
    """Return how many functions were called, those in C among them."""
    count = 0

    def note(frame: object, event: str, function: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count
