"""Twisted's reactor: our channels live beside its protocols, in its loop."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.internet.epollreactor import EPollReactor

from asynchat_conformance import ReactorBackend
from asynchat_core.reactor import READ, WRITE, Reactor, Ready, Waker


class _Descriptor:
    """What Twisted watches."""

    def __init__(self, fd: int, mask: int, ready: Ready) -> None:
        self.fd, self.mask, self.ready = fd, mask, ready

    def fileno(self) -> int:
        return self.fd

    def logPrefix(self) -> str:  # noqa: N802 - Twisted's name
        return "asynchat"

    def doRead(self) -> None:  # noqa: N802
        self.ready(READ)

    def doWrite(self) -> None:  # noqa: N802
        self.ready(WRITE)

    def connectionLost(self, reason: object) -> None:  # noqa: N802
        # A hang-up: Twisted has removed the descriptor. What there is to read tells more.
        self.ready(self.mask)


class TwistedReactor(Reactor):
    """
    Add readers and writers; one turn is one iteration.

    Args:
        loop: Twisted's reactor; a program gives ``twisted.internet.reactor``. None makes one for this map alone, since
            a reactor serves one thread and the suite uses several.
    """

    def __init__(self, loop: Any = None) -> None:
        self._own = loop is None
        self._loop: Any = EPollReactor() if loop is None else loop
        self._watched: dict[int, _Descriptor] = {}
        self._failure: BaseException | None = None
        self._waker = Waker()
        self.watch(self._waker.fileno(), READ, self._waker.drain)

    def watch(self, fd: int, mask: int, ready: Ready) -> None:
        """Add what is in the mask, remove what is not."""
        self.unwatch(fd)
        descriptor = self._watched[fd] = _Descriptor(fd, mask, self._guarded(ready))
        if mask & READ:
            self._loop.addReader(descriptor)
        if mask & WRITE:
            self._loop.addWriter(descriptor)

    def unwatch(self, fd: int) -> None:
        """Remove."""
        descriptor = self._watched.pop(fd, None)
        if descriptor is not None:
            for remove in (self._loop.removeReader, self._loop.removeWriter):
                try:
                    remove(descriptor)
                except (OSError, KeyError):
                    # Closed already: Twisted takes offence, and the second time has lost it.
                    pass

    def _guarded(self, ready: Ready) -> Ready:
        """Keep what is to leave the loop from Twisted, which would log it."""

        def call(events: int) -> None:
            if self._failure is None:
                try:
                    ready(events)
                except BaseException as error:
                    self._failure = error

        return call

    def turn(self, timeout: float | None) -> None:
        """Let Twisted take one turn, which ends in time for its own timers."""
        limits = [limit for limit in (timeout, self._loop.timeout()) if limit is not None]
        self._loop.iterate(min(limits, default=None))
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def wake(self) -> None:
        """End the wait."""
        self._waker.wake()

    def close(self) -> None:
        """Remove everything."""
        for fd in list(self._watched):
            self.unwatch(fd)
        self._waker.close()
        if self._own:
            # Twisted itself never gives a reactor back: it has one for each process.
            self._loop.waker.connectionLost(None)


class Twisted(ReactorBackend):
    """Twisted under the suite."""

    name = "twisted"
    distribution = "twisted"
    reactor = TwistedReactor
    expected_failures: ClassVar[dict[str, str]] = {
        **ReactorBackend.expected_failures,
        "FDR-009": "a number that was closed unasked stays in Twisted's tables, and is not watched when it comes again",
    }
