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
    half_close: bool = True
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


# Of the instance only while they differ from the class; see Framer.
_STATE = (
    "_ac_output_paused",
    "_ac_reading_paused",
    "_ac_closing",
    "_ac_lingering",
    "_ac_since",
    "_ac_watchdog",
    "_ac_watchdog_at",
)


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
    #: At the peer's end of stream, first send what is queued, then close (HCL-002); no producer that is not ready is
    #: waited for.
    half_close: bool = False
    #: ``push`` on a channel that is closed or closing raises ``ChannelClosed``; with false it is dropped and logged.
    strict_close: bool = False

    if TYPE_CHECKING:
        connected: bool
        connecting: bool
        _ac_forget: Callable[..., None]
        terminator: Any
        ac_in_buffer: bytes
        _ac_at: int
        _ac_at_eof: bool
        _ac_chunk: bytes
        _ac_closed: bool
        _ac_frames: int
        _ac_frames_left: bool
        _ac_partial: int
        _ac_call_later: Callable[[float, Callable[[], object]], Timer]
        _ac_output_changed: Callable[[], None]
        _ac_has_input_waiting: Callable[[], bool]
        _ac_read_on_later: Callable[[], None]
        _ac_stop_input: Callable[[], None]
        _ac_shut_write: Callable[[], bool]
        _ac_drain_input: Callable[[], int]
        _ac_make_abrupt: Callable[[], None]
        _ac_lost: Callable[[], None]
        log_info: Callable[..., None]
        handle_close: Callable[[], None]
        handle_error: Callable[[], None]
        _ac_leaves_loop: ClassVar[tuple[type[BaseException], ...]]
        close_when_done: Callable[[], None]

        @property
        def _ac_queue(self) -> ProducerQueue: ...

    # Queued above the mark; reading paused by the program; to close after what is queued; reading only to drop.
    _ac_output_paused: bool = False
    _ac_reading_paused: bool = False
    _ac_closing: bool = False
    _ac_lingering: bool = False
    # What began when, in seconds of the monotonic clock, and is not over: connect, frame, flush, linger; idle always.
    _ac_since: dict[str, float] | None = None
    # One timer for all time-outs. It is not moved at each event, but looks at the times when it comes.
    _ac_watchdog: Timer | None = None
    _ac_watchdog_at: float = 0.0

    def _ac_init_limits(self) -> None:
        self._ac_forget(*_STATE)

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
        self._ac_stop_input()
        self.close_when_done()

    def pause_reading(self) -> None:
        """Read nothing from the peer until ``resume_reading()``; the frames of a read at hand still come."""
        self._ac_reading_paused = True
        self._ac_output_changed()

    def resume_reading(self) -> None:
        """Go on reading; harmless when not paused."""
        if self._ac_reading_paused:
            self._ac_reading_paused = False
            self._ac_resume_input()

    def _ac_wants_input(self) -> bool:
        return self._ac_lingering or not (self._ac_output_paused or self._ac_reading_paused)

    def _ac_resume_input(self) -> None:
        self._ac_output_changed()
        if self._ac_frames_left and self._ac_wants_input():
            self._ac_read_on_later()

    # --- output

    def handle_output_paused(self) -> None:
        """Learn that more than ``output_high_mark`` bytes are queued; reading from this peer has paused."""

    def handle_output_resumed(self) -> None:
        """Learn that no more than ``output_low_mark`` bytes are queued; reading goes on when this returns."""

    def _ac_check_marks(self) -> bool:
        """Return whether the queue is below its mark, and act on its having crossed one."""
        size, high = self._ac_queue.size, self.output_high_mark
        if self.max_output is not None and size > self.max_output:
            self.log_info(
                f"{size} bytes of output queued are over the limit of {self.max_output}, closing {self!r}", "error"
            )
            self.abort()
            return False
        if high is None or size <= high:
            if self._ac_output_paused and size <= (self.output_low_mark or 0):
                self._ac_output_paused = False
                self.handle_output_resumed()
                self._ac_resume_input()
            return not self._ac_output_paused
        if not self._ac_output_paused:
            self._ac_output_paused = True
            self._ac_output_changed()
            self.handle_output_paused()
        return False

    # --- the end

    def eof_received(self, partial: bytes) -> None:
        """
        Learn that the peer has ended its stream within a frame; ``handle_close`` comes next.

        Args:
            partial: the bytes of the frame that no ``collect_incoming_data`` has seen.
        """

    def handle_shutdown(self) -> None:
        """
        Act on the graceful stop of the server that accepted this channel: close, when all that is queued is sent.

        Called once, between two frames, when all that has been read is answered. An override that must finish something
        first calls this later; it has until the stop's time is over.
        """
        self._ac_stop_input()
        self.close_when_done()

    def _ac_frames_ended(self) -> int:
        return self._ac_frames

    def _ac_is_at_rest(self, frames: int, recently: bool) -> bool:
        """Whether no frame is unfinished, of what had come when a stop began; see ``SocketChannel``."""
        term = self.terminator
        if self._ac_frames_left:
            return False
        if not term or self._ac_at_eof:
            return True
        if self._ac_partial or self._ac_at < len(self._ac_chunk) or self._ac_has_input_waiting():
            # What had come may take more than one read; but some peers never stop sending.
            return self._ac_frames > frames and not recently
        # A count may be that of a body whose header has come.
        return self._ac_frames > frames or not (recently and type(term) is int and frames)

    def abort(self) -> None:
        """Close at once: queued output is dropped, and the peer sees a reset. ``handle_close`` is called."""
        if not self._ac_closed:
            self._ac_queue.clear()
            self._ac_make_abrupt()
            self.handle_close()

    def _ac_refuse_push(self) -> bool:
        state = "closed" if self._ac_closed else "closing"
        if self.strict_close:
            raise ChannelClosed(f"push on {self!r}, which is {state}: nothing can be sent on it any more")
        self.log_info(f"push on {self!r}, which is {state}, is dropped", "debug")
        return False

    def _ac_ended(self) -> None:
        """The peer has ended its stream."""
        try:
            if not self._ac_lingering and (self._ac_partial or self.ac_in_buffer):
                self.eof_received(self.ac_in_buffer)
        finally:
            queue = self._ac_queue
            # A producer that is not ready may never be, and nothing would tell that the peer is gone for good.
            if self.half_close and queue and not queue.parked and not self._ac_closed and not self._ac_at_eof:
                self._ac_at_eof = True
                self._ac_output_changed()
                self.close_when_done()
            else:
                self._ac_lost()

    def _ac_finish(self) -> None:
        """All output before the close mark is sent: close, but not so that the kernel destroys it by a reset."""
        self._ac_over("flush")
        # The output stays open for what handle_close may still push.
        dropped = 0 if self._ac_at_eof else self._ac_drain_input()
        if dropped and self.linger_timeout is not None and self._ac_shut_write():
            self._ac_stop_input()
            self._ac_lingering = True
            self._ac_began("linger")
            self._ac_output_changed()
        else:
            self._ac_closing = False
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

    def _ac_began(self, kind: str) -> None:
        """Start the clock for one kind of time-out, if it has a limit."""
        limit = getattr(self, kind + "_timeout")
        if limit is not None:
            now = monotonic()
            if self._ac_since is None:
                self._ac_since = {}
            self._ac_since[kind] = now
            self._ac_watch_until(now + limit)

    def _ac_over(self, kind: str) -> None:
        """Stop the clock for one kind of time-out."""
        if self._ac_since:
            self._ac_since.pop(kind, None)

    def _ac_begin_idle(self) -> None:
        """Start the idle time of a channel that was made connected: its peer may never send a byte."""
        if self.idle_timeout is not None and self.connected:
            self._ac_began("idle")

    def _ac_note_input(self, frames_before: int) -> None:
        """Learn that a read was handled: a frame may have begun, gone on, or ended."""
        if self.idle_timeout is not None:
            self._ac_began("idle")
        if self.frame_timeout is not None:
            term = self.terminator
            if not (self._ac_partial or self._ac_at < len(self._ac_chunk) or (type(term) is int and term)):
                self._ac_over("frame")
            elif not self._ac_since or "frame" not in self._ac_since or self._ac_frames != frames_before:
                self._ac_began("frame")

    def _ac_note_output(self) -> None:
        """Learn that something was sent."""
        if self.idle_timeout is not None:
            self._ac_began("idle")
        if self._ac_since and "flush" in self._ac_since:
            self._ac_began("flush")

    def _ac_watch_until(self, when: float) -> None:
        if self._ac_watchdog is not None:
            if self._ac_watchdog_at <= when:
                return
            self._ac_watchdog.cancel()
        self._ac_watchdog_at = when
        self._ac_watchdog = self._ac_call_later(max(0.0, when - monotonic()), self._ac_look_at_times)

    def _ac_look_at_times(self) -> None:
        self._ac_watchdog = None
        now = monotonic()
        begun = self._ac_since or {}
        for kind, since in list(begun.items()):
            limit = getattr(self, kind + "_timeout")
            if limit is None or since + limit > now or self._ac_closed:
                continue
            begun.pop(kind, None)
            if kind == "linger":
                self.handle_close()
            else:
                self._ac_guarded(self.handle_timeout, kind)
        if not self._ac_closed:
            for kind, since in begun.items():
                self._ac_watch_until(since + (getattr(self, kind + "_timeout") or inf))

    def _ac_guarded(self, callback: Callable[..., object], *args: object) -> None:
        """Call a callback of the program's outside any event of the channel: what it raises is the channel's."""
        try:
            callback(*args)
        except self._ac_leaves_loop:
            raise
        except Exception:
            self.handle_error()
