"""Mutants whose limits do not hold."""

from __future__ import annotations

from typing import Any

from .._registry import Capability
from ._registry import mutant
from ._sound import Sound


def _ignored(backend: Sound, name: str, seen: Any = lambda value: None) -> None:
    """Let the channel see another value of a limit than is set."""

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __getattribute__(self, attribute: str) -> Any:
            value = super().__getattribute__(attribute)
            return seen(value) if attribute == name else value

    backend.async_chat = Chat


@mutant
def frame_limit_ignored(backend: Sound) -> None:
    """max_frame_size is not heeded."""
    _ignored(backend, "max_frame_size")


@mutant
def frame_limit_off_by_one(backend: Sound) -> None:
    """A frame of just max_frame_size bytes is too long."""
    _ignored(backend, "max_frame_size", lambda value: value and value - 1)


@mutant
def frame_limit_forgives(backend: Sound) -> None:
    """After a frame that is too long the channel goes on."""
    backend.chat_with(handle_frame_too_long=lambda self, old, size: self.discard_frame())


@mutant
def discarded_frames_swallow_the_next(backend: Sound) -> None:
    """discard_frame() drops all that is here, the next frames too."""

    def discard_frame(self: Any, old: Any) -> None:
        old(self)
        self.ac_in_buffer = b""

    backend.chat_with(discard_frame=discard_frame)


@mutant
def count_limit_ignored(backend: Sound) -> None:
    """max_count is not heeded."""
    _ignored(backend, "max_count")


@mutant
def high_mark_ignored(backend: Sound) -> None:
    """output_high_mark is not heeded."""
    _ignored(backend, "output_high_mark")


@mutant
def pauses_do_not_pause(backend: Sound) -> None:
    """What pauses reading does not."""
    backend.chat_with(_ac_wants_input=lambda self, old: True)


@mutant
def never_resumes(backend: Sound) -> None:
    """Reading that has paused does not go on."""
    backend.chat_with(_ac_resume_input=lambda self, old: None)


@mutant
def hard_limit_ignored(backend: Sound) -> None:
    """max_output is not heeded."""
    _ignored(backend, "max_output")


@mutant
def paused_cannot_send(backend: Sound) -> None:
    """While reading is paused nothing is sent."""

    def initiate_send(self: Any, old: Any) -> None:
        if not self._ac_reading_paused:
            old(self)

    backend.chat_with(initiate_send=initiate_send)


@mutant
def strict_close_ignored(backend: Sound) -> None:
    """strict_close is not heeded."""
    _ignored(backend, "strict_close", lambda value: False)


@mutant
def refused_pushes_leave(backend: Sound) -> None:
    """What is pushed after the last reply is sent all the same."""

    def refuse(self: Any, old: Any) -> bool:
        if self.connected:
            self.socket.send(b"late")
        return False

    backend.chat_with(_ac_refuse_push=refuse)


@mutant
def abort_in_silence(backend: Sound) -> None:
    """abort() does not call handle_close."""
    backend.chat_with(abort=lambda self, old: self.close())


@mutant
def abort_is_polite(backend: Sound) -> None:
    """abort() ends the stream as close() does."""
    backend.chat_with(_ac_make_abrupt=lambda self, old: None)


@mutant
def eof_untold(backend: Sound) -> None:
    """eof_received is not called."""
    backend.chat_with(_ac_ended=lambda self, old: self._ac_lost())


@mutant
def eof_always_told(backend: Sound) -> None:
    """eof_received is called at each end of the stream."""

    def ended(self: Any, old: Any) -> None:
        self.eof_received(b"")
        self._ac_lost()

    backend.chat_with(_ac_ended=ended)


@mutant
def no_time_outs(backend: Sound) -> None:
    """No time-out ever comes."""
    backend.chat_with(_ac_began=lambda self, old, kind: None)


@mutant
def frame_clock_runs_on(backend: Sound) -> None:
    """frame_timeout runs between frames too."""

    def note(self: Any, old: Any, before: int) -> None:
        if self.frame_timeout is not None and "frame" not in (self._ac_since or {}):
            self._ac_began("frame")

    backend.chat_with(_ac_note_input=note)


@mutant
def time_outs_lose_the_channel(backend: Sound) -> None:
    """After a time-out nothing is read any more, whatever handle_timeout did."""

    def look(self: Any, old: Any) -> None:
        old(self)
        self.pause_reading()

    backend.chat_with(_ac_look_at_times=look)


@mutant
def never_lingers(backend: Sound) -> None:
    """With unread input the channel closes at once."""
    backend.chat_with(_ac_drain_input=lambda self, old: 0)


@mutant
def lingers_for_ever(backend: Sound) -> None:
    """linger_timeout is not heeded."""

    def began(self: Any, old: Any, kind: str) -> None:
        if kind != "linger":
            old(self, kind)

    backend.chat_with(_ac_began=began)


@mutant
def claims_urgent_data(backend: Sound) -> None:
    """Urgent data is said to be watched, and is not."""
    backend.missing = {need: why for need, why in backend.missing.items() if need is not Capability.OOB}  # type: ignore[misc]
