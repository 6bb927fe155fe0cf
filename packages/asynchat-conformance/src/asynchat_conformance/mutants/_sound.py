"""A sound implementation on select.poll, for mutants to spoil: asynchat_core with the smallest reactor."""

from __future__ import annotations

import select
from typing import Any

from asynchat_core.reactor import READ, WRITE, Reactor, Ready, Waker

from .._from_reactor import ReactorBackend

_IN = select.POLLIN | select.POLLHUP | select.POLLERR | select.POLLNVAL
_OUT = select.POLLOUT | select.POLLHUP | select.POLLERR | select.POLLNVAL


class PollReactor(Reactor):
    """The contract on select.poll."""

    def __init__(self) -> None:
        self.poller = select.poll()
        self.ready: dict[int, tuple[int, Ready]] = {}
        self.waker = Waker()
        self.watch(self.waker.fileno(), READ, self.waker.drain)

    def watch(self, fd: int, mask: int, ready: Ready) -> None:
        """Register."""
        self.ready[fd] = mask, ready
        self.poller.register(fd, (select.POLLIN if mask & READ else 0) | (select.POLLOUT if mask & WRITE else 0))

    def unwatch(self, fd: int) -> None:
        """Unregister."""
        if self.ready.pop(fd, None) is not None:
            self.poller.unregister(fd)

    def turn(self, timeout: float | None) -> None:
        """Poll once."""
        for fd, flags in self.poller.poll(None if timeout is None else timeout * 1000):
            watched = self.ready.get(fd)
            if watched is not None:
                self.dispatch(*watched, flags)

    def dispatch(self, mask: int, ready: Ready, flags: int) -> None:
        """Hand out one descriptor's readiness."""
        ready(mask & ((READ if flags & _IN else 0) | (WRITE if flags & _OUT else 0)))

    def wake(self) -> None:
        """Wake."""
        self.waker.wake()

    def close(self) -> None:
        """Close."""
        self.waker.close()


class Sound(ReactorBackend):
    """What a mutant is made of: the classes and functions of a backend, each of which it may replace."""

    name = "sound"
    reactor = PollReactor

    def __init__(self) -> None:
        super().__init__()
        self.spoil()

    def spoil(self) -> None:
        """Make it wrong; a mutant overrides this."""

    def chat_with(self, **methods: Any) -> None:
        """Replace methods of async_chat; each is given the one it replaces after self."""
        self.async_chat = _derived(self.async_chat, methods)

    def dispatcher_with(self, **methods: Any) -> None:
        """Replace methods of all dispatchers likewise."""
        self.use_dispatcher(_derived(self.dispatcher, methods))


def _derived(base: Any, methods: dict[str, Any]) -> Any:
    """Return a subclass of ``base`` with methods that are given the base's as ``old``."""

    def bind(name: str, method: Any) -> Any:
        if not callable(method):
            return method
        old = getattr(base, name, None)

        def bound(self: Any, *args: Any, **kwargs: Any) -> Any:
            return method(self, old, *args, **kwargs)

        return bound

    return type(base.__name__, (base,), {name: bind(name, method) for name, method in methods.items()})
