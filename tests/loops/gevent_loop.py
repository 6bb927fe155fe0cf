"""gevent as a reactor: watchers on the hub's loop, so that other greenlets run while the map waits."""

from __future__ import annotations

from typing import Any, ClassVar

from gevent import get_hub
from gevent.event import Event

from asynchat_conformance import ReactorBackend
from asynchat_core.reactor import READ, Reactor, Ready, Waker

# READ and WRITE have the values that gevent's loops use too.


class GeventReactor(Reactor):
    """
    Watch by the hub's loop; wait in the greenlet that calls ``turn``.

    A watcher that fired is stopped until the next turn: the hub runs between turns too, for other greenlets, and
    would call it again and again.
    """

    def __init__(self) -> None:
        self._watched: dict[int, tuple[int, Ready]] = {}
        self._watchers: dict[int, Any] = {}
        # Descriptors whose watcher has to be started by the next turn.
        self._stopped: set[int] = set()
        # What has come, by descriptor, since the last turn's calls.
        self._events: dict[int, int] = {}
        self._happened = Event()
        self._waker = Waker()
        self.watch(self._waker.fileno(), READ, self._waker.drain)

    def watch(self, fd: int, mask: int, ready: Ready) -> None:
        """Start with the next turn: no event is of use before."""
        self.unwatch(fd)
        self._watched[fd] = mask, ready
        self._stopped.add(fd)

    def unwatch(self, fd: int) -> None:
        """Close the watcher."""
        self._watched.pop(fd, None)
        self._stopped.discard(fd)
        self._events.pop(fd, None)
        watcher = self._watchers.pop(fd, None)
        if watcher is not None:
            watcher.close()

    def turn(self, timeout: float | None) -> None:
        """Wait; the other greenlets run meanwhile."""
        loop = get_hub().loop
        for fd in self._stopped:
            if fd not in self._watchers:
                self._watchers[fd] = loop.io(fd, self._watched[fd][0])
            self._watchers[fd].start(self._note, fd, pass_events=True)
        self._stopped.clear()
        # A timer, and not Event.wait(timeout): with 0 that would not look at the descriptors.
        timer = None if timeout is None else loop.timer(timeout)
        if timer is not None:
            timer.start(self._happened.set, update=True)
        try:
            self._happened.wait()
        finally:
            if timer is not None:
                timer.close()
            self._happened.clear()
        batch = [(events, *self._watched[fd]) for fd, events in self._events.items()]
        self._events.clear()
        for events, mask, ready in batch:
            # What is neither is an error: to try tells.
            ready(events & mask or mask)

    def _note(self, events: int, fd: int) -> None:
        self._watchers[fd].stop()
        self._stopped.add(fd)
        self._events[fd] = events
        self._happened.set()

    def wake(self) -> None:
        """End the wait."""
        self._waker.wake()

    def close(self) -> None:
        """Close the watchers and the waker."""
        for fd in list(self._watched):
            self.unwatch(fd)
        self._waker.close()


class Gevent(ReactorBackend):
    """gevent under the suite."""

    name = "gevent"
    distribution = "gevent"
    reactor = GeventReactor
    expected_failures: ClassVar[dict[str, str]] = {
        **ReactorBackend.expected_failures,
        "LEK-001": "a thread that used gevent has to end with get_hub().destroy(), and the suite's do not",
    }
