"""Framers and channels in memory: no kernel, no descriptor, no clock. Each keeps a trace of its callbacks."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from asynchat_core import ChatMixin, Framer
from asynchat_core.agenda import Agenda, Timer
from asynchat_core.sockets import SocketChannel

#: What happened, in order: bytes for a piece of data, a word for any other callback.
Trace: TypeAlias = list[bytes | str]
END = "end"
TRAILING = b"~~~~"


def nothing(machine: Any) -> None:
    """Do nothing: what a callback does unless a test says otherwise."""


def when(data: bytes, action: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return a callback that does something when the last data delivered is ``data``."""
    return lambda machine: action(machine) if machine.last == data else None


def merged(trace: Iterable[bytes | str]) -> Trace:
    """Join the pieces of data that follow each other: how a frame was cut does not matter."""
    joined: Trace = []
    for event in trace:
        last = joined[-1] if joined else END
        if isinstance(event, bytes) and isinstance(last, bytes):
            joined[-1] = last + event
        else:
            joined.append(event)
    return joined


def data_of(trace: Iterable[bytes | str]) -> bytes:
    """Return all data of a trace."""
    return b"".join(event for event in trace if isinstance(event, bytes))


def slow_prefix_at_end(haystack: Any, needle: Any) -> int:
    """Do what ``find_prefix_at_end`` does, by its definition."""
    return next((n for n in range(len(needle) - 1, 0, -1) if haystack.endswith(needle[:n])), 0)


class Recorder(Framer):
    """
    A framer that writes down its callbacks.

    Args:
        terminator: the first one.
        found: called with the recorder in each ``found_terminator``, ``collect`` in each ``collect_incoming_data``.
        too_long: called with the recorder and the size, in place of the default ``handle_frame_too_long``.
        settings: attributes to set.
    """

    def __init__(
        self,
        terminator: Any = None,
        *,
        found: Callable[[Any], object] = nothing,
        collect: Callable[[Any], object] = nothing,
        too_long: Callable[[Any, int], object] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.trace: Trace = []
        self.found, self.collect, self.too_long = found, collect, too_long
        for name, value in settings.items():
            setattr(self, name, value)
        self.set_terminator(terminator)

    @property
    def last(self) -> bytes | str:
        """The last data delivered."""
        return next((event for event in reversed(self.trace) if event != END), b"")

    def collect_incoming_data(self, data: bytes) -> None:
        # Never empty, and always bytes of its own: FRM-006, FRM-018.
        assert data
        assert type(data) is bytes
        self.trace.append(data)
        self.collect(self)

    def found_terminator(self) -> None:
        self.trace.append(END)
        self.found(self)

    def handle_frame_too_long(self, size: int) -> None:
        self.trace.append(f"too long: {size}")
        if self.too_long is None:
            super().handle_frame_too_long(size)
        else:
            self.too_long(self, size)


class Frames(Framer):
    """A framer that is told of whole frames."""

    def __init__(self, terminator: Any = None) -> None:
        super().__init__()
        self.trace: Trace = []
        self.set_terminator(terminator)

    def frame_received(self, frame: bytes) -> None:
        self.trace.append(frame)


def three_ways(make: Callable[[], Any], stream: bytes, expected: Trace) -> None:
    """
    Hold a framer to a merged trace, with the stream whole, byte by byte, and with bytes behind it in the same chunk.

    Of the trailing bytes none may be lost. They must not complete a frame by bytes.
    """
    whole, bytewise, trailed = make(), make(), make()
    whole.feed(stream)
    for at in range(len(stream)):
        bytewise.feed(stream[at : at + 1])
    trailed.feed(stream + TRAILING)

    assert expected == merged(whole.trace)
    assert expected == merged(bytewise.trace)
    assert whole.ac_in_buffer == bytewise.ac_in_buffer
    assert expected == merged(_without_trailing(trailed.trace, len(data_of(whole.trace)), len(expected)))
    unseen = data_of(whole.trace) + whole.ac_in_buffer
    assert unseen + TRAILING == data_of(trailed.trace) + trailed.ac_in_buffer


def _without_trailing(trace: Trace, length: int, events: int) -> Trace:
    """Cut a merged trace to its first ``events``, and to ``length`` bytes of data."""
    kept: Trace = []
    for event in merged(trace)[:events]:
        kept.append(event[:length] if isinstance(event, bytes) else event)
        length -= len(event) if isinstance(event, bytes) else 0
    return kept


class Wire:
    """
    A socket in memory, for one channel.

    Args:
        arriving: what ``recv`` gives: bytes, as many as asked for and the rest next time; b"" for the end of the
            stream; exceptions, which it raises. After the last it raises BlockingIOError.
        takes: how many bytes each ``send`` takes, or what it raises. After the last it takes everything.

    Attributes:
        sent: what each ``send`` took, in order.
        offered: how many bytes each ``send`` was given.
    """

    def __init__(self, arriving: Sequence[Any] = (), takes: Sequence[Any] = ()) -> None:
        self.arriving: deque[Any] = deque(arriving)
        self.takes: deque[Any] = deque(takes)
        self.sent: list[bytes] = []
        self.offered: list[int] = []
        self.asked: list[int] = []
        self.closed = False

    @property
    def output(self) -> bytes:
        """All that was sent."""
        return b"".join(self.sent)

    def recv(self, size: int) -> bytes:
        self.asked.append(size)
        if not self.arriving:
            raise BlockingIOError
        first = self.arriving.popleft()
        if isinstance(first, BaseException):
            raise first
        if len(first) > size:
            self.arriving.appendleft(first[size:])
        piece: bytes = first[:size]
        return piece

    def send(self, data: bytes) -> int:
        assert not self.closed
        self.offered.append(len(data))
        room = self.takes.popleft() if self.takes else len(data)
        if isinstance(room, BaseException):
            raise room
        self.sent.append(data[:room])
        return min(room, len(data))

    def close(self) -> None:
        self.closed = True


class MemoryChannel(SocketChannel):
    """A dispatcher on a ``Wire``: what its loop would learn and do is counted, or done by hand."""

    socket: Any
    debug = False

    def __init__(self, wire: Any) -> None:
        self.connected = True
        self.accepting = self.connecting = False
        self.addr = None
        self._fileno = 7
        self._map = {7: self}
        self.socket = wire
        self.agenda = Agenda()
        #: How often the channel told its loop that its interest may have changed, and asked to read on.
        self.interest_changes = 0
        self.reading_on = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return not self.connected

    def add_channel(self, map: Any = None) -> None:
        self._fileno = 7
        self._map[7] = self

    def del_channel(self, map: Any = None) -> None:
        self._fileno = None
        self._map.pop(7, None)

    def close(self) -> None:
        self.connected = self.connecting = False
        self.del_channel()
        self.socket.close()

    def _ac_call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        return self.agenda.call_later(delay, callback)

    def _ac_output_changed(self) -> None:
        self.interest_changes += 1

    def _ac_read_on_later(self) -> None:
        self.reading_on += 1

    def _ac_is_driven(self) -> bool:
        return True

    def _ac_check_thread(self) -> None:
        pass


class Chat(ChatMixin, MemoryChannel):
    """
    An async_chat in memory that writes down its callbacks.

    Args:
        terminator: the first one.
        wire: its socket; None for a new one that takes everything.
        callbacks: by the name of a method without ``handle_``, what it is to do behind writing itself down.
    """

    wire: Any

    def __init__(self, terminator: Any = None, wire: Any = None, /, **callbacks: Callable[[Any], object]) -> None:
        self._ac_init_chat()
        self.trace: Trace = []
        self.logged: list[str] = []
        self.callbacks = callbacks
        self.wire = Wire() if wire is None else wire
        MemoryChannel.__init__(self, self.wire)
        self.set_terminator(terminator)

    @property
    def last(self) -> bytes | str:
        """The last data delivered."""
        return next((event for event in reversed(self.trace) if event != END), b"")

    def read(self, *arriving: Any) -> None:
        """Let something arrive, and be read in as many readings as there are pieces of it."""
        for piece in arriving:
            self.wire.arriving.append(piece)
            self.handle_read_event()

    def collect_incoming_data(self, data: bytes) -> None:
        self._note(data, "collect")

    def found_terminator(self) -> None:
        self._note(END, "found")

    def handle_close(self) -> None:
        self._note("close", "close")
        super().handle_close()

    def handle_error(self) -> None:
        self._note(f"error: {sys.exc_info()[1]!r}", "error")
        if "error" not in self.callbacks:
            self.close()

    def handle_output_paused(self) -> None:
        self._note("paused", "output_paused")

    def handle_output_resumed(self) -> None:
        self._note("resumed", "output_resumed")

    def eof_received(self, partial: bytes) -> None:
        self._note(f"eof: {partial!r}", "eof")

    def handle_timeout(self, kind: str) -> None:
        self._note(f"time-out: {kind}", "timeout")
        super().handle_timeout(kind)

    def log_info(self, message: Any, type: str = "info") -> None:
        self.logged.append(f"{type}: {message}")

    def _note(self, event: bytes | str, callback: str) -> None:
        self.trace.append(event)
        self.callbacks.get(callback, nothing)(self)


class Pieces:
    """A producer of ready-made pieces; what is callable or an exception among them is called or raised."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = deque(pieces)
        self.asked = 0

    def more(self) -> Any:
        self.asked += 1
        piece = self.pieces.popleft() if self.pieces else b""
        if isinstance(piece, BaseException):
            raise piece
        return piece() if callable(piece) else piece
