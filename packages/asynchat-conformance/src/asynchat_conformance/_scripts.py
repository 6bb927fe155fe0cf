"""Producers that do what a check says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class Scripted:
    """
    A producer that gives pieces in turn, then empty bytes for ever.

    Args:
        pieces: what ``more()`` returns; an exception is raised instead.
        act: called in each ``more()``, first.

    ``calls`` counts the calls of ``more()``.
    """

    def __init__(self, pieces: Iterable[Any], act: Callable[[], Any] = lambda: None) -> None:
        self._pieces = list(pieces)
        self._act = act
        self.calls = 0

    def more(self) -> Any:
        """Return the next piece."""
        self.calls += 1
        self._act()
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, BaseException):
            raise piece
        return piece


def raises(error: BaseException) -> Callable[..., Any]:
    """Return a callback that raises ``error``."""

    def callback(*args: Any) -> Any:
        raise error

    return callback
