"""An asyncio loop, uvloop's by default, as a reactor: driven by us, or running already in somebody else's program."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable
from math import inf
from selectors import PollSelector
from typing import Any

import uvloop

from asynchat_core.channels import ChannelMap as _ChannelMap
from asynchat_core.reactor import READ, WRITE, Reactor, Ready, Waker

from ._quirks import DescriptorReserve, ErrorWatch


class AsyncioReactor(Reactor):
    """
    Watch descriptors by ``add_reader`` and ``add_writer``.

    Args:
        loop: the loop to use; None makes one with ``new_loop``, which is closed with the reactor.
    """

    #: Makes the loop of a reactor that is given none.
    new_loop: Callable[[], AbstractEventLoop] = staticmethod(uvloop.new_event_loop)

    def __init__(self, loop: AbstractEventLoop | None = None) -> None:
        self._owned = loop is None
        self._loop = self.new_loop() if loop is None else loop
        self._watched: dict[int, tuple[int, Ready]] = {}
        self._errors = ErrorWatch(self._loop, self._revive) if isinstance(self._loop, uvloop.Loop) else None
        self._reserve = DescriptorReserve() if self._errors is not None else None
        # Descriptors in error, which uvloop must be told of again after each event.
        self._broken: set[int] = set()
        # Who runs the loop: turn(), until the first event; run(), until pump says so; None: somebody else.
        self._driven_by: str | None = None
        self._limit = inf
        self._stopping = False
        # Ends the batch of turn(): uvloop polls once more on its way to a stop.
        self._end_of_batch: asyncio.Handle | None = None
        self._batch_over = False
        self._failure: BaseException | None = None
        # Of the innermost wait, where a callback runs the loop.
        self._inner_waker: Waker | None = None
        self._next_pump: asyncio.Handle | None = None
        # To pump when a timer is due, and that time on the loop's clock.
        self._timer: asyncio.Handle | None = None
        self._timer_at = inf

    @classmethod
    def attached(cls) -> AsyncioReactor | None:
        """Return a reactor on the loop that runs in this thread; None when none does."""
        loop = asyncio._get_running_loop()
        return None if loop is None else cls(loop)

    @property
    def usable(self) -> bool:
        """Whether the loop is still open."""
        return not self._loop.is_closed()

    def watch(self, fd: int, mask: int, ready: Ready) -> None:
        """Add what is new of ``mask`` and remove what is no longer in it."""
        before = self._watched.get(fd, (0, None))[0]
        self._watched[fd] = mask, ready
        self._disarm(fd, before & ~mask)
        self._arm(fd, mask, ready)
        if not before and self._errors is not None:
            self._errors.add(fd)

    def unwatch(self, fd: int) -> None:
        """Remove reader and writer."""
        mask = self._watched.pop(fd, (0, None))[0]
        if mask:
            self._broken.discard(fd)
            if self._errors is not None:
                self._errors.remove(fd)
            self._disarm(fd, mask)

    def _arm(self, fd: int, mask: int, ready: Ready) -> None:
        # By number: for a socket object uvloop would keep the descriptor open until the reader is removed.
        if mask & READ:
            self._loop.add_reader(fd, self._event, fd, ready, READ)
        if mask & WRITE:
            self._loop.add_writer(fd, self._event, fd, ready, WRITE)

    def _disarm(self, fd: int, mask: int) -> None:
        if mask & READ:
            self._loop.remove_reader(fd)
        if mask & WRITE:
            self._loop.remove_writer(fd)

    def turn(self, timeout: float | None) -> None:
        """Run the loop until the first event has been handled, or for ``timeout`` seconds."""
        if self._within_callback():
            self._turn_within_callback(timeout)
            return
        self._refuse_running()
        if self._next_pump is not None:
            # Asked for while nobody drove the loop: who calls turn() does that work himself (TMR-004).
            self._next_pump.cancel()
            self._next_pump = None
        stopper = None
        if timeout == 0:
            self._stop()
        elif timeout is not None:
            stopper = self._loop.call_later(timeout, self._stop)
        try:
            self._drive("turn")
        finally:
            for handle in (stopper, self._end_of_batch):
                if handle is not None:
                    handle.cancel()
            self._end_of_batch, self._batch_over = None, False

    def run(self, timeout: float) -> bool:
        """Run the loop until ``pump`` returns None: it is not stopped and started for each batch."""
        if self._within_callback():
            return False
        self._refuse_running()
        self._limit = timeout
        self._next_pump = self._loop.call_soon(self._pump_now)
        self._drive("run")
        return True

    def wake(self) -> None:
        """End the wait; from any thread."""
        waker = self._inner_waker
        if waker is not None:
            try:
                waker.wake()
            except OSError:
                # That wait has ended meanwhile.
                pass
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._after_event)

    def request_pump(self) -> None:
        """Run ``pump`` soon, where nobody drives the loop for us."""
        if self._driven_by is None and (self._loop.is_running() or not self._owned):
            self._after_event()

    def close(self) -> None:
        """Remove everything that is watched; close the loop if it is our own."""
        if self._loop.is_closed():
            return
        for fd in list(self._watched):
            self.unwatch(fd)
        if self._errors is not None:
            self._errors.close()
        if self._reserve is not None:
            self._reserve.close()
        for handle in (self._timer, self._next_pump):
            if handle is not None:
                handle.cancel()
        self._timer = self._next_pump = None
        if self._owned:
            self._loop.close()

    def after_fork(self) -> None:
        """Do nothing: to remove a reader here would remove it from the parent's epoll too."""
        self._watched.clear()

    def _within_callback(self) -> bool:
        return self._driven_by is not None and asyncio._get_running_loop() is self._loop

    def _turn_within_callback(self, timeout: float | None) -> None:
        """Wait by a poll of our own: an asyncio loop cannot be run within itself, as old programs do (RNT-009)."""
        outer, waker = self._inner_waker, Waker()
        self._inner_waker = waker
        try:
            with PollSelector() as selector:
                selector.register(waker.fileno(), READ, waker.drain)
                for fd, (mask, ready) in self._watched.items():
                    selector.register(fd, mask, ready)
                for key, events in selector.select(timeout):
                    key.data(events)
        finally:
            self._inner_waker = outer
            waker.close()

    def _refuse_running(self) -> None:
        if self._loop.is_running():
            raise RuntimeError(
                "loop() or poll() called while the asyncio loop that serves this map is running: await instead"
            )

    def _drive(self, by: str) -> None:
        if self._reserve is not None and not self._reserve.spend():
            return
        self._driven_by = by
        try:
            self._loop.run_forever()
        finally:
            self._driven_by = None
            self._stopping = False
            if self._reserve is not None:
                self._reserve.refill()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _revive(self, fd: int) -> None:
        """Make uvloop watch a descriptor again that libuv has given up because of an error on it."""
        watched = self._watched.get(fd)
        if watched is not None:
            self._broken.add(fd)
            self._disarm(fd, watched[0])
            self._arm(fd, *watched)

    def _event(self, fd: int, ready: Ready, events: int) -> None:
        if fd in self._broken:
            # It is ready for everything, and to be armed again makes uvloop forget that it was about to say so.
            events = self._watched[fd][0]
            self._revive(fd)
        # What is to leave the loop must not end in asyncio's exception handler; events behind it come again.
        if self._failure is not None or self._batch_over:
            return
        try:
            ready(events)
        except BaseException as error:
            self._fail(error)
        self._after_event()

    def _after_event(self) -> None:
        if self._driven_by == "turn":
            if self._end_of_batch is None:
                self._end_of_batch = self._loop.call_soon(self._end_batch)
            self._stop()
        elif self._next_pump is None:
            self._next_pump = self._loop.call_soon(self._pump_now)

    def _end_batch(self) -> None:
        self._batch_over = True

    def _pump_now(self) -> None:
        self._next_pump = None
        if self._failure is not None:
            return
        try:
            wait = self.pump(self._limit)
        except BaseException as error:
            self._fail(error)
            return
        if wait is None:
            if self._driven_by == "run":
                self._stop()
        elif wait == 0:
            self._after_event()
        else:
            self._pump_at(self._loop.time() + wait)

    def _pump_at(self, when: float) -> None:
        if self._timer is not None:
            if self._timer_at <= when:
                # It comes early enough; to come too early does no harm.
                return
            self._timer.cancel()
        self._timer_at = when
        # uvloop counts milliseconds: what is due within one it calls soon, by a handle that knows no time.
        self._timer = None if when == inf else self._loop.call_at(when, self._timer_came)

    def _timer_came(self) -> None:
        self._timer = None
        self._after_event()

    def _fail(self, error: BaseException) -> None:
        if self._driven_by is None:
            raise error
        self._failure = error
        self._stop()

    def _stop(self) -> None:
        if not self._stopping:
            self._stopping = True
            self._loop.stop()


class ChannelMap(_ChannelMap):
    """
    A map of channels on an asyncio loop.

    Args:
        channels: pairs of descriptor and channel to begin with.
        loop: the loop to use, which stays open; whoever runs it serves the map. None: the one that is running when the
            first channel enters, which then serves the map by itself; or else a new uvloop, driven by ``loop()`` and
            ``poll_once()``.
    """

    make_reactor = AsyncioReactor

    def __init__(self, channels: Iterable[tuple[int, Any]] = (), *, loop: AbstractEventLoop | None = None) -> None:
        if loop is not None:
            self.make_reactor = _on_loop(loop)
        super().__init__(channels)


def _on_loop(loop: AbstractEventLoop) -> type[AsyncioReactor]:
    class OnThatLoop(AsyncioReactor):
        def __init__(self) -> None:
            super().__init__(loop)

        @classmethod
        def attached(cls) -> AsyncioReactor | None:
            return None if loop.is_closed() else cls()

    return OnThatLoop
