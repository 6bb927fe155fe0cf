"""Mutants whose loop, map or connections are wrong."""

from __future__ import annotations

import time
from typing import Any

from asynchat_core.channels import ChannelMap
from asynchat_core.reactor import READ, WRITE, Ready

from ._registry import mutant
from ._sound import PollReactor, Sound

_kept: list[Any] = []


def _with_reactor(backend: Sound, reactor: type[PollReactor]) -> None:
    class Map(ChannelMap):
        make_reactor = reactor

    backend.map_type = Map


@mutant
def always_waits(backend: Sound) -> None:
    """poll waits out its time-out, and a little when it is 0."""

    def poll(map: Any, timeout: float) -> None:
        begin = time.monotonic()
        backend.poll_once(0.0, map)
        left = max(timeout, 0.02) - (time.monotonic() - begin)
        if left > 0 and map:
            time.sleep(left)

    backend.poll = poll  # type: ignore[method-assign]


@mutant
def blocks(backend: Sound) -> None:
    """poll waits for an event also when its time-out is 0."""
    backend.poll = lambda map, timeout: backend.poll_once(timeout or 0.3, map)  # type: ignore[method-assign] # noqa: A006


@mutant
def never_waits(backend: Sound) -> None:
    """poll returns at once, whatever its time-out."""
    backend.poll = lambda map, timeout: backend.poll_once(0.0, map)  # type: ignore[method-assign] # noqa: A006


@mutant
def waits_too_long(backend: Sound) -> None:
    """poll waits longer than its time-out."""

    def poll(map: Any, timeout: float) -> None:
        backend.poll_once(timeout + 6.0 if timeout else 0.0, map)

    backend.poll = poll  # type: ignore[method-assign]


@mutant
def waits_without_channels(backend: Sound) -> None:
    """poll of an empty map waits."""

    def poll(map: Any, timeout: float) -> None:
        if not map:
            time.sleep(timeout)
        backend.poll_once(timeout, map)

    backend.poll = poll  # type: ignore[method-assign]


@mutant
def edge_triggered(backend: Sound) -> None:
    """Input that was not read is not reported again."""

    class Edge(PollReactor):
        def __init__(self) -> None:
            super().__init__()
            self.told: dict[int, int] = {}

        def turn(self, timeout: float | None) -> None:
            for fd, flags in self.poller.poll(0):
                watched = self.ready.get(fd)
                count = _unread(fd)
                if watched is None or (fd != self.waker.fileno() and count and self.told.get(fd) == count):
                    continue
                self.told[fd] = count
                self.dispatch(*watched, flags)
                if fd in self.ready:
                    self.told[fd] = _unread(fd)

    _with_reactor(backend, Edge)


def _unread(fd: int) -> int:
    from .._sockets import unread

    class Number:
        def fileno(self) -> int:
            return fd

    return unread(Number())


@mutant
def first_event_only(backend: Sound) -> None:
    """A turn serves one descriptor, always the lowest that is ready."""

    class First(PollReactor):
        def turn(self, timeout: float | None) -> None:
            for fd, flags in sorted(self.poller.poll(None if timeout is None else timeout * 1000))[:1]:
                self.dispatch(*self.ready[fd], flags)

    _with_reactor(backend, First)


@mutant
def stale_events(backend: Sound) -> None:
    """An event goes to whatever channel has the descriptor's number by then."""

    class Stale(PollReactor):
        def turn(self, timeout: float | None) -> None:
            for fd, flags in self.poller.poll(None if timeout is None else timeout * 1000):
                watched = self.ready.get(fd)
                if watched is not None:
                    self.dispatch(*watched, flags)
                elif fd in owners:
                    owners[fd].handle_read_event()

    owners: dict[int, Any] = {}

    def add_channel(self: Any, old: Any, map: Any = None) -> None:
        old(self, map)
        owners[self._fileno] = self

    _with_reactor(backend, Stale)
    backend.dispatcher_with(add_channel=add_channel)


@mutant
def late_unregister(backend: Sound) -> None:
    """A closed descriptor stays registered, and its number is not registered anew."""

    class Late(PollReactor):
        def watch(self, fd: int, mask: int, ready: Ready) -> None:
            if fd not in self.ready:
                super().watch(fd, mask, ready)

        def unwatch(self, fd: int) -> None:
            pass

    _with_reactor(backend, Late)


@mutant
def never_writes(backend: Sound) -> None:
    """Readiness to write is not reported."""

    class Deaf(PollReactor):
        def dispatch(self, mask: int, ready: Ready, flags: int) -> None:
            super().dispatch(mask & ~WRITE, ready, flags)

    _with_reactor(backend, Deaf)


@mutant
def reports_everything(backend: Sound) -> None:
    """Every descriptor is reported as ready in every turn."""

    class Eager(PollReactor):
        def turn(self, timeout: float | None) -> None:
            for mask, ready in list(self.ready.values())[1:]:
                ready(mask | READ)

    _with_reactor(backend, Eager)


@mutant
def loses_calls(backend: Sound) -> None:
    """A call from another thread is lost."""

    def call_soon_threadsafe(callback: Any, *args: Any, map: Any = None) -> None:
        pass

    backend.call_soon_threadsafe = call_soon_threadsafe


@mutant
def stops_at_an_error(backend: Sound) -> None:
    """After a callback that failed the rest of the batch is lost for good."""

    class Stopping(PollReactor):
        def turn(self, timeout: float | None) -> None:
            for fd, flags in self.poller.poll(None if timeout is None else timeout * 1000):
                watched = self.ready.get(fd)
                if watched is not None and not failed:
                    self.dispatch(*watched, flags)

    failed: list[int] = []

    def handle_error(self: Any, old: Any) -> None:
        failed.append(1)
        old(self)

    _with_reactor(backend, Stopping)
    backend.dispatcher_with(handle_error=handle_error)


@mutant
def broken_after_interrupt(backend: Sound) -> None:
    """After KeyboardInterrupt or SystemExit the map can no longer be polled."""
    broken: list[int] = []

    def poll(map: Any, timeout: float) -> None:
        if broken:
            return
        try:
            backend.poll_once(timeout, map)
        except (KeyboardInterrupt, SystemExit):
            broken.append(1)
            raise

    backend.poll = poll  # type: ignore[method-assign]


@mutant
def asks_only_once(backend: Sound) -> None:
    """readable() and writable() are asked when the channel enters the map, and not again."""

    def interest(self: Any, old: Any) -> Any:
        if self.connected or self.accepting:
            known = self.__dict__.get("_known_interest")
            if known is None:
                known = self._known_interest = old(self)[0]
            return known, False
        return old(self)

    backend.dispatcher_with(_ac_interest=interest)


@mutant
def one_map_for_all(backend: Sound) -> None:
    """All maps are one."""
    backend.map_type = lambda: backend.socket_map


@mutant
def default_map_always(backend: Sound) -> None:
    """Channels enter the default map whatever map they are given."""

    def init(self: Any, old: Any, sock: Any = None, map: Any = None) -> None:
        old(self, sock, None)

    backend.chat_with(__init__=init)


@mutant
def no_default_map(backend: Sound) -> None:
    """Without a map a channel is in none."""

    def init(self: Any, old: Any, sock: Any = None, map: Any = None) -> None:
        old(self, sock, {} if map is None else map)

    backend.dispatcher_with(__init__=init)
    backend.chat_with(__init__=init)


@mutant
def frozen_map(backend: Sound) -> None:
    """The map must not change during a poll."""

    def poll(map: Any, timeout: float) -> None:
        before = dict(map)
        backend.poll_once(timeout, map)
        if set(before) - set(map):
            raise RuntimeError("dictionary changed size during iteration")

    backend.poll = poll  # type: ignore[method-assign]
