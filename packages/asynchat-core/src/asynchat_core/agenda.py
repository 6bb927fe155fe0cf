"""What a loop is to call later or soon: timers on one heap, and calls from other threads."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from time import monotonic
from typing import Any

log = logging.getLogger("asynchat")

# Cancelled timers stay in the heap until their time comes, or until they are so many and the greater part of it.
_MANY_CANCELLED = 512


class Timer:
    """A call that is to come; made by ``call_later``."""

    __slots__ = ("_agenda", "_args", "_callback", "interval")

    def __init__(
        self, agenda: Agenda, callback: Callable[..., object], args: tuple[Any, ...], interval: float | None = None
    ) -> None:
        self._agenda: Agenda | None = agenda
        #: Seconds between two calls, None for a single one.
        self.interval = interval
        self._callback: Callable[..., object] | None = callback
        self._args = args

    def cancel(self) -> None:
        """Do not call; harmless when called before, twice, or inside the timer's own callback (TMR-003)."""
        if self._callback is not None and self._agenda is not None:
            self._agenda._cancelled()
        self._callback, self._args = None, ()

    @property
    def active(self) -> bool:
        """Whether the call is still to come."""
        return self._callback is not None

    def run(self) -> None:
        """Make the call, unless it was cancelled or made."""
        callback, args = self._callback, self._args
        if self.interval is None:
            self._callback, self._args = None, ()
        if callback is not None:
            callback(*args)


class Agenda:
    """The calls that one loop is to make, timers in order of their deadlines, then of their making (TMR-002)."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._dead = 0
        self._soon: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._soon) or len(self._heap) > self._dead

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Timer:
        """
        Call ``callback(*args)`` after ``delay`` seconds of the monotonic clock (TMR-008).

        Raises:
            TypeError: the callback cannot be called, or the delay is no number.
            ValueError: the delay is negative or not a number.
        """
        if not callable(callback):
            raise TypeError(f"a timer needs something to call, not {callback!r:.60}")
        if not delay >= 0:
            raise ValueError(f"a timer's delay of {delay!r} seconds is not 0 or more")
        timer = Timer(self, callback, args)
        heappush(self._heap, (monotonic() + delay, next(self._numbers), timer))
        return timer

    def call_every(self, interval: float, callback: Callable[..., object], *args: Any) -> Timer:
        """
        Call ``callback(*args)`` each ``interval`` seconds, first after one of them; a time missed is left out.

        Raises:
            TypeError: the callback cannot be called.
            ValueError: the interval is not positive.
        """
        if not interval > 0:
            raise ValueError(f"an interval of {interval!r} seconds is not positive")
        timer = self.call_later(interval, callback, *args)
        timer.interval = interval
        return timer

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Call ``callback(*args)`` in the next turn; from any thread, in order (THR-005)."""
        self._soon.append((callback, args))

    def wait(self, timeout: float) -> float:
        """Return the seconds that the loop may wait for something else: ``timeout``, or less when a call is due."""
        if self._soon:
            return 0.0
        heap = self._heap
        while heap and not heap[0][2].active:
            heappop(heap)
            self._dead -= 1
        return min(timeout, max(0.0, heap[0][0] - monotonic())) if heap else timeout

    def run(self, leaves_loop: tuple[type[BaseException], ...]) -> None:
        """
        Make the calls that are due. What these add waits for the next turn (TMR-004).

        Args:
            leaves_loop: exceptions that come out of here; others are logged, and the next call is made (TMR-005).
        """
        soon = self._soon
        if self._heap:
            # Before the others, and kept with them when one call leaves the loop.
            soon.extendleft((timer.run, ()) for timer in reversed(self._due()))
        for _ in range(len(soon)):
            if not soon:
                # One of them has turned the loop itself, which made the rest.
                return
            callback, args = soon.popleft()
            _call(leaves_loop, callback, *args)

    def _due(self) -> list[Timer]:
        """Take out the timers whose time has come, to be run unless an earlier one cancels them."""
        heap, now, due = self._heap, monotonic(), []
        again: list[tuple[float, int, Timer]] = []
        while heap and heap[0][0] <= now:
            when, _, timer = heappop(heap)
            if not timer.active:
                self._dead -= 1
                continue
            due.append(timer)
            if timer.interval is None:
                timer._agenda = None
            else:
                missed = (now - when) // timer.interval
                again.append((when + (missed + 1) * timer.interval, next(self._numbers), timer))
        for entry in again:
            heappush(heap, entry)
        return due

    def _cancelled(self) -> None:
        self._dead += 1
        if self._dead > _MANY_CANCELLED and self._dead * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].active]
            heapify(self._heap)
            self._dead = 0


def _call(leaves_loop: tuple[type[BaseException], ...], callback: Callable[..., object], *args: Any) -> None:
    try:
        callback(*args)
    except leaves_loop:
        raise
    except Exception:
        log.exception("a timer or a scheduled call raised")
