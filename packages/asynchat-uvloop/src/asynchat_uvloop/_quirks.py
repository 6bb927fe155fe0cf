"""What uvloop 0.23 needs to be used as a reactor: errors that it does not see, descriptors that it must have."""

from __future__ import annotations

import os
import select
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable

# Seconds to wait before a process without a free descriptor tries again.
_REST = 0.02


class ErrorWatch:
    """
    See errors on descriptors that uvloop watches.

    On POLLERR libuv stops watching and calls back once; uvloop does not notice, and what the socket still holds, the
    error above all, is never reported (uvloop 0.23). An epoll of ours, edge-triggered and for errors only, costs
    nothing until one comes, and is itself watched by the loop. Where there is no epoll, libuv has no such habit.
    """

    def __init__(self, loop: AbstractEventLoop, report: Callable[[int], object]) -> None:
        self._loop = loop
        self._report = report
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        if self._epoll is not None:
            loop.add_reader(self._epoll.fileno(), self._look)

    def add(self, fd: int) -> None:
        """Watch ``fd`` for errors."""
        if self._epoll is not None:
            self._epoll.register(fd, select.EPOLLET)

    def remove(self, fd: int) -> None:
        """Forget ``fd``, closed or not."""
        if self._epoll is not None:
            try:
                self._epoll.unregister(fd)
            except OSError:
                # Closed already, which removes it.
                pass

    def close(self) -> None:
        """Give back the descriptor."""
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _look(self) -> None:
        assert self._epoll is not None
        for fd, events in self._epoll.poll(0):
            if events & select.EPOLLERR:
                self._report(fd)


class DescriptorReserve:
    """
    Keep two descriptors for the loop's next run.

    Each ``run_forever`` in the main thread makes a pair of sockets for signals; without descriptors for them it raises,
    and uvloop then believes for ever that it is running. So the pair is kept while the loop does not run, and those who
    accept connections run out of descriptors before the loop does.
    """

    def __init__(self) -> None:
        self._pair: tuple[int, ...] = ()
        self.refill()

    def spend(self) -> bool:
        """Free the two for the loop; rest a moment and return False when there are none."""
        if not self._pair:
            self.refill()
        if not self._pair:
            time.sleep(_REST)
            return False
        self.close()
        return True

    def refill(self) -> None:
        """Take two again, if the process has any."""
        try:
            self._pair = os.pipe()
        except OSError:
            self._pair = ()

    def close(self) -> None:
        """Give the two back; idempotent."""
        pair, self._pair = self._pair, ()
        for fd in pair:
            os.close(fd)
