"""
What keeps one peer from costing the others: limits on input and output, time-outs, and an end that loses nothing.

Every limit is a class attribute that an instance may set for itself; None turns it off. All are off in ``ChatMixin``
and in the drop-in modules. ``SafeLimits`` are those of the backends' own ``async_chat``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ._producers import ProducerQueue
    from .agenda import Timer


class SafeLimits:
    """The defaults for a channel on the open internet, in bytes and seconds; a base before ``ChatMixin``."""

    max_frame_size: int | None = 65536
    max_count: int | None = 1048576
    output_high_mark: int | None = 65536
    output_low_mark: int | None = 16384
    max_output: int | None = 16777216
    connect_timeout: float | None = 30.0
    frame_timeout: float | None = 60.0
    flush_timeout: float | None = 30.0
    linger_timeout: float | None = 5.0
    strict_close: bool = True


#: The same by name, to be set on a class of one's own.
SAFE_DEFAULTS = MappingProxyType({name: value for name, value in vars(SafeLimits).items() if not name.startswith("_")})

_BYTE_LIMITS = ("max_frame_size", "max_count", "output_high_mark", "output_low_mark", "max_output")
_TIME_LIMITS = ("connect_timeout", "idle_timeout", "frame_timeout", "flush_timeout", "linger_timeout")


class ChannelClosed(Exception):
    """``push`` on a channel that is closed or closing, where ``strict_close`` is set."""


def check_limits(limits: dict[str, Any]) -> None:
    """
    Check values for the limits by name.

    Raises:
        ValueError: a limit that is not positive, or a low mark above the high one; the message names both.
    """
    for name in (*_BYTE_LIMITS, *_TIME_LIMITS):
        value = limits.get(name)
        if value is not None and not (isinstance(value, (int, float)) and value > 0):
            unit = "bytes" if name in _BYTE_LIMITS else "seconds"
            raise ValueError(f"{name} = {value!r} is not a positive number of {unit}; None turns the limit off")
    low, high = limits.get("output_low_mark"), limits.get("output_high_mark")
    if low is not None and high is not None and low > high:
        raise ValueError(f"output_low_mark = {low} is above output_high_mark = {high}")


class Limits:
    """The limits of a channel, and what they do. A base of ``ChatMixin``."""

    #: Bytes queued above which ``push`` returns False, reading pauses and ``handle_output_paused`` is called; reading
    #: goes on at the low mark. A peer that does not read its replies costs no more than that and one turn's replies.
    output_high_mark: int | None = None
    output_low_mark: int | None = None
    #: Bytes queued at which the channel is given up: ``abort()``.
    max_output: int | None = None
    #: Seconds until a connection must stand.
    connect_timeout: float | None = None
    #: Seconds without a byte in either direction.
    idle_timeout: float | None = None
    #: Seconds from the first byte of a frame to its last: what stops a peer that sends a byte now and then.
    frame_timeout: float | None = None
    #: Seconds without progress while output waits to be sent before the close.
    flush_timeout: float | None = None
    #: Seconds to go on reading, and dropping, after the last reply, while the peer still sends: closed at once, the
    #: socket would destroy the reply by a reset. None drops what has arrived and closes.
    linger_timeout: float | None = None
    #: At the peer's end of stream, first send what is queued, then close (HCL-002).
    half_close: bool = False
    #: ``push`` on a channel that is closed or closing raises ``ChannelClosed``; with false it is dropped and logged.
    strict_close: bool = False

    if TYPE_CHECKING:
        connected: bool
        connecting: bool
        terminator: Any
        ac_in_buffer: bytes
        _queue: ProducerQueue
        _at: int
        _at_eof: bool
        _chunk: bytes
        _closed: bool
        _frames: int
        _frames_left: bool
        _partial: int
        _call_later: Callable[[float, Callable[[], object]], Timer]
        _output_changed: Callable[[], None]
        _read_on_later: Callable[[], None]
        _stop_input: Callable[[], None]
        _shut_write: Callable[[], bool]
        _drain_input: Callable[[], int]
        _make_abrupt: Callable[[], None]
        _lost: Callable[[], None]
        log_info: Callable[..., None]
        handle_close: Callable[[], None]
        handle_error: Callable[[], None]
        _leaves_loop: ClassVar[tuple[type[BaseException], ...]]
        close_when_done: Callable[[], None]

    # Queued above the mark; reading paused by the program; to close after what is queued; reading only to drop.
    _output_paused: bool
    _reading_paused: bool
    _closing: bool
    _lingering: bool
    # What began when, in seconds of the monotonic clock, and is not over: connect, frame, flush, linger; idle always.
    _since: dict[str, float]
    # One timer for all time-outs. It is not moved at each event, but looks at the times when it comes.
    _watchdog: Timer | None
    _watchdog_at: float

    def _init_limits(self) -> None:
        self._output_paused = self._reading_paused = self._closing = self._lingering = False
        self._since = {}
        self._watchdog = None
        self._watchdog_at = 0.0

    # --- input

    def handle_frame_too_long(self, size: int) -> None:
        """
        Act on a frame over ``max_frame_size`` or a count over ``max_count``, as soon as that is seen.

        By default: log it, read no more, close when the output is sent. An override may call ``discard_frame()``
        instead, to go on after the frame's end.

        Args:
            size: bytes seen of the frame, or the count.
        """
        self.log_info(f"a frame of {size} bytes is over the limit, closing {self!r}", "error")
        self._stop_input()
        self.close_when_done()

    def pause_reading(self) -> None:
        """Read nothing from the peer until ``resume_reading()``; frames that are here already wait too."""
        self._reading_paused = True
        self._output_changed()

    def resume_reading(self) -> None:
        """Go on reading; harmless when not paused."""
        if self._reading_paused:
            self._reading_paused = False
            self._resume_input()

    def _wants_input(self) -> bool:
        return self._lingering or not (self._output_paused or self._reading_paused)

    def _resume_input(self) -> None:
        self._output_changed()
        if self._frames_left and self._wants_input():
            self._read_on_later()

    # --- output

    def handle_output_paused(self) -> None:
        """Learn that more than ``output_high_mark`` bytes are queued; reading from this peer has paused."""

    def handle_output_resumed(self) -> None:
        """Learn that no more than ``output_low_mark`` bytes are queued; reading goes on when this returns."""

    def _check_marks(self) -> bool:
        """Return whether the queue is below its mark, and act on its having crossed one."""
        size, high = self._queue.size, self.output_high_mark
        if self.max_output is not None and size > self.max_output:
            self.log_info(
                f"{size} bytes of output queued are over the limit of {self.max_output}, closing {self!r}", "error"
            )
            self.abort()
            return False
        if high is None or size <= high:
            if self._output_paused and size <= (self.output_low_mark or 0):
                self._output_paused = False
                self.handle_output_resumed()
                self._resume_input()
            return not self._output_paused
        if not self._output_paused:
            self._output_paused = True
            self._output_changed()
            self.handle_output_paused()
        return False

    # --- the end

    def eof_received(self, partial: bytes) -> None:
        """
        Learn that the peer has ended its stream within a frame; ``handle_close`` comes next.

        Args:
            partial: the bytes of the frame that no ``collect_incoming_data`` has seen.
        """

    def abort(self) -> None:
        """Close at once: queued output is dropped, and the peer sees a reset. ``handle_close`` is called."""
        if not self._closed:
            self._queue.clear()
            self._make_abrupt()
            self.handle_close()

    def _refuse_push(self) -> bool:
        state = "closed" if self._closed else "closing"
        if self.strict_close:
            raise ChannelClosed(f"push on {self!r}, which is {state}: nothing can be sent on it any more")
        self.log_info(f"push on {self!r}, which is {state}, is dropped", "debug")
        return False

    def _ended(self) -> None:
        """The peer has ended its stream."""
        if not self._lingering and (self._partial or self.ac_in_buffer):
            self.eof_received(self.ac_in_buffer)
        if self.half_close and self._queue and not self._closed and not self._at_eof:
            self._at_eof = True
            self._output_changed()
            self.close_when_done()
        else:
            self._lost()

    def _finish(self) -> None:
        """All output before the close mark is sent: close, but not so that the kernel destroys it by a reset."""
        self._since.pop("flush", None)
        dropped = 0 if self._at_eof or not self._shut_write() else self._drain_input()
        if dropped and self.linger_timeout is not None:
            self._stop_input()
            self._lingering = True
            self._began("linger")
            self._output_changed()
        else:
            self._closing = False
            self.handle_close()

    # --- time

    def handle_timeout(self, kind: str) -> None:
        """
        Act on a time-out: by default log it and abort.

        Args:
            kind: connect, idle, frame or flush.
        """
        self.log_info(f"{kind} time-out after {getattr(self, kind + '_timeout')} s, closing {self!r}", "error")
        self.abort()

    def _began(self, kind: str) -> None:
        """Start the clock for one kind of time-out, if it has a limit."""
        limit = getattr(self, kind + "_timeout")
        if limit is not None:
            now = monotonic()
            self._since[kind] = now
            self._watch_until(now + limit)

    def _note_input(self, frames_before: int) -> None:
        """Learn that a read was handled: a frame may have begun, gone on, or ended."""
        if self.idle_timeout is not None:
            self._began("idle")
        if self.frame_timeout is not None:
            term = self.terminator
            if not (self._partial or self._at < len(self._chunk) or (type(term) is int and term)):
                self._since.pop("frame", None)
            elif "frame" not in self._since or self._frames != frames_before:
                self._began("frame")

    def _note_output(self) -> None:
        """Learn that something was sent."""
        if self.idle_timeout is not None:
            self._began("idle")
        if "flush" in self._since:
            self._began("flush")

    def _watch_until(self, when: float) -> None:
        if self._watchdog is not None:
            if self._watchdog_at <= when:
                return
            self._watchdog.cancel()
        self._watchdog_at = when
        self._watchdog = self._call_later(max(0.0, when - monotonic()), self._look_at_times)

    def _look_at_times(self) -> None:
        self._watchdog = None
        now = monotonic()
        for kind, since in list(self._since.items()):
            limit = getattr(self, kind + "_timeout")
            if limit is None or since + limit > now or self._closed:
                continue
            del self._since[kind]
            if kind == "linger":
                self.handle_close()
            else:
                self._guarded(self.handle_timeout, kind)
        if not self._closed:
            for kind, since in self._since.items():
                self._watch_until(since + (getattr(self, kind + "_timeout") or inf))

    def _guarded(self, callback: Callable[..., object], *args: object) -> None:
        """Call a callback of the program's outside any event of the channel: what it raises is the channel's."""
        try:
            callback(*args)
        except self._leaves_loop:
            raise
        except Exception:
            self.handle_error()
