"""trio as a reactor: one task for each descriptor and direction, one run of trio for each turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, ClassVar

import trio
from trio.testing import wait_all_tasks_blocked

from asynchat_conformance import ReactorBackend
from asynchat_core.reactor import READ, WRITE, Reactor, Ready, Waker


class TrioReactor(Reactor):
    """
    Wait by trio.lowlevel.wait_readable and wait_writable.

    It shows that the contract fits a loop of tasks, not how to be fast: each turn starts trio anew. A program that
    lives in trio would run one such nursery for good and call ``pump`` after each batch, as the contract provides.
    """

    def __init__(self) -> None:
        self._watched: dict[int, tuple[int, Ready]] = {}
        self._waker = Waker()
        self.watch(self._waker.fileno(), READ, self._waker.drain)

    def watch(self, fd: int, mask: int, ready: Ready) -> None:
        """Remember."""
        self._watched[fd] = mask, ready

    def unwatch(self, fd: int) -> None:
        """Forget."""
        self._watched.pop(fd, None)

    def turn(self, timeout: float | None) -> None:
        """Wait in trio, then call: nothing of ours runs inside it."""
        try:
            found = trio.run(self._wait, inf if timeout is None else timeout)
        except BaseExceptionGroup as group:
            # The tasks let nothing through but SIGINT, which trio wraps.
            raise KeyboardInterrupt from group
        for ready, events in [(self._watched[fd][1], events) for fd, events in found.items()]:
            ready(events)

    async def _wait(self, timeout: float) -> dict[int, int]:
        found: dict[int, int] = {}
        async with trio.open_nursery() as nursery:

            async def one(wait: Callable[[int], Awaitable[Any]], fd: int, event: int) -> None:
                try:
                    await wait(fd)
                except OSError:
                    # Closed behind our back: to read it tells.
                    pass
                found[fd] = found.get(fd, 0) | event
                nursery.cancel_scope.cancel()

            for fd, (mask, _) in self._watched.items():
                if mask & READ:
                    nursery.start_soon(one, trio.lowlevel.wait_readable, fd, READ)
                if mask & WRITE:
                    nursery.start_soon(one, trio.lowlevel.wait_writable, fd, WRITE)
            # They have asked the system once before the time begins: a time-out of 0 does look.
            await wait_all_tasks_blocked()
            nursery.cancel_scope.relative_deadline = timeout
        return found

    def wake(self) -> None:
        """End the wait."""
        self._waker.wake()

    def close(self) -> None:
        """Close the waker."""
        self._watched.clear()
        self._waker.close()


class Trio(ReactorBackend):
    """trio under the suite."""

    name = "trio"
    distribution = "trio"
    reactor = TrioReactor
    expected_failures: ClassVar[dict[str, str]] = {
        **ReactorBackend.expected_failures,
        "ACC-007": "each trio.run opens descriptors of its own, and there are none",
        "NET-017": "see ACC-007",
        "FAN-009": "each turn starts a task for each channel",
    }
