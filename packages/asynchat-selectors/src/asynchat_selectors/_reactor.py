"""The standard library's selectors as a reactor: epoll on Linux, kqueue on BSD and macOS."""

from __future__ import annotations

from selectors import EVENT_READ, DefaultSelector

from asynchat_core.channels import ChannelMap as _ChannelMap
from asynchat_core.reactor import Reactor, Ready, Waker


class SelectorReactor(Reactor):
    """Wait by a selector; its event bits are those of ``asynchat_core.reactor``."""

    def __init__(self) -> None:
        self._selector = DefaultSelector()
        self._waker = Waker()
        self._selector.register(self._waker.fileno(), EVENT_READ, self._waker.drain)

    def watch(self, fd: int, mask: int, ready: Ready) -> None:
        """Register ``fd``, or change what is watched of it."""
        if fd in self._selector.get_map():
            self._selector.modify(fd, mask, ready)
        else:
            self._selector.register(fd, mask, ready)

    def unwatch(self, fd: int) -> None:
        """Forget ``fd``."""
        try:
            self._selector.unregister(fd)
        except (KeyError, ValueError):
            # Never registered, or a selector that is closed.
            pass

    def turn(self, timeout: float | None) -> None:
        """Wait once and hand out what is ready."""
        for key, events in self._selector.select(timeout):
            key.data(events)

    def wake(self) -> None:
        """End the wait; from any thread."""
        self._waker.wake()

    def close(self) -> None:
        """Close the selector and the waker."""
        self._selector.close()
        self._waker.close()


class ChannelMap(_ChannelMap):
    """A map of channels on an epoll or kqueue of its own."""

    make_reactor = SelectorReactor
