"""Mutants that cut the stream wrongly."""

from __future__ import annotations

from typing import Any

from ._registry import mutant
from ._sound import Sound


@mutant
def lost_prefix(backend: Sound) -> None:
    """The possible begin of a terminator at the end of a read is dropped."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        more = old(self, data, frames)
        if not more:
            self.ac_in_buffer = b""
        return more

    backend.chat_with(_ac_feed=feed)


@mutant
def eager_prefix(backend: Sound) -> None:
    """The possible begin of a terminator is delivered at once."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        more = old(self, data, frames)
        held = self.ac_in_buffer
        if not more and held and self.connected:
            self.ac_in_buffer = b""
            self.collect_incoming_data(held)
        return more

    backend.chat_with(_ac_feed=feed)


@mutant
def holds_everything(backend: Sound) -> None:
    """Nothing is delivered before the end of its frame."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        term = self.terminator
        kept = self.__dict__.pop("_kept", b"") + data
        if isinstance(term, bytes) and term and term not in kept:
            self._kept = kept
            return False
        if type(term) is int and 0 < len(kept) < term:
            self._kept = kept
            return False
        return old(self, kept, frames)

    backend.chat_with(_ac_feed=feed)


@mutant
def delivers_the_terminator(backend: Sound) -> None:
    """The terminator is delivered as a part of its frame."""

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name == "found_terminator" and type(self.terminator) is bytes and self.terminator:
                self.collect_incoming_data(self.terminator)
            return value

    backend.async_chat = Chat


@mutant
def empty_pieces(backend: Sound) -> None:
    """collect_incoming_data is called before each end, also with nothing."""

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name == "found_terminator":
                self.collect_incoming_data(b"")
            return value

    backend.async_chat = Chat


@mutant
def one_frame_a_read(backend: Sound) -> None:
    """The rest of a read waits for more bytes once a frame has ended."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        old(self, data, 1)
        return False

    backend.chat_with(_ac_feed=feed)


@mutant
def stale_terminator(backend: Sound) -> None:
    """A terminator set in a callback applies from the next read on."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        self._feeding = True
        try:
            return old(self, data, frames)
        finally:
            self._feeding = False
            if hasattr(self, "_next"):
                self.terminator = self._next
                del self._next

    def set_terminator(self: Any, old: Any, term: Any) -> None:
        before = getattr(self, "terminator", None)
        old(self, term)
        if getattr(self, "_feeding", False):
            self._next = self.terminator
            self.terminator = before

    backend.chat_with(_ac_feed=feed, set_terminator=set_terminator)


@mutant
def sticky_count(backend: Sound) -> None:
    """A count is in force again after it fired."""

    def found_count(self: Any, old: Any, term: Any) -> None:
        old(self, term)
        self._count = term if type(term) is int else 0

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name == "found_terminator" and self.get_terminator() == 0 and getattr(self, "_count", 0):
                setattr(self, "terminator", self._count)  # noqa: B010 - a type checker has no type for it here
            return value

    backend.async_chat = Chat
    backend.chat_with(set_terminator=found_count)


@mutant
def count_off_by_one(backend: Sound) -> None:
    """A count takes one byte too many."""

    def set_terminator(self: Any, old: Any, term: Any) -> None:
        old(self, term + 1 if type(term) is int and term > 0 else term)

    backend.chat_with(set_terminator=set_terminator)


@mutant
def zero_ends_at_once(backend: Sound) -> None:
    """A count of 0 ends an empty frame for each read."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        if self.terminator == 0 and data:
            self.found_terminator()
        return old(self, data, frames)

    backend.chat_with(_ac_feed=feed)


@mutant
def none_ends_at_reads(backend: Sound) -> None:
    """Without a terminator each read is a frame."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        without = not self.terminator
        more = old(self, data, frames)
        if without and data and self.connected:
            self.found_terminator()
        return more

    backend.chat_with(_ac_feed=feed)


@mutant
def stripped_zeros(backend: Sound) -> None:
    """NUL bytes are taken for padding."""

    def recv(self: Any, old: Any, size: int) -> Any:
        data = old(self, size)
        return data.replace(b"\0", b"") if data != b"\0" else data

    backend.chat_with(recv=recv)


@mutant
def last_occurrence(backend: Sound) -> None:
    """The last terminator of a read ends the frame, not the first."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        term = self.terminator
        if isinstance(term, bytes) and term and data.count(term) > 1:
            head, _, tail = data.rpartition(term)
            data = head.replace(term, b"") + term + tail
        return old(self, data, frames)

    backend.chat_with(_ac_feed=feed)


@mutant
def reused_buffer(backend: Sound) -> None:
    """The object given to collect_incoming_data is changed afterwards."""

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name != "collect_incoming_data":
                return value

            def call(data: bytes) -> None:
                buffer = bytearray(data)
                value(buffer)
                buffer[:] = b"#" * len(buffer)

            return call

    backend.async_chat = Chat


@mutant
def data_after_its_end(backend: Sound) -> None:
    """found_terminator runs before the last piece of its frame."""

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name == "collect_incoming_data":

                def keep(data: bytes) -> None:
                    self.__dict__.setdefault("_late", []).append(data)

                return keep
            if name == "found_terminator":

                def end() -> None:
                    value()
                    late = self.__dict__.pop("_late", [])
                    for data in late:
                        super(Chat, self).__getattribute__("collect_incoming_data")(data)

                return end
            return value

    backend.async_chat = Chat


@mutant
def long_frames_cut(backend: Sound) -> None:
    """What a frame has beyond 1 MiB is lost."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        self._seen = getattr(self, "_seen", 0) + len(data)
        if self._seen > 1 << 20 and self.terminator and self.terminator not in data:
            return False
        return old(self, data, frames)

    backend.chat_with(_ac_feed=feed)


@mutant
def long_terminators_cut(backend: Sound) -> None:
    """Of a terminator only the first 8 bytes count."""

    def set_terminator(self: Any, old: Any, term: Any) -> None:
        old(self, term[:8] if isinstance(term, bytes) else term)

    backend.chat_with(set_terminator=set_terminator)


@mutant
def recursive_frames(backend: Sound) -> None:
    """Each frame is handled inside the one before."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        more = old(self, data, 1)
        return self._ac_feed(b"") if more and self.connected else False

    backend.chat_with(_ac_feed=feed)


@mutant
def slow_search(backend: Sound) -> None:
    """All input of a stream is kept, for ever."""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        self._all = getattr(self, "_all", b"") + data
        return old(self, data, frames)

    backend.chat_with(_ac_feed=feed)


@mutant
def huge_counts_allocated(backend: Sound) -> None:
    """The buffer for a count is made when the count is set."""

    def set_terminator(self: Any, old: Any, term: Any) -> None:
        old(self, term)
        if type(term) is int and term > 0:
            self._room = bytearray(min(term, 1 << 27))

    backend.chat_with(set_terminator=set_terminator)


@mutant
def terminator_of_the_class(backend: Sound) -> None:
    """The terminator belongs to all channels."""
    shared: list[Any] = [None]

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        @property
        def terminator(self) -> Any:
            return shared[0]

        @terminator.setter
        def terminator(self, value: Any) -> None:
            shared[0] = value

    backend.async_chat = Chat


@mutant
def same_terminator_restarts(backend: Sound) -> None:
    """set_terminator drops what is held."""

    def set_terminator(self: Any, old: Any, term: Any) -> None:
        old(self, term)
        if not getattr(self, "_feeding", False):
            self.ac_in_buffer = b""

    def feed(self: Any, old: Any, data: bytes, frames: Any = None) -> Any:
        self._feeding = True
        try:
            return old(self, data, frames)
        finally:
            self._feeding = False

    backend.chat_with(set_terminator=set_terminator, _ac_feed=feed)


@mutant
def pending_found_lost(backend: Sound) -> None:
    """A change of the terminator in collect_incoming_data loses the found_terminator that is due."""

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name == "found_terminator" and self.__dict__.pop("_skip", False):
                return lambda: None
            if name != "collect_incoming_data":
                return value

            def call(data: bytes) -> None:
                before = self.terminator
                value(data)
                self._skip = self.terminator is not before

            return call

    backend.async_chat = Chat
