"""The module-level functions of asyncore, for one backend."""

from __future__ import annotations

import select
from collections.abc import Callable
from errno import EBADF
from types import ModuleType
from typing import Any

from .agenda import Timer
from .channels import AnyMap, Driver, driver_of, release
from .reactor import Reactor
from .sockets import DISCONNECTED
from .watch import LEAVES_LOOP

_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL if hasattr(select, "poll") else 0


class LoopFunctions:
    """
    ``loop``, ``poll`` and their kin as a backend's module offers them.

    Args:
        home: the module whose global ``socket_map`` is the default map; looked up at each call, so that a program may
            replace it.
        reactor_type: the loop for maps that bring none, as a plain dict.
    """

    def __init__(self, home: ModuleType, reactor_type: type[Reactor]) -> None:
        self._home = home
        self._reactor_type = reactor_type

    def _driver(self, map: AnyMap | None) -> Driver:
        return driver_of(self._home.socket_map if map is None else map, self._reactor_type)

    def loop(
        self, timeout: float | None = 30.0, use_poll: bool = False, map: AnyMap | None = None, count: int | None = None
    ) -> None:
        """
        Run until the map is empty and no timer is left, or for ``count`` turns.

        Args:
            timeout: the longest wait of one turn, in seconds; None waits without end.
            use_poll: taken for old programs' sake: this loop has no other mode.
            map: the channels; None for ``socket_map``.
            count: turns at the most.
        """
        driver = self._driver(map)
        try:
            if count is None:
                driver.run(timeout)
            else:
                while driver.busy and count > 0:
                    driver.turn(timeout)
                    count -= 1
        finally:
            release(driver)

    def poll(self, timeout: float | None = 0.0, map: AnyMap | None = None) -> None:
        """Wait once, at most ``timeout`` seconds (None: without end), and handle one batch of events."""
        driver = self._driver(map)
        try:
            driver.turn(timeout)
        finally:
            release(driver)

    def close_all(self, map: AnyMap | None = None, ignore_all: bool = False) -> None:
        """
        Close every channel of the map and empty it.

        Args:
            map: the channels; None for ``socket_map``.
            ignore_all: pass over what a ``close()`` raises. Otherwise the first such exception, but for one about a
                descriptor closed already, is raised when all the others are closed (MIX-010).
        """
        channels: AnyMap = self._home.socket_map if map is None else map
        first = close_channels(channels, LEAVES_LOOP)
        release(self._driver(map))
        if first is not None and not ignore_all:
            raise first

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, map: AnyMap | None = None) -> Timer:
        """
        Call ``callback(*args)`` from the loop after ``delay`` seconds, 0 for its next turn.

        A timer that is to come keeps ``loop()`` running (TMR-010). What the callback raises is logged.

        Returns:
            The timer; its ``cancel()`` takes it back.

        Raises:
            TypeError: ``callback`` cannot be called.
            ValueError: a negative delay.
        """
        return self._driver(map).call_later(delay, callback, *args)

    def call_every(
        self, interval: float, callback: Callable[..., object], *args: Any, map: AnyMap | None = None
    ) -> Timer:
        """
        Call ``callback(*args)`` from the loop each ``interval`` seconds, until the timer's ``cancel()``.

        Raises:
            TypeError: ``callback`` cannot be called.
            ValueError: an interval that is not positive.
        """
        return self._driver(map).call_every(interval, callback, *args)

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any, map: AnyMap | None = None) -> None:
        """Call ``callback(*args)`` in the loop's next turn, and end its wait; from any thread (THR-004, THR-005)."""
        self._driver(map).call_soon(callback, *args)


def close_channels(channels: AnyMap, leaves_loop: tuple[type[BaseException], ...]) -> Exception | None:
    """Close every channel of a map and empty it; return what the first failing ``close()`` raised, if any did."""
    first: Exception | None = None
    for channel in list(channels.values()):
        try:
            channel.close()
        except leaves_loop:
            raise
        except Exception as error:
            if not (isinstance(error, OSError) and error.errno == EBADF):
                first = first or error
    channels.clear()
    return first


def read(channel: Any) -> None:
    """Hand a channel readiness to read, as a loop of the program's own does."""
    _guarded(channel, channel.handle_read_event)


def write(channel: Any) -> None:
    """Hand a channel readiness to write."""
    _guarded(channel, channel.handle_write_event)


def _exception(channel: Any) -> None:
    _guarded(channel, channel.handle_expt_event)


def _guarded(channel: Any, event: Callable[[], object]) -> None:
    try:
        event()
    except LEAVES_LOOP:
        raise
    except Exception:
        channel.handle_error()


def readwrite(channel: Any, flags: int) -> None:
    """Hand a channel what ``select.poll`` returned for it. Hang-up with input only means: read (EOF-005)."""
    try:
        if flags & select.POLLIN:
            channel.handle_read_event()
        if flags & select.POLLOUT:
            channel.handle_write_event()
        if flags & select.POLLPRI:
            channel.handle_expt_event()
        if flags & _GONE and not flags & select.POLLIN:
            channel.handle_close()
    except LEAVES_LOOP:
        raise
    except OSError as error:
        if error.errno in DISCONNECTED:
            channel.handle_close()
        else:
            channel.handle_error()
    except Exception:
        channel.handle_error()
