"""The outbound state machine: a queue of bytes, producers and the close mark."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import ref

from ._sources import NOT_READY, Buffer, FileProducer, NotReady, OwnedProducer, as_bytes, as_producer

if TYPE_CHECKING:
    from typing import Self


class Producer(Protocol):
    """What ``push_with_producer`` takes: an object with ``more()``."""

    def more(self) -> Buffer | NotReady | None:
        """
        Return the next piece to send; empty or None at the end, after which it is not called again.

        ``NOT_READY`` says that there is none yet: the queue is parked here, until it is resumed.
        """


class QueueOwner(Protocol):
    """The channel that a queue belongs to."""

    def _ac_output_changed(self) -> None:
        """Learn that something was put into the queue past the channel's own methods."""

    def log_info(self, message: Any, type: str = "info") -> None:
        """Log that a producer failed when it was closed."""


class _CloseMark:
    def __repr__(self) -> str:
        return "CLOSE_MARK"


#: What ``ProducerQueue.next_chunk`` returns when all that was queued before the close mark has been sent.
CLOSE_MARK: Final = _CloseMark()

# The deque's own, for what the queue does itself: half the cost of super().
_append, _popleft = deque.append, deque.popleft

# In a shorter queue entries are taken one by one.
_FEW = 8


class simple_producer:  # noqa: N801 - the documented name
    """
    A producer of ``data`` in pieces.

    Args:
        data: bytes or str, as the program likes; the pieces are slices of it.
        buffer_size: the length of a piece, in bytes (PRD-020).
    """

    def __init__(self, data: Any, buffer_size: int = 512) -> None:
        self.data = data
        self.buffer_size = buffer_size
        self._at = 0

    def more(self) -> Any:
        """Return the next piece, empty at the end. An offset walks the data, which is never copied whole."""
        piece = self.data[self._at : self._at + self.buffer_size]
        self._at += len(piece)
        if not piece:
            self.data, self._at = b"", 0
        return piece


class ProducerQueue(deque[Any]):
    """
    Hold what is to be sent, in order, and say which bytes are next.

    It is the deque that async_chat calls ``producer_fifo``: bytes, producers, and None as the close mark. A program may
    look into it, append to it and clear it.

    >>> queue = ProducerQueue()
    >>> queue.push(b"220 ")
    >>> queue.push(b"ready")
    >>> queue.push_close_mark()
    >>> queue.next_chunk(4096)
    b'220 ready'
    >>> queue.sent(4)
    >>> queue.next_chunk(4096)
    b'ready'
    >>> queue.sent(5)
    >>> queue.next_chunk(4096)
    CLOSE_MARK

    Args:
        owner: told when an entry is added past ``push`` and its kin; kept by a weak reference.

    Attributes:
        size: bytes queued, those of producers not counted.
    """

    def __init__(self, owner: QueueOwner | None = None) -> None:
        super().__init__()
        self.size = 0
        self._owner = None if owner is None else ref(owner)
        # The first entry, when part of it has been sent, and how many bytes of it were: it is never re-sliced.
        self._head: bytes | None = None
        self._offset = 0

    # The producer that said NOT_READY and has not been resumed since; how often the queue was resumed.
    _parked: Any = None
    _resumed: int = 0

    @property
    def parked(self) -> bool:
        """Whether the first entry is a producer that is not ready."""
        return self._parked is not None and bool(self) and self[0] is self._parked

    # --- in

    def push(self, data: Buffer) -> None:
        """Queue a copy of ``data``; nothing when it is empty (OUT-004). Raises TypeError for anything but bytes."""
        if type(data) is not bytes:
            data = as_bytes(data)
        if data:
            _append(self, data)
            self.size += len(data)

    def push_all(self, pieces: list[bytes]) -> None:
        """Queue ``pieces``."""
        super().extend(filter(None, pieces))
        self.size += sum(map(len, pieces))

    def push_producer(self, producer: Producer | Iterable[Buffer | NotReady] | Buffer) -> None:
        """Queue a producer, an iterable, or bytes (PRD-012). Raises TypeError for anything else."""
        if isinstance(producer, (bytes, bytearray, memoryview)):
            self.push(producer)
        else:
            _append(self, as_producer(producer))

    def push_close_mark(self) -> None:
        """Queue the end of the channel."""
        _append(self, None)

    # --- out

    def next_chunk(self, limit: int, encoding: str | None = None) -> bytes | FileProducer | _CloseMark:
        """
        Return the bytes to send next, the same until ``sent()`` is told of them.

        Small entries are joined. A producer's ``more()`` runs in here when its turn comes, and not again before its
        last piece was sent (PRD-003, PRD-004); it may push, and that goes to the end of the queue (RNT-004).

        Args:
            limit: bytes at the most.
            encoding: with it, a producer may return str.

        Returns:
            The bytes, empty when nothing is queued or the producer whose turn it is is not ready, or ``CLOSE_MARK``; a
            file itself where that was asked for, until its ``direct`` is false.

        Raises:
            Exception: what ``more()`` raises, and TypeError when it returns something else than bytes. The producer
                has left the queue then: asked again it would fail again, for ever.
        """
        while self:
            first = self[0]
            if type(first) is bytes:
                return self._next_bytes(first, limit)
            if first is None:
                return CLOSE_MARK
            if first is self._parked:
                return b""
            if type(first) is FileProducer and first.direct:
                return first
            piece = self._next_piece(first, encoding)
            if piece is None:
                return b""
            if piece:
                self.put_back(piece)
        return b""

    def sent(self, count: int) -> None:
        """Learn that ``count`` bytes of the last chunk went out; the rest stays at the head (OUT-008)."""
        if not self or type(self[0]) is not bytes:
            return
        head = self[0]
        offset = self._offset + count if head is self._head else count
        self.size -= count
        if offset < len(head):
            self._head, self._offset = head, offset
        else:
            _popleft(self)
            self._head, self._offset = None, 0
            if not self:
                self.size = 0

    def put_back(self, piece: bytes, sent: int = 0) -> None:
        """Put first what came from a producer or past the queue, and of which ``sent`` bytes went out."""
        super().appendleft(piece)
        self.size += len(piece) - sent
        self._head, self._offset = piece, sent

    def resume(self) -> bool:
        """
        Let the producer that said ``NOT_READY`` be asked again.

        Returns:
            Whether the queue was parked. Called within ``more()`` it is not yet, and the answer will not park it.
        """
        parked = self.parked
        self._parked = None
        self._resumed += 1
        return parked

    def clear(self) -> None:
        """Drop everything, the close mark too (DSC-003); generators and files are closed."""
        owned = [entry for entry in self if isinstance(entry, OwnedProducer)]
        super().clear()
        self.size = self._offset = 0
        self._head = self._parked = None
        for entry in owned:
            self._close(entry)

    def _next_bytes(self, first: bytes, limit: int) -> bytes:
        offset = self._offset if first is self._head else 0
        if len(first) - offset >= limit:
            return first[offset : offset + limit]
        if len(self) > 1 and type(self[1]) is bytes:
            first = self._join(first[offset:] if offset else first, limit)
            offset = 0
        return first[offset:] if offset else first

    def _join(self, first: bytes, limit: int) -> bytes:
        """Put as many entries as ``limit`` allows into one, so that they leave in one send."""
        _popleft(self)
        parts = self._take_alike(limit - len(first))
        room = limit - len(first) - sum(map(len, parts))
        while self and type(self[0]) is bytes and len(self[0]) <= room:
            part = _popleft(self)
            parts.append(part)
            room -= len(part)
        joined = b"".join((first, *parts)) if parts else first
        super().appendleft(joined)
        self._head, self._offset = None, 0
        return joined

    def _take_alike(self, room: int) -> list[bytes]:
        """Take so many entries as fit if all are as long as the mean, in C; none when that guess is wrong."""
        if len(self) < _FEW or not self.size:
            return []
        parts = list(map(_popleft, repeat(self, min(len(self), room * len(self) // self.size))))
        if set(map(type, parts)) != {bytes} or sum(map(len, parts)) > room:
            super().extendleft(reversed(parts))
            return []
        return parts

    def _next_piece(self, producer: Any, encoding: str | None) -> bytes | None:
        """
        Ask the producer at the head.

        Returns:
            b"" when it is done or was discarded meanwhile (DSC-009, CLS-007), None when it is not ready.
        """
        if isinstance(producer, (bytearray, memoryview)):
            # Appended past push(), as old programs may.
            _popleft(self)
            return as_bytes(producer)
        try:
            resumed = self._resumed
            piece = producer.more()
            if piece is NOT_READY:
                return self._park(producer, resumed)
            if isinstance(piece, str) and encoding is not None:
                piece = piece.encode(encoding)
            if piece is None:
                piece = b""
            elif type(piece) is not bytes:
                piece = as_bytes(piece, f"what {producer!r:.60}.more() returns")
        except BaseException:
            self.drop(producer)
            raise
        if not self or self[0] is not producer:
            return b""
        if not piece:
            self.drop(producer)
        return piece

    def _park(self, producer: Any, resumed: int) -> bytes | None:
        """Wait for ``resume()``, unless it was called while the producer was asked."""
        if not self or self[0] is not producer:
            return b""
        if resumed == self._resumed:
            self._parked = producer
        return None

    def drop(self, producer: Any) -> None:
        """Take the first entry out, if it is still this one, and close it."""
        if self and self[0] is producer:
            _popleft(self)
            if isinstance(producer, OwnedProducer):
                self._close(producer)

    def _close(self, producer: OwnedProducer) -> None:
        try:
            producer.close()
        except Exception as error:
            owner = self._get_owner()
            if owner is None:
                raise
            owner.log_info(f"{producer!r} failed to close: {error!r}", "error")

    # --- what a program does itself: tell the loop of what is new, and let it find what is left of the first entry

    def append(self, entry: Any, /) -> None:
        super().append(entry)
        self._tell()

    def appendleft(self, entry: Any, /) -> None:
        self._cut_first()
        super().appendleft(entry)
        self._tell()

    def extend(self, entries: Iterable[Any], /) -> None:
        super().extend(entries)
        self._tell()

    def extendleft(self, entries: Iterable[Any], /) -> None:
        self._cut_first()
        super().extendleft(entries)
        self._tell()

    def insert(self, index: int, entry: Any, /) -> None:
        self._cut_first()
        super().insert(index, entry)
        self._tell()

    def __iadd__(self, entries: Iterable[Any], /) -> Self:
        self.extend(entries)
        return self

    def popleft(self) -> Any:
        self._cut_first()
        return super().popleft()

    def pop(self) -> Any:  # type: ignore[override]
        self._cut_first()
        return super().pop()

    def __setitem__(self, index: Any, entry: Any, /) -> None:
        self._cut_first()
        super().__setitem__(index, entry)
        self._tell()

    def __delitem__(self, index: Any, /) -> None:
        self._cut_first()
        super().__delitem__(index)

    def _cut_first(self) -> None:
        """Put what is left of an entry that was partly sent in its place, so that it may be moved or taken away."""
        if self._head is not None and self and self[0] is self._head:
            super().__setitem__(0, self._head[self._offset :])
        self._head, self._offset, self._parked = None, 0, None

    def _tell(self) -> None:
        owner = self._get_owner()
        if owner is not None:
            owner._ac_output_changed()

    def _get_owner(self) -> QueueOwner | None:
        return None if self._owner is None else self._owner()
