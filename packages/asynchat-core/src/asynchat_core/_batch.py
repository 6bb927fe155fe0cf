"""
Hold output back until the work at hand is done, so that many small pushes leave in one send.

A batch is open in a thread while a channel there handles a read, or while a loop runs one turn. A channel that is
pushed to meanwhile enters it, and is flushed at its end, also when an exception ends it.
"""

from __future__ import annotations

from _thread import get_ident
from typing import Protocol, TypeAlias


class Held(Protocol):
    """A channel with output held back."""

    def _ac_flush_held(self) -> None:
        """Send what is held."""


Batch: TypeAlias = list[Held]

_open: dict[int, Batch] = {}


def current_batch() -> Batch | None:
    """Return the batch that is open in this thread."""
    return _open.get(get_ident())


def open_batch() -> Batch | None:
    """Open a batch; None when one is open in this thread already, whose end will do."""
    thread = get_ident()
    if thread in _open:
        return None
    batch: Batch = []
    _open[thread] = batch
    return batch


def close_batch(batch: Batch) -> None:
    """Flush the batch that ``open_batch`` returned; what the flushing makes others push leaves too."""
    try:
        if batch:
            _flush(batch)
    finally:
        del _open[get_ident()]


def _flush(batch: Batch) -> None:
    walk = iter(batch)
    for channel in walk:
        try:
            channel._ac_flush_held()
        except BaseException:
            # On its way out of the loop; the others must not lose their output to it.
            for rest in walk:
                rest._ac_flush_held()
            raise
