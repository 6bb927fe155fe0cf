"""asyncore's loop, with timers and with calls from other threads."""

from __future__ import annotations

import asyncore
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from asynchat_core.agenda import Agenda, Timer
from asynchat_core.loops import close_channels

# asyncore takes any mapping; its types say dict.
AnyMap: TypeAlias = dict[int, Any]

LEAVES_LOOP = (asyncore.ExitNow, KeyboardInterrupt, SystemExit)

# By the identity of the map, which is held so that its id stays its own; only while there is something to call.
_agendas: dict[int, tuple[AnyMap, Agenda]] = {}


class ChannelMap(dict[int, Any]):
    """A map of channels: for asyncore, any dict."""

    def close(self) -> None:
        """Close every channel; the map may be used again. Idempotent."""
        close_all(self, ignore_all=True)
        _agendas.pop(id(self), None)


def loop(
    timeout: float | None = 30.0, use_poll: bool = False, map: AnyMap | None = None, count: int | None = None
) -> None:
    """
    Run until the map is empty and no timer is left, or for ``count`` turns.

    Args:
        timeout: the longest wait of one turn, in seconds; None waits without end.
        use_poll: taken for old programs' sake; asyncore's poll mode loses bytes at a hang-up (EOF-005), so that this
            loop always selects.
        map: the channels; None for ``socket_map``.
        count: turns at the most.
    """
    channels = asyncore.socket_map if map is None else map
    while (channels or _agenda(channels)) and (count is None or count > 0):
        poll_once(timeout, channels)
        if count is not None:
            count -= 1


def poll_once(timeout: float | None = 0.0, map: AnyMap | None = None) -> None:
    """Wait once, at most ``timeout`` seconds (None: without end), and handle one batch of events."""
    channels = asyncore.socket_map if map is None else map
    agenda = _agenda(channels)
    if agenda is None:
        _poll(timeout, channels)
        return
    wait = agenda.wait(float("inf") if timeout is None else timeout)
    if channels:
        _poll(None if wait == float("inf") else wait, channels)
    else:
        time.sleep(wait)
    agenda.run(LEAVES_LOOP)
    if not agenda:
        _agendas.pop(id(channels), None)


def close_all(map: AnyMap | None = None, ignore_all: bool = False) -> None:
    """
    Close every channel of the map and empty it.

    Args:
        map: the channels; None for ``socket_map``.
        ignore_all: pass over what a ``close()`` raises. Otherwise the first such exception, but for one about a
            descriptor closed already, is raised when all the others are closed (MIX-010).
    """
    first = close_channels(asyncore.socket_map if map is None else map, LEAVES_LOOP)
    if first is not None and not ignore_all:
        raise first


def call_later(delay: float, callback: Callable[..., object], *args: Any, map: AnyMap | None = None) -> Timer:
    """
    Call ``callback(*args)`` from ``loop`` or ``poll_once`` of this module after ``delay`` seconds, 0 for the next turn.

    Raises:
        TypeError: ``callback`` cannot be called.
        ValueError: a negative delay.
    """
    return _agenda_for(map).call_later(delay, callback, *args)


def call_every(interval: float, callback: Callable[..., object], *args: Any, map: AnyMap | None = None) -> Timer:
    """
    Call ``callback(*args)`` from this module's loop each ``interval`` seconds, until the timer's ``cancel()``.

    Raises:
        TypeError: ``callback`` cannot be called.
        ValueError: an interval that is not positive.
    """
    return _agenda_for(map).call_every(interval, callback, *args)


def call_soon_threadsafe(callback: Callable[..., object], *args: Any, map: AnyMap | None = None) -> None:
    """Call ``callback(*args)`` in the next turn; from any thread. asyncore's wait cannot be ended from outside."""
    _agenda_for(map).call_soon(callback, *args)


def _poll(timeout: float | None, channels: AnyMap) -> None:
    # select takes None for no limit, which the types of asyncore do not say.
    asyncore.poll(timeout, channels)  # type: ignore[arg-type]


def _agenda(channels: AnyMap) -> Agenda | None:
    entry = _agendas.get(id(channels))
    return entry[1] if entry else None


def _agenda_for(map: AnyMap | None) -> Agenda:
    channels = asyncore.socket_map if map is None else map
    return _agendas.setdefault(id(channels), (channels, Agenda()))[1]
