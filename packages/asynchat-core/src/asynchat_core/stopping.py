"""The graceful stop: nobody who has connected is turned away, and all that was read is answered and sent."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from time import monotonic
from typing import Any

from .listening import Acceptor, Listener
from .watch import LEAVES_LOOP, log

# Seconds between two looks at the channels that have something to finish.
_INTERVAL = 0.01
# Seconds for what is likely on its way: the first frame of a new connection, the body that a header announced, the
# rest of requests that were sent together.
_GRACE = 0.5


class Shutdown:
    """
    A stop that is under way; made by ``shutdown``.

    Attributes:
        finished: whether it is over: no accepted connection is left.
        aborted: how many had not finished in time, or when ``abort`` was called.
    """

    def __init__(
        self,
        map: MutableMapping[int, Any],
        timeout: float,
        call_later: Callable[..., Any],
    ) -> None:
        if not timeout >= 0:
            raise ValueError(f"a stop within {timeout!r} seconds is not possible: give 0 or more")
        self.finished = False
        self.aborted = 0
        self._map = map
        self._call_later = call_later
        self._done: Callable[[], object] | None = None
        self._began = monotonic()
        self._deadline = self._began + timeout
        for listener in {channel.listener for channel in list(map.values()) if isinstance(channel, Acceptor)}:
            listener.stop_accepting()
        # The frames that each channel had ended when the stop began, and the channels that were told to end.
        self._frames = {id(channel): channel._ac_frames_ended() for channel in self.remaining}
        self._told: dict[int, Any] = {}
        self._look()

    @property
    def remaining(self) -> list[Any]:
        """The accepted channels that are still open."""
        return [channel for channel in list(self._map.values()) if isinstance(_owner(channel), Listener)]

    def when_finished(self, done: Callable[[], object]) -> None:
        """Call ``done()`` when it is over; at once, if it is."""
        self._done = done
        if self.finished:
            done()

    def abort(self) -> None:
        """Close what is left, at once."""
        for channel in self.remaining:
            self.aborted += 1
            try:
                getattr(channel, "abort", channel.close)()
            except LEAVES_LOOP:
                raise
            except Exception:
                log.exception("closing %r failed", channel)
                channel._ac_force_close()
        self._finish()

    def _look(self) -> None:
        """End each channel that is between two frames; come again while there are others."""
        if self.finished:
            return
        for channel in self.remaining:
            if id(channel) not in self._told and self._may_end(channel):
                self._told[id(channel)] = channel
                self._end(channel)
        if not self.remaining:
            self._finish()
        elif monotonic() >= self._deadline:
            self.abort()
        else:
            self._call_later(_INTERVAL, self._look, map=self._map)

    def _may_end(self, channel: Any) -> bool:
        """Whether a channel has nothing unfinished, of what had come when the stop began."""
        listener, now = _owner(channel), monotonic()
        if not isinstance(listener, Listener):
            return True
        began = self._frames.setdefault(id(channel), 0)
        is_new = not channel._ac_frames_ended() and now - (listener.opened_at(channel) or 0) < _GRACE
        return not is_new and channel._ac_is_at_rest(began, now - self._began < _GRACE)

    def _end(self, channel: Any) -> None:
        try:
            channel.handle_shutdown()
        except LEAVES_LOOP:
            raise
        except Exception:
            channel.handle_error()

    def _finish(self) -> None:
        if not self.finished:
            self.finished = True
            self._told.clear()
            if self._done is not None:
                self._done()


def _owner(channel: Any) -> Any:
    return getattr(channel, "_ac_owner", None)
