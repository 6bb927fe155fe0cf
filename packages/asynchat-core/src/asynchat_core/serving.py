"""Serve until told to stop, then stop without losing anything."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, MutableMapping
from contextlib import ExitStack, suppress
from functools import partial
from types import FrameType, ModuleType
from typing import Any

from .bell import Bell, hang_bell
from .binding import shown
from .listening import Listener
from .notify import notify, watchdog_interval
from .stopping import Shutdown
from .watch import log

#: What tells a server to stop.
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Server:
    """
    One ``serve``: a loop that runs until a signal has stopped it.

    Args:
        backend: the backend's module.
        bell_type: makes the bell that signals ring.
        map: the map of channels.
        timeout: seconds for the stop.
    """

    def __init__(
        self,
        backend: ModuleType,
        bell_type: Callable[..., Bell],
        map: MutableMapping[int, Any],
        timeout: float,
    ) -> None:
        self._backend = backend
        self.map = map
        self._listener: Listener | None = None
        self._endings = ExitStack()
        self._timeout = timeout
        self._shutdown: Shutdown | None = None
        self._signals = self._heard = 0
        self._bell = hang_bell(bell_type, map, self._rung)

    def run(self, listen: Callable[[], Listener], ready: Callable[[Listener], object] | None) -> bool:
        """Listen and run the loop; return whether no connection was cut off."""
        # Before anybody can connect: a signal that comes then must not end the process any more.
        self.at_end(self._bell.close)
        self._take_signals()
        self._keep_alive()
        try:
            self._listener = listen()
            if ready is not None:
                ready(self._listener)
            where = ", ".join(map(shown, self._listener.addresses))
            notify("READY=1", f"STATUS=Serving on {where}")
            log.info("serving on %s", where)
            self._backend.loop(timeout=None, map=self.map)
        except self._backend.ExitNow:
            pass
        finally:
            cut_off = self._close_rest()
            self._endings.close()
        return not cut_off and (self._shutdown is None or not self._shutdown.aborted)

    def at_end(self, ending: Callable[[], object]) -> None:
        """Call ``ending`` when all is over."""
        self._endings.callback(ending)

    def stop(self) -> None:
        """Stop gracefully; told again, at once."""
        if self._shutdown is not None:
            self._shutdown.abort()
            return
        open_now = len(self._listener.connections) if self._listener is not None else 0
        log.info("stopping: %s connections have %s s to finish", open_now, self._timeout)
        notify("STOPPING=1", f"STATUS=Finishing {open_now} connections")
        self._shutdown = Shutdown(self.map, self._timeout, self._backend.call_later)
        self._shutdown.when_finished(self._leave)

    def _leave(self) -> None:
        if self._shutdown is not None and self._shutdown.aborted:
            log.warning("stopped: %s connections were cut off", self._shutdown.aborted)
        # From the loop, wherever the stop has ended.
        self._backend.call_soon_threadsafe(self._exit, map=self.map)

    def _exit(self) -> None:
        raise self._backend.ExitNow("stopped")

    def _close_rest(self) -> int:
        """Close what a program that has left the loop by itself leaves open; return how many that was."""
        if self._listener is None:
            return 0
        self._listener.close()
        rest = self._listener.connections
        for channel in rest:
            with suppress(Exception):
                channel.close()
        return len(rest)

    # --- signals

    def _take_signals(self) -> None:
        """Let the signals ring the bell, until the end. Only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            self.at_end(partial(signal.signal, number, signal.signal(number, self._signal)))
        # What comes just before the wait would not end it: the number itself, written where the loop waits, does.
        self.at_end(partial(signal.set_wakeup_fd, signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)))

    def _signal(self, number: int, frame: FrameType | None) -> None:
        # Between any two steps of the program: count it, and let the loop do the rest.
        self._signals += 1
        self._bell.ring_from_signal()

    def _rung(self, data: bytes) -> None:
        while self._heard < self._signals:
            self._heard += 1
            self.stop()

    def _keep_alive(self) -> None:
        interval = watchdog_interval()
        if interval is not None:
            self.at_end(self._backend.call_every(interval, notify, "WATCHDOG=1", map=self.map).cancel)
