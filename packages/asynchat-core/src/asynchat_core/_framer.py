"""
The inbound state machine: bytes go in, the callbacks of whole and partial frames come out.

``_ac_chunk`` from the offset ``_ac_at`` on is what no callback has seen. ``_ac_ahead`` yields the frames that were cut
in one go and end at ``_ac_at``; they count as unseen too, and whoever needs the true offset calls ``_ac_settle()``.
``_ac_owed`` says that a frame's data went out and its end did not, ``_ac_stopped`` that nothing more may.

The private names of all classes that programs derive from begin with ``_ac_``: those have a ``_queue`` and a
``_closing`` of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import ClassVar

from ._probing import NOTHING_KNOWN, Probing, probing, search_on
from ._terminators import Terminator, check_terminator, find_prefix_at_end

# Frames cut in one go: at most this many, out of a window that grows from the first size to the second (bytes).
# It pays for short frames only: a longer one is found faster by memchr than by bytes.split.
_AHEAD_FRAMES = 1000
_FIRST_WINDOW = 2048
_LAST_WINDOW = 65536
_SHORT_FRAME = 256
# So many short frames in a row, under one terminator, start the cutting ahead.
_STREAK = 4
# Chunks in which to look for the whole terminator, when all its bytes are frequent.
_DENSE_CHUNKS = 16
# In shorter chunks each frame is looked for by itself.
_SHORT_CHUNK = 512
_ENDLESS = range(1 << 60)


class Framer:
    r"""
    Cut a stream of bytes into frames, by a terminator that any callback may change.

    Subclass it and define either ``frame_received(frame)`` or both ``collect_incoming_data(data)`` and
    ``found_terminator()``. The time is linear in the bytes fed, whatever their cutting, and no byte is seen twice.

    >>> class Lines(Framer):
    ...     def frame_received(self, frame):
    ...         print(frame)
    >>> lines = Lines()
    >>> lines.set_terminator(b"\r\n")
    >>> more = lines.feed(b"HELO a\r\nQU")
    b'HELO a'
    >>> more = lines.feed(b"IT\r\n")
    b'QUIT'
    """

    #: What ends a frame: bytes, a count of bytes, or None (also ``b""`` and 0) for a stream that never ends one.
    terminator: Terminator | str
    #: With ``use_encoding`` true a str given as a terminator is encoded by ``encoding`` (API-014).
    use_encoding: int | bool = 0
    encoding: str = "latin-1"
    #: The longest frame that a terminator may end, in bytes; None for no limit.
    max_frame_size: int | None = None
    #: The largest count that may be awaited, in bytes; None for no limit.
    max_count: int | None = None
    #: Defined by a subclass: called with each whole frame, in place of the two older callbacks.
    frame_received: ClassVar[Callable[..., object] | None] = None

    # CPython reads an instance attribute fast only where the class has none of its name, and while there are fewer than
    # 30 of them. So what changes all the time has no default in the class; what seldom does is not in the instance.
    _ac_chunk: bytes
    _ac_at: int
    _ac_ahead: Iterator[bytes] | None
    # Frames ended so far, and bytes delivered of the one that has not ended.
    _ac_frames: int
    _ac_partial: int
    _ac_owed: bool
    # How to look for the last terminator of bytes; see _probing.py.
    _ac_known: Probing
    _ac_step: int = 0
    _ac_stopped: bool = False
    # What ends the frame that is being dropped.
    _ac_skipping: bytes | int | None = None
    # What earlier chunks taught: the window to cut ahead in (0: do not), and for how many chunks not to try memchr.
    _ac_window: int = 0
    _ac_dense: int = 0

    def __init__(self) -> None:
        if not hasattr(self, "terminator"):
            self.terminator = None
        Framer.reset_input(self)

    def reset_input(self) -> None:
        """Forget all input, as for a new connection; the terminator stays."""
        if hasattr(self, "_ac_known"):
            self._ac_forget("_ac_step", "_ac_stopped", "_ac_skipping", "_ac_window", "_ac_dense")
        self.incoming: list[bytes] = []
        self._ac_chunk, self._ac_at, self._ac_ahead = b"", 0, None
        self._ac_frames = self._ac_partial = 0
        self._ac_owed = False
        self._ac_known = NOTHING_KNOWN

    def _ac_forget(self, *names: str) -> None:
        """Take attributes of the instance back to what the class has."""
        for name in names:
            # Not by __dict__: who asks for it makes all the instance's attributes slower.
            with suppress(AttributeError):
                delattr(self, name)

    # --- what a program calls

    def set_terminator(self, term: Terminator | bytearray | memoryview | str) -> None:
        """
        Set what ends the next frame; in a callback it applies to the bytes that are already here (TRM-001).

        Args:
            term: bytes (a terminator, not delivered), an int (a count of bytes; it runs down, and is 0 in
                ``found_terminator``), or None, ``b""``, 0: collect, end nothing.

        Raises:
            TypeError: something else, at once and not at the first byte (API-007).
            ValueError: a negative count; the old terminator stays (API-006).
        """
        if type(term) is not bytes and (type(term) is not int or term < 0):
            term = check_terminator(term.encode(self.encoding) if isinstance(term, str) and self.use_encoding else term)
        self.terminator = term

    def get_terminator(self) -> Terminator | str:
        """Return the terminator in force; of a count, the bytes still wanted (NUM-008)."""
        return self.terminator

    def feed(self, data: bytes, frames: int | None = None) -> bool:
        """
        Take bytes that arrived and make the callbacks that they complete; re-entrant.

        What a callback raises comes out of here. Its bytes are consumed by then, and the next call, also with ``b""``,
        goes on with what follows them (ERR-013, ERR-014).

        Args:
            data: the bytes, in any cutting.
            frames: stop after about so many frames; None for no bound.

        Returns:
            True when whole frames may be left, which the next call delivers.
        """
        if self._ac_chunk or self._ac_owed or self._ac_stopped or self._ac_skipping is not None:
            self._ac_resume(data)
        else:
            self._ac_chunk, self._ac_at = data, 0
            term = self.terminator
            if len(data) <= _SHORT_CHUNK and type(term) is bytes and not self._ac_partial and data.endswith(term):
                # One whole frame, as requests and replies come.
                end = len(data) - len(term)
                if 0 < end == data.find(term) and (self.max_frame_size is None or end <= self.max_frame_size):
                    self._ac_at, self._ac_owed = len(data), True
                    self.collect_incoming_data(data[:end])
                    if self._ac_owed:
                        self._ac_owed = False
                        self._ac_frames += 1
                        self.found_terminator()
                    if self._ac_at == len(data):
                        self._ac_chunk, self._ac_at = b"", 0
                        return False
        chunk, at, partial = self._ac_chunk, self._ac_at, self._ac_partial
        known, size, back, probe, first = self._ac_known
        limit, length, start, streak_end = self.max_frame_size, len(chunk), at, _STREAK
        if length > _SHORT_CHUNK:
            dense, window = self._ac_dense, self._ac_window
            if dense:
                self._ac_dense -= 1
        else:
            dense, window = 1, 0
        # Any callback may change any state, so all of it is read anew for each frame.
        for frame in _ENDLESS if frames is None else range(frames):
            if chunk is not self._ac_chunk:
                chunk = self._ac_chunk
                length = len(chunk)
            if at >= length:
                break
            term = self.terminator
            if term is known or (type(term) is bytes and term):
                if window and not partial:
                    cut = self._ac_cut_ahead(chunk, at, term)
                    if frames is not None and cut >= frames - frame:
                        return True
                    at, window = self._ac_at, self._ac_window
                    continue
                if term is not known:
                    known, size, back, probe, first = self._ac_known = probing(term, -1)
                    start, streak_end = at, frame + _STREAK
                if dense:
                    end = chunk.find(term, at)
                else:
                    end = chunk.find(probe, at + back) - back
                    if size > 1 and end >= at and not chunk.startswith(term, end):
                        end = self._ac_search(chunk, at, end)
                        dense, back, probe = self._ac_dense, self._ac_known[2], self._ac_known[3]
                if end < at and not at and limit is None and (size == 1 or chunk.find(first, 1 - size) < 0):
                    self._ac_chunk, self._ac_partial = b"", partial + len(chunk)
                    self.collect_incoming_data(chunk)
                    return False
                if end < at:
                    if self._ac_deliver_partial(chunk, at, term):
                        return False
                    at = self._ac_at
                    continue
                if limit is not None and end - at + partial > limit:
                    self._ac_too_long(end - at + partial)
                    at, partial = self._ac_at, self._ac_partial
                    continue
                self._ac_at = end + size
                if frame == streak_end and end - start <= _STREAK * _SHORT_FRAME:
                    window = self._ac_window = _FIRST_WINDOW
            elif type(term) is int and 0 < term <= length - at and (self.max_count is None or partial):
                self._ac_at = end = at + term
                self.terminator = 0
                streak_end = 0
            else:
                self._ac_deliver_some(chunk, at, term)
                at, partial = self._ac_at, self._ac_partial
                continue
            if partial:
                partial = self._ac_partial = 0
            if end > at:
                self._ac_owed = True
                self.collect_incoming_data(chunk[at:end])
                if not self._ac_owed:
                    # Stopped or discarded, or a nested call has ended it.
                    at = self._ac_at
                    continue
                self._ac_owed = False
            self._ac_frames += 1
            self.found_terminator()
            at = self._ac_at
        else:
            return True
        self._ac_chunk, self._ac_at = b"", 0
        return False

    # What a channel calls: programs have a feed() of their own, as supervisor's HTTP client.
    _ac_feed = feed

    @property
    def ac_in_buffer(self) -> bytes:
        """The bytes that no callback has seen. Assigning replaces them: ``b""`` drops the rest of a read."""
        if self._ac_ahead is not None:
            self._ac_settle()
        return self._ac_chunk[self._ac_at :]

    @ac_in_buffer.setter
    def ac_in_buffer(self, data: bytes) -> None:
        if self._ac_ahead is not None:
            self._ac_settle()
        self._ac_chunk, self._ac_at = bytes(data) if data else b"", 0

    def discard_frame(self) -> None:
        """
        Drop the current frame: no callback for the rest of it and its end, and what ``incoming`` has of it is gone.

        In ``found_terminator`` and between two frames it is the next one that is dropped.
        """
        if self._ac_owed or self._ac_partial:
            self.incoming.clear()
        if self._ac_owed:
            # All its data has been delivered; of its end nobody is told.
            self._ac_owed = False
            return
        if self._ac_ahead is not None:
            self._ac_settle()
        dropped = check_terminator(self.terminator)
        self._ac_skipping, self._ac_partial = dropped or None, 0
        self._ac_skip()

    # --- what a program defines

    def collect_incoming_data(self, data: bytes) -> None:
        """Take ``data``, a piece of the current frame, never empty; to be defined by a subclass (API-003)."""
        if self.frame_received is None:
            raise NotImplementedError(f"{type(self).__name__} must define collect_incoming_data() or frame_received()")
        self.incoming.append(data)

    def found_terminator(self) -> None:
        """Act on the frame whose pieces were collected; to be defined by a subclass (API-003)."""
        if self.frame_received is None:
            raise NotImplementedError(f"{type(self).__name__} must define found_terminator() or frame_received()")
        self.frame_received(self._get_data())

    def _collect_incoming_data(self, data: bytes) -> None:
        """Append ``data`` to the list ``incoming``: ready-made for ``collect_incoming_data``."""
        self.incoming.append(data)

    def _get_data(self) -> bytes:
        """Return what ``_collect_incoming_data`` gathered, and empty the list."""
        data = b"".join(self.incoming)
        self.incoming.clear()
        return data

    def handle_frame_too_long(self, size: int) -> None:
        """
        Act on a frame over ``max_frame_size``, or a count over ``max_count``: by default its rest is dropped.

        Called once for a frame, as soon as the excess is seen. What a collect_incoming_data of the program's own has
        taken of it stays with the program.

        Args:
            size: the bytes seen of the frame, or the count.
        """
        Framer.discard_frame(self)

    # --- the machine

    def _ac_takes_frames(self) -> bool:
        """Whether ``frame_received`` is ours to call: a program on the older callbacks may have one of its own."""
        default = type(self).found_terminator is Framer.found_terminator and "found_terminator" not in vars(self)
        return default and self.frame_received is not None

    def _ac_stop_input(self) -> None:
        """Drop the input and make no further callback, until ``reset_input()``."""
        self.ac_in_buffer = b""
        self._ac_owed = False
        self._ac_stopped = True

    def _ac_settle(self) -> None:
        """Give back the frames that were cut ahead: ``_ac_at`` is then the true offset, and the loop over them ends."""
        unseen = list(self._ac_ahead or ())
        self._ac_ahead = None
        if unseen:
            self._ac_at -= sum(map(len, unseen)) + self._ac_step * len(unseen)
            # Each callback may give them back: to cut the same bytes ahead again and again would be quadratic.
            self._ac_window = 0

    def _ac_resume(self, data: bytes) -> None:
        """Take ``data`` where the last call had to leave off: the rare cases, out of the way of the usual ones."""
        if self._ac_ahead is not None:
            self._ac_settle()
        self._ac_chunk, self._ac_at = b"" if self._ac_stopped else self._ac_chunk[self._ac_at :] + data, 0
        if self._ac_owed:
            self._ac_owed = False
            self.found_terminator()
        if self._ac_skipping is not None:
            self._ac_skip()

    def _ac_deliver_some(self, chunk: bytes, at: int, term: object) -> None:
        """Deliver all there is, as no frame ends in it: without a terminator, or with a count not reached."""
        rest = chunk[at:] if at else chunk
        if not term:
            self._ac_chunk, self._ac_at, self._ac_partial = b"", 0, 0
            if self._ac_takes_frames():
                self.frame_received(rest)  # type: ignore[misc]
            else:
                self.collect_incoming_data(rest)
        elif type(term) is not int:
            # Assigned past set_terminator(), as old programs may.
            self.terminator = None
            self.set_terminator(term)  # type: ignore[arg-type]
        elif self.max_count is not None and not self._ac_partial:
            self._ac_partial = 1
            if term > self.max_count:
                self.handle_frame_too_long(term)
        else:
            self._ac_chunk, self._ac_at, self._ac_partial = b"", 0, 1
            # Before the callback, so that a terminator which it sets wins (TRM-008).
            self.terminator = term - len(rest)
            self.collect_incoming_data(rest)

    def _ac_skip(self) -> None:
        """Drop input up to the end of the frame that was given up."""
        chunk, at, dropped = self._ac_chunk, self._ac_at, self._ac_skipping
        if isinstance(dropped, int):
            left = dropped - (len(chunk) - at)
            self._ac_skipping = left if left > 0 else None
            self._ac_at = min(at + dropped, len(chunk))
        elif isinstance(dropped, bytes):
            end = chunk.find(dropped, at)
            if end >= 0:
                self._ac_skipping = None
                # The chunk stays whole: to copy the rest for each dropped frame would be quadratic.
                self._ac_at = end + len(dropped)
            else:
                self._ac_chunk = chunk[len(chunk) - find_prefix_at_end(chunk[at:], dropped) :]
                self._ac_at = 0

    def _ac_cut_ahead(self, chunk: bytes, at: int, term: bytes) -> int:
        """Cut a window full of short frames in C, call back for each, and return how many there were."""
        window = min(self._ac_window, self.max_frame_size or _LAST_WINDOW)
        parts = chunk[at : at + window].split(term, _AHEAD_FRAMES)
        end = min(at + window, len(chunk)) - len(parts.pop())
        count = len(parts)
        if not count:
            self._ac_window = 0
            return 0
        self._ac_at, self._ac_step = end, len(term)
        self._ac_frames += count
        ahead = self._ac_ahead = iter(parts)
        try:
            if self._ac_takes_frames():
                for part in ahead:
                    self.frame_received(part)  # type: ignore[misc]
                    if self.terminator is not term:
                        break
            else:
                for part in ahead:
                    if part:
                        self._ac_owed = True
                        self.collect_incoming_data(part)
                        if not self._ac_owed:
                            # Discarded; or the input was stopped, or read by a nested call, and none are left ahead.
                            if self.terminator is term:
                                continue
                            break
                        self._ac_owed = False
                    self.found_terminator()
                    if self.terminator is not term:
                        break
        finally:
            if self._ac_ahead is ahead:
                self._ac_settle()
        self._ac_window = min(self._ac_window * 2, _LAST_WINDOW) if end - at <= count * _SHORT_FRAME else 0
        return count

    def _ac_search(self, chunk: bytes, at: int, end: int) -> int:
        """Go on after a probe's hit at ``end`` that was no terminator; return where the first one begins, or less."""
        end, better = search_on(chunk, at, end, self._ac_known)
        if better is None:
            self._ac_dense = _DENSE_CHUNKS
        else:
            self._ac_known = better
        return end

    def _ac_deliver_partial(self, chunk: bytes, at: int, term: bytes) -> bool:
        """Deliver what cannot be part of a terminator (FRM-007), hold back what can; True when input is wanted."""
        length, size = len(chunk), len(term)
        held = 0
        if size > 1 and chunk.find(term[:1], max(at, length - size + 1)) >= 0:
            held = find_prefix_at_end(chunk[at:] if at else chunk, term)
        end = length - held
        if end == at:
            self._ac_chunk, self._ac_at = chunk[at:] if at else chunk, 0
            return True
        partial = self._ac_partial + end - at
        if self.max_frame_size is not None and partial > self.max_frame_size:
            self._ac_too_long(partial)
            return False
        self._ac_chunk, self._ac_at, self._ac_partial = chunk[end:], 0, partial
        self.collect_incoming_data(chunk[at:end] if at or held else chunk)
        return True

    def _ac_too_long(self, size: int) -> None:
        """Tell the program, and drop the frame if it did not say what to do instead."""
        before = self._ac_chunk, self._ac_at, self.terminator
        self.handle_frame_too_long(size)
        if not self._ac_stopped and before == (self._ac_chunk, self._ac_at, self.terminator):
            Framer.discard_frame(self)
