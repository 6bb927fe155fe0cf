"""The map of channels, and the driver that keeps a reactor in step with it and hands its events to the channels."""

from __future__ import annotations

import os
from _thread import get_ident
from collections.abc import Callable, Iterable, MutableMapping
from math import inf
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakSet

from ._batch import close_batch, open_batch
from .agenda import Agenda, Timer
from .reactor import Reactor
from .watch import LEAVES_LOOP, Watch, log

if TYPE_CHECKING:
    from typing import Self

AnyMap: TypeAlias = MutableMapping[int, Any]


class Driver:
    """
    Drive the channels of one map by one reactor.

    Args:
        map: the channels by descriptor.
        make_reactor: makes the reactor, at the first turn.
    """

    def __init__(self, map: AnyMap, make_reactor: type[Reactor]) -> None:
        self.map = map
        # A plain dict, or any mapping, has to be compared with the loop before each wait.
        self._is_told = isinstance(map, ChannelMap)
        self.agenda = Agenda()
        self._make_reactor = make_reactor
        self._make_watch: Callable[[int, Any], Watch] = Watch
        self._reactor: Reactor | None = None
        self._watches: dict[int, Watch] = {}
        self._asked: dict[int, Watch] = {}
        # Descriptors that the kernel cannot wait for since they are always ready, as regular files are.
        self._always: dict[int, Watch] = {}
        self._changed: dict[int, None] = {}
        # The thread that runs the loop now.
        self._thread: int | None = None
        _drivers.add(self)

    # --- what channels and maps tell it

    def changed(self, fd: int) -> None:
        """Learn that ``fd``'s channel is new, gone or of another interest; acted on before the next wait."""
        self._changed[fd] = None
        self._nudge()

    def dropped(self, fd: int, channel: Any) -> None:
        """Learn that ``channel`` is about to close ``fd``: it must be forgotten before that."""
        watch = self._watches.get(fd)
        if watch is not None and watch.channel is channel:
            self._forget(watch)

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Call ``callback(*args)`` in the loop's next turn; from any thread, in order (THR-005)."""
        self.agenda.call_soon(callback, *args)
        self._nudge()

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> Timer:
        """Call ``callback(*args)`` after ``delay`` seconds; see ``Agenda.call_later``."""
        timer = self.agenda.call_later(delay, callback, *args)
        self._nudge()
        return timer

    def check_thread(self, channel: Any) -> None:
        """Raise RuntimeError in another thread than the one that runs the loop."""
        if self._thread is not None and self._thread != get_ident():
            raise RuntimeError(f"{channel!r} is used outside the thread of its loop: use call_soon_threadsafe()")

    def call_every(self, interval: float, callback: Callable[..., object], *args: Any) -> Timer:
        """Call ``callback(*args)`` each ``interval`` seconds; see ``Agenda.call_every``."""
        timer = self.agenda.call_every(interval, callback, *args)
        self._nudge()
        return timer

    def _nudge(self) -> None:
        """Make the loop notice, if it would not by itself."""
        reactor = self._reactor
        if reactor is None or not reactor.usable:
            attached = self._make_reactor.attached()
            if attached is None:
                return
            reactor = self._renew(attached)
        if self._thread is not None and self._thread != get_ident():
            reactor.wake()
        else:
            reactor.request_pump()

    def watch_by(self, make_watch: Callable[[int, Any], Watch]) -> None:
        """Watch all channels by another kind of ``Watch``, from the next turn on."""
        self._make_watch = make_watch
        for watch in list(self._watches.values()):
            self._forget(watch)
            self.changed(watch.fd)

    # --- the loop

    @property
    def busy(self) -> bool:
        """Whether there is anything to wait for: a channel, a timer or a call."""
        return bool(self.map or self.agenda)

    @property
    def driving(self) -> bool:
        """Whether this thread is in a turn of this loop."""
        return self._thread == get_ident()

    @property
    def idle(self) -> bool:
        """Whether no thread is in a turn of this loop, and nothing is to be called."""
        return self._thread is None and not self.agenda

    def turn(self, timeout: float | None) -> None:
        """Wait once, at most ``timeout`` seconds (None: without end), and handle one batch of events."""
        if not self.map and not self.agenda:
            return
        reactor = self._reactor_in_use()
        outer, self._thread = self._thread, get_ident()
        batch = open_batch()
        try:
            wait = self._before_wait(inf if timeout is None else timeout)
            reactor.turn(None if wait == inf else wait)
            self._after_wait()
        finally:
            self._thread = outer
            if batch is not None:
                close_batch(batch)

    def run(self, timeout: float | None) -> None:
        """Turn until there is nothing left to wait for."""
        limit = inf if timeout is None else timeout
        while self.busy:
            reactor = self._reactor_in_use()
            outer, self._thread = self._thread, get_ident()
            try:
                if reactor.run(limit):
                    continue
            finally:
                self._thread = outer
            self.turn(timeout)

    def close(self) -> None:
        """Forget all channels and give back the reactor; neither is closed for good."""
        for watch in list(self._watches.values()):
            self._forget(watch)
        self._changed.clear()
        if self._reactor is not None:
            self._reactor.close()
            self._reactor = None

    def _pump(self, timeout: float) -> float | None:
        """Do the work between two waits, for a loop that runs by itself."""
        if self._thread is None:
            self._thread = get_ident()
        batch = open_batch()
        try:
            self._after_wait()
        finally:
            if batch is not None:
                close_batch(batch)
        if not self.busy:
            return None
        # Only what must be asked or compared needs a turn now and then; all else tells of its changes.
        asks = self._asked or not self._is_told
        return self._before_wait(timeout if asks else inf)

    def _before_wait(self, timeout: float) -> float:
        """Bring the reactor up to date; return how long it may wait."""
        if not self._is_told:
            self._reconcile()
        while self._changed:
            changed, self._changed = self._changed, {}
            for fd in changed:
                self._refresh(fd)
        if self._asked:
            for watch in list(self._asked.values()):
                if watch.live:
                    self._update(watch)
        if self._always:
            return 0.0
        return self.agenda.wait(timeout)

    def _after_wait(self) -> None:
        if self._always:
            for watch in list(self._always.values()):
                watch.ready(watch.mask)
        self.agenda.run(LEAVES_LOOP)

    # --- registrations

    def _reconcile(self) -> None:
        """Compare with a map that does not tell of its changes."""
        current = dict(self.map)
        for fd, channel in current.items():
            watch = self._watches.get(fd)
            if watch is None or watch.channel is not channel:
                self._changed[fd] = None
        for fd in self._watches.keys() - current.keys():
            self._changed[fd] = None

    def _refresh(self, fd: int) -> None:
        watch, channel = self._watches.get(fd), self.map.get(fd)
        if watch is not None and watch.channel is not channel:
            self._forget(watch)
            watch = None
        if channel is None:
            return
        if watch is None:
            watch = self._watches[fd] = self._make_watch(fd, channel)
        self._update(watch)

    def _update(self, watch: Watch) -> None:
        """Let the reactor watch what the channel wants."""
        fd, mask = watch.fd, watch.wanted()
        if not watch.live:
            return
        if watch.asked:
            self._asked[fd] = watch
        else:
            self._asked.pop(fd, None)
        if mask == watch.mask:
            return
        watch.mask = mask
        reactor = self._reactor_in_use()
        try:
            if not mask:
                self._always.pop(fd, None)
                reactor.unwatch(fd)
            elif fd not in self._always:
                reactor.watch(fd, mask, watch.ready)
        except PermissionError:
            self._always[fd] = watch
        except (OSError, ValueError):
            # Closed behind our back: only that channel is lost (FDR-003).
            self._forget(watch)
            watch.channel.handle_error()
            if self.map.get(fd) is watch.channel:
                del self.map[fd]

    def _forget(self, watch: Watch) -> None:
        fd = watch.fd
        watch.live = False
        del self._watches[fd]
        self._asked.pop(fd, None)
        if self._always.pop(fd, None) is None and watch.mask and self._reactor is not None and self._reactor.usable:
            self._reactor.unwatch(fd)

    def _reactor_in_use(self) -> Reactor:
        if self._reactor is None or not self._reactor.usable:
            return self._renew(self._make_reactor())
        return self._reactor

    def _renew(self, reactor: Reactor) -> Reactor:
        """Go on with a new reactor: the first one, or one for a loop that was closed or forked."""
        for watch in self._watches.values():
            watch.live = False
        self._watches.clear()
        self._asked.clear()
        self._always.clear()
        self._changed.update(dict.fromkeys(self.map))
        self._reactor = reactor
        reactor.pump = self._pump
        return reactor

    def _after_fork(self) -> None:
        """Leave the parent its epoll: both processes would change the same one."""
        if self._reactor is not None:
            self._reactor.after_fork()
            self._reactor = None
            self._changed.update(dict.fromkeys(self.map))


class ChannelMap(dict[int, Any]):
    """
    A map of channels that tells its loop of each change, so that a turn costs the active channels only.

    A subclass says which loop: ``make_reactor``. A plain dict may be used wherever a map is expected; it is compared
    with the loop on each turn.
    """

    make_reactor: type[Reactor]

    def __init__(self, channels: Iterable[tuple[int, Any]] = ()) -> None:
        super().__init__()
        self.driver = Driver(self, self.make_reactor)
        self.update(dict(channels))

    def close(self) -> None:
        """Close every channel and the loop's own descriptors; the map may be used again. Idempotent."""
        for channel in list(self.values()):
            try:
                channel.close()
            except LEAVES_LOOP:
                raise
            except Exception:
                log.exception("closing %r failed", channel)
        self.clear()
        self.driver.close()

    def __setitem__(self, fd: int, channel: Any) -> None:
        super().__setitem__(fd, channel)
        self.driver.changed(fd)

    def __delitem__(self, fd: int) -> None:
        channel = self[fd]
        super().__delitem__(fd)
        self.driver.dropped(fd, channel)

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc, override]
        self.update(other)
        return self

    def clear(self) -> None:
        """Remove all channels; they stay open."""
        for fd in list(self):
            self.pop(fd, None)

    def pop(self, fd: int, *default: Any) -> Any:
        """Remove a channel and return it."""
        channel = super().pop(fd, *default)
        self.driver.dropped(fd, channel)
        return channel

    def popitem(self) -> tuple[int, Any]:
        """Remove the newest channel and return it with its descriptor."""
        fd, channel = super().popitem()
        self.driver.dropped(fd, channel)
        return fd, channel

    def setdefault(self, fd: int, channel: Any = None) -> Any:
        """Add a channel unless the descriptor has one; return the one it has then."""
        if fd not in self:
            self[fd] = channel
        return self[fd]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Add channels."""
        for fd, channel in dict(*args, **kwargs).items():
            self[fd] = channel


# Drivers of plain dicts, while these are not empty: by identity, with the dict itself so that its id stays its own.
_plain: dict[int, Driver] = {}
# So many at the most, but for those in use: a program may poll a dict that it makes anew each time.
_MOST_PLAIN = 8
_drivers: WeakSet[Driver] = WeakSet()


def driver_of(map: AnyMap, make_reactor: type[Reactor]) -> Driver:
    """Return the driver of ``map``; of a plain mapping, one that lives as long as there is something in it."""
    if isinstance(map, ChannelMap):
        return map.driver
    driver = _plain.get(id(map))
    if driver is None or driver.map is not map:
        if len(_plain) >= _MOST_PLAIN:
            _drop_oldest()
        driver = _plain[id(map)] = Driver(map, make_reactor)
    return driver


def _drop_oldest() -> None:
    """Forget the oldest driver of a plain mapping that is not in use; the mapping gets a new one when it needs one."""
    for key, driver in list(_plain.items()):
        if driver.idle:
            del _plain[key]
            driver.close()
            return


def release(driver: Driver) -> None:
    """Give back what a plain mapping's driver holds, when nothing is left to drive; harmless otherwise."""
    if not driver.busy and _plain.get(id(driver.map)) is driver:
        del _plain[id(driver.map)]
        driver.close()


def known_driver(map: AnyMap) -> Driver | None:
    """Return the driver of ``map`` if it has one already."""
    return map.driver if isinstance(map, ChannelMap) else _plain.get(id(map))


def _after_fork() -> None:
    for driver in list(_drivers):
        driver._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
