"""trio as a reactor: one task for each descriptor and direction, one run of trio for each turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio

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
        for fd, events in trio.run(self._wait, timeout).items():
            mask, ready = self._watched.get(fd, (0, None))
            if ready is not None and mask & events:
                ready(mask & events)

    async def _wait(self, timeout: float | None) -> dict[int, int]:
        found: dict[int, int] = {}
        with trio.move_on_after(float("inf") if timeout is None else timeout) as scope:
            async with trio.open_nursery() as nursery:

                async def one(wait: Callable[[int], Awaitable[Any]], fd: int, event: int) -> None:
                    try:
                        await wait(fd)
                    except OSError:
                        # Closed behind our back: to read it tells.
                        pass
                    found[fd] = found.get(fd, 0) | event
                    await trio.lowlevel.checkpoint()
                    scope.cancel()

                for fd, (mask, _) in list(self._watched.items()):
                    if mask & READ:
                        nursery.start_soon(one, trio.lowlevel.wait_readable, fd, READ)
                    if mask & WRITE:
                        nursery.start_soon(one, trio.lowlevel.wait_writable, fd, WRITE)
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
