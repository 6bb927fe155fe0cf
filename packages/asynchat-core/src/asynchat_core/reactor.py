"""
The contract that a readiness loop implements; everything else is built on it once, for all of them.

A reactor watches descriptors and says when they are ready. It knows nothing of channels, maps or timers.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

#: Ready to read; hang-up and error count as this for a descriptor watched for it, since a read tells them apart.
READ = 1
#: Ready to write; hang-up and error count as this where only writing is watched.
WRITE = 2

Ready: TypeAlias = Callable[[int], object]


class Reactor(ABC):
    """
    One event loop's readiness, for one map of channels.

    All methods but ``wake`` are called in the thread that drives the loop. A loop that runs by itself calls ``pump``
    after each batch of events and after ``request_pump``; one that is driven by ``turn`` needs neither.
    """

    #: Set by the map: the work between two waits. Takes the seconds that the loop would wait at the most, and returns
    #: how many it may, ``inf`` for no limit, or None when there is nothing left to wait for.
    pump: Callable[[float], float | None]

    @classmethod
    def attached(cls) -> Reactor | None:
        """Return a reactor on the loop that is already running in this thread; None when there is none."""
        return None

    @abstractmethod
    def watch(self, fd: int, mask: int, ready: Ready) -> None:
        """
        Call ``ready(events)`` whenever the descriptor is ready, level-triggered, until ``unwatch``.

        Args:
            fd: the descriptor, as an int.
            mask: READ, WRITE or both, never 0. It replaces what was watched of ``fd`` before.
            ready: takes the part of ``mask`` that is ready. Only what is to leave the loop comes out of it.
        """

    @abstractmethod
    def unwatch(self, fd: int) -> None:
        """Forget ``fd``, at once: it may be closed or reused next. A descriptor that is closed already is no error."""

    @abstractmethod
    def turn(self, timeout: float | None) -> None:
        """
        Wait until something is ready or ``wake`` was called, at most ``timeout`` seconds, and make one batch of calls.

        Args:
            timeout: seconds; 0 does not wait, None waits without end.
        """

    @abstractmethod
    def wake(self) -> None:
        """End the wait of ``turn``, or the next one; may be called from any thread and any signal handler."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the reactor holds; idempotent."""

    def after_fork(self) -> None:
        """Give back, in a child process, what it shares with its parent, and leave the parent's registrations alone."""
        self.close()

    def request_pump(self) -> None:  # noqa: B027 - a loop driven by turn() has nothing to do here
        """See to it that ``pump`` is called soon, from the loop."""

    def run(self, timeout: float) -> bool:
        """
        Drive the loop until ``pump`` returns None, by some faster way than turn after turn.

        Args:
            timeout: what ``pump`` is to be called with.

        Returns:
            False, at once, when there is no such way.
        """
        return False

    @property
    def usable(self) -> bool:
        """Whether the reactor can still be used; False makes the map take a new one."""
        return True


class Waker:
    """A descriptor that becomes readable when ``wake`` is called from whatever thread: the self-pipe trick."""

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)

    def fileno(self) -> int:
        """Return the descriptor to watch for reading."""
        return self._read_end

    def wake(self) -> None:
        """Make it readable."""
        try:
            os.write(self._write_end, b"!")
        except BlockingIOError:
            # Full of earlier wake-ups: it is readable.
            pass

    def drain(self, events: int = READ) -> None:
        """Make it unreadable until the next ``wake``."""
        try:
            while len(os.read(self._read_end, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Close both ends; idempotent."""
        for end in {self._read_end, self._write_end} - {-1}:
            os.close(end)
        self._read_end = self._write_end = -1

    def __del__(self) -> None:
        self.close()
