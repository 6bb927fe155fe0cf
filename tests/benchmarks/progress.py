"""A bar on a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
import time

_WIDTH = 30


class Progress:
    """
    Shows how far a run is.

    Args:
        total: the steps there are.
    """

    def __init__(self, total: int) -> None:
        self._total, self._done = max(total, 1), 0
        self._begin = time.monotonic()
        self._shown = sys.stderr.isatty()

    def step(self, what: str) -> None:
        """Show ``what`` as under way; it counts when the next begins."""
        if self._shown:
            full = _WIDTH * self._done // self._total
            seconds = int(time.monotonic() - self._begin)
            bar = "#" * full + "." * (_WIDTH - full)
            text = f"[{bar}] {100 * self._done // self._total:3} %  {seconds // 60}:{seconds % 60:02}  {what:.60}"
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        self._done += 1

    def clear(self) -> None:
        """Take the bar away, for other output."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
