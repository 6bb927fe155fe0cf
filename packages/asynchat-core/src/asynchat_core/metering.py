"""Count what channels and loops do, on maps that are observed only: all others pay nothing."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from functools import partial
from time import monotonic, perf_counter
from typing import Any, TypeAlias

from .agenda import Timer
from .bell import Bell
from .binding import shown
from .channels import Driver, known_driver
from .diagnostics import class_name
from .listening import Acceptor, Listener
from .sockets import SocketChannel
from .watch import Watch

Snapshot: TypeAlias = dict[str, Any]

# Seconds after which the slowest callback is forgotten, one or two of them.
_WINDOW = 10.0


class Counts:
    """The bytes of one channel, counted from when it was first seen."""

    __slots__ = ("bytes_in", "bytes_out", "since")

    def __init__(self) -> None:
        self.bytes_in = self.bytes_out = 0
        self.since = monotonic()


class Meter:
    """
    Counters for one map of channels; made by ``observe``.

    Attributes:
        turns: turns of the loop. None on asyncore, like all that follows, since its loop cannot be looked into.
        events: readiness handed to channels.
        busy: seconds spent in callbacks.
    """

    def __init__(self, map: MutableMapping[int, Any]) -> None:
        self._map = map
        self._began = monotonic()
        self.turns: int | None = None
        self.events = 0
        self.busy = 0.0
        # The slowest callback of this window and of the one before.
        self._slowest: list[tuple[float, str]] = [(0.0, ""), (0.0, "")]
        self._window_ends = self._began + _WINDOW
        self._timer: Timer | None = None
        self._driver: Driver | None = None
        driver = known_driver(map)
        if driver is not None:
            self._enter(driver)
        else:
            self.look()

    @property
    def slowest(self) -> tuple[float, str]:
        """The seconds of the slowest callback of the last 10 to 20 seconds, and whose it was."""
        self._turn_window()
        return max(self._slowest)

    def snapshot(self) -> Snapshot:
        """Return all counters, as plain values that JSON can hold."""
        self.look()
        seconds, whose = self.slowest
        loop = None
        if self.turns is not None:
            loop = {
                "turns": self.turns,
                "events": self.events,
                "busy": self.busy,
                "slowest": seconds,
                "slowest_channel": whose,
            }
        listeners = {channel.listener for channel in self._map.values() if isinstance(channel, Acceptor)}
        listeners = {listener for listener in listeners if not listener.hidden}
        return {
            "pid": os.getpid(),
            "uptime": monotonic() - self._began,
            "loop": loop,
            "listeners": [
                {
                    "addresses": [shown(address) for address in listener.addresses],
                    "accepted": listener.accepted,
                    "refused": listener.refused,
                    "connections": len(listener.connections),
                }
                for listener in listeners
            ],
            "channels": [
                describe(channel)
                for channel in list(self._map.values())
                if isinstance(channel, SocketChannel) and not _is_inner(channel)
            ],
        }

    def look(self) -> None:
        """Begin to count for what is new in a map without a driver."""
        if self.turns is None:
            for channel in list(self._map.values()):
                count(channel)
                if isinstance(channel, Acceptor):
                    channel.listener.on_accept = count

    def report(self, timer: Timer) -> None:
        """Take charge of the timer that calls a hook."""
        self._timer = timer

    def close(self) -> None:
        """Stop counting, but for the bytes of channels that are open; harmless when closed."""
        if self._timer is not None:
            self._timer.cancel()
        if self._driver is not None:
            driver, self._driver = self._driver, None
            driver.watch_by(Watch)
            del driver.agenda.run

    # --- within the loop

    def _enter(self, driver: Driver) -> None:
        self.turns = 0
        self._driver = driver
        driver.watch_by(partial(_MeteredWatch, self))
        run = driver.agenda.run

        def metered_run(leaves_loop: tuple[type[BaseException], ...]) -> None:
            assert self.turns is not None
            self.turns += 1
            began = perf_counter()
            try:
                run(leaves_loop)
            finally:
                self.note(perf_counter() - began, "timers and scheduled calls")

        driver.agenda.run = metered_run  # type: ignore[method-assign]

    def note(self, seconds: float, whose: str) -> None:
        """Learn how long a callback took."""
        self.busy += seconds
        if seconds > self._slowest[0][0]:
            self._turn_window()
            self._slowest[0] = max(self._slowest[0], (seconds, whose))

    def _turn_window(self) -> None:
        now = monotonic()
        if now >= self._window_ends:
            recent = now < self._window_ends + _WINDOW
            self._slowest = [(0.0, ""), self._slowest[0] if recent else (0.0, "")]
            self._window_ends = now + _WINDOW


class _MeteredWatch(Watch):
    """A watch that counts and times."""

    __slots__ = ("_meter",)

    def __init__(self, meter: Meter, fd: int, channel: Any) -> None:
        super().__init__(fd, channel)
        self._meter = meter
        count(channel)

    def ready(self, events: int) -> None:
        """Hand readiness to the channel, and learn how long it took."""
        meter, began = self._meter, perf_counter()
        meter.events += 1
        try:
            super().ready(events)
        finally:
            meter.note(perf_counter() - began, class_name(self.channel))


def count(channel: Any) -> None:
    """Count the bytes of a channel from now on; all of them go through its ``recv`` and ``send``."""
    if not isinstance(channel, SocketChannel) or channel._ac_counts is not None:
        return
    counts = channel._ac_counts = Counts()
    recv, send = channel.recv, channel.send

    def counted_recv(buffer_size: int) -> bytes:
        data = recv(buffer_size)
        counts.bytes_in += len(data)
        return data

    def counted_send(data: Any) -> int:
        sent = send(data)
        counts.bytes_out += sent or 0
        return sent

    channel.recv = counted_recv  # type: ignore[method-assign]
    channel.send = counted_send  # type: ignore[method-assign]


def describe(channel: SocketChannel) -> Snapshot:
    """Return the counters of one channel, as plain values."""
    counts = channel._ac_counts
    queue = getattr(channel, "_ac_queue", None)
    return {
        "fd": channel._fileno,
        "class": class_name(channel),
        "peer": shown(channel.addr),
        "state": _state(channel),
        "age": monotonic() - counts.since if counts else None,
        "bytes_in": counts.bytes_in if counts else None,
        "bytes_out": counts.bytes_out if counts else None,
        "frames": channel._ac_frames_ended() if queue is not None else None,
        "queued": queue.size if queue is not None else len(getattr(channel, "out_buffer", b"")),
    }


def _is_inner(channel: SocketChannel) -> bool:
    owner = channel._ac_owner
    return isinstance(channel, Acceptor | Bell) or (isinstance(owner, Listener) and owner.hidden)


def _state(channel: Any) -> str:
    if channel.accepting:
        return "listening"
    if channel.connecting and not channel.connected:
        return "connecting"
    if getattr(channel, "_ac_lingering", False) or getattr(channel, "_ac_closing", False):
        return "closing"
    if getattr(channel, "_ac_output_paused", False) or getattr(channel, "_ac_reading_paused", False):
        return "paused"
    return "connected" if channel.connected else "closed"
