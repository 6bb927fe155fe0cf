"""gevent as a reactor: its cooperative poll, so that other greenlets run while the map waits."""

from __future__ import annotations

import gevent.select

from asynchat_conformance import ReactorBackend
from asynchat_core.reactor import READ, WRITE, Reactor, Ready, Waker


class GeventReactor(Reactor):
    """Wait by gevent's poll object."""

    def __init__(self) -> None:
        self._poll = gevent.select.poll()
        self._watched: dict[int, tuple[int, Ready]] = {}
        self._waker = Waker()
        self.watch(self._waker.fileno(), READ, self._waker.drain)

    def watch(self, fd: int, mask: int, ready: Ready) -> None:
        """Register; a second time replaces the first."""
        self.unwatch(fd)
        self._watched[fd] = mask, ready
        events = (gevent.select.POLLIN if mask & READ else 0) | (gevent.select.POLLOUT if mask & WRITE else 0)
        self._poll.register(fd, events)

    def unwatch(self, fd: int) -> None:
        """Forget."""
        if self._watched.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def turn(self, timeout: float | None) -> None:
        """Wait once; the other greenlets run meanwhile."""
        for fd, events in self._poll.poll(None if timeout is None else timeout * 1000):
            mask, ready = self._watched.get(fd, (0, None))
            if ready is not None:
                gone = events & ~(gevent.select.POLLIN | gevent.select.POLLOUT)
                reading = READ if gone or events & gevent.select.POLLIN else 0
                writing = WRITE if gone or events & gevent.select.POLLOUT else 0
                ready(mask & (reading | writing))

    def wake(self) -> None:
        """End the wait."""
        self._waker.wake()

    def close(self) -> None:
        """Close the waker."""
        self._poll = gevent.select.poll()
        self._watched.clear()
        self._waker.close()


class Gevent(ReactorBackend):
    """gevent under the suite."""

    name = "gevent"
    distribution = "gevent"
    reactor = GeventReactor
