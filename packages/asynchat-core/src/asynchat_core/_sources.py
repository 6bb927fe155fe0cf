"""What a queue of output takes: bytes, and what gives them piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, Final, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview


# A piece of a file that is read, in bytes.
_FILE_PIECE = 65536


class NotReady:
    """The type of ``NOT_READY``."""

    def __repr__(self) -> str:
        return "NOT_READY"


#: What a producer returns when its next piece is not here yet; ``resume_producer()`` asks it again (PRD-101).
NOT_READY: Final = NotReady()


def as_bytes(data: object, what: str = "data") -> bytes:
    """
    Return bytes-like ``data`` as bytes of its own: a later change of it changes nothing (OUT-005, OUT-014).

    Raises:
        TypeError: it is not bytes, bytearray or memoryview (OUT-003).
    """
    if type(data) is bytes:
        return data
    if isinstance(data, (bytes, bytearray, memoryview)):
        return memoryview(data).tobytes()
    fix = "; encode it first" if isinstance(data, str) else ""
    raise TypeError(f"{what} must be bytes, bytearray or memoryview, not {type(data).__name__}: {data!r:.60}{fix}")


class OwnedProducer:
    """A producer of the queue's own, which it closes when that has ended or is dropped."""

    def close(self) -> None:
        """Give up what it holds; harmless when that was done."""


class IterableProducer(OwnedProducer):
    """
    A producer of the items of an iterable; an empty one ends nothing.

    Args:
        items: of bytes, bytearray, memoryview, or ``NOT_READY``. A generator is closed with its channel.
    """

    def __init__(self, items: Iterable[Any]) -> None:
        self._iterator = iter(items)
        self._running = self._dropped = False

    def __repr__(self) -> str:
        return f"<producer of {self._iterator!r}>"

    def more(self) -> Any:
        """Return the next item that is not empty. Raises what the iterator does, TypeError for another item."""
        self._running = True
        try:
            for item in self._iterator:
                if self._dropped:
                    break
                if type(item) is not bytes and item is not NOT_READY:
                    item = as_bytes(item, f"what {self._iterator!r:.60} yields")
                if item:
                    return item
            return b""
        finally:
            self._running = False
            if self._dropped:
                self.close()

    def close(self) -> None:
        """Close a generator; as soon as it yields, when it is the one that closes its channel."""
        self._dropped = True
        if not self._running and isinstance(self._iterator, Generator):
            self._iterator.close()


class FileProducer(OwnedProducer):
    """
    A producer of a part of a file, which is closed at its end, and with its channel.

    Args:
        file: opened in binary mode, with ``read()``, ``seek()``, ``tell()`` and ``close()``.
        offset: where to begin, in bytes; None for the file's position.
        count: how many bytes; None for all up to the end of the file as it is when that is reached.
        direct: let ``ProducerQueue.next_chunk`` return this object, for a channel that can send of a file.

    Attributes:
        offset: of the next byte to send.
        left: bytes still to send, None for all there are.

    Raises:
        TypeError: not a file opened in binary mode.
        ValueError: the file has no position, as a pipe, or a number is negative.
    """

    def __init__(self, file: Any, offset: int | None = None, count: int | None = None, direct: bool = False) -> None:
        for name, number in (("offset", offset), ("count", count)):
            if number is not None and number < 0:
                raise ValueError(f"{name} = {number!r} is negative; it is a number of bytes, or None")
        try:
            binary = not isinstance(file.read(0), str)
            self.offset: int = file.tell() if offset is None else offset
            # A file that is also written gives its buffer to the system here.
            file.seek(self.offset)
        except AttributeError:
            binary = False
        except OSError as error:
            raise ValueError(f"{file!r:.60} has no position to send from ({error}); push what is read of it") from None
        if not binary:
            raise TypeError(
                f"push_file needs a file, opened in binary mode ('rb'), not {type(file).__name__} {file!r:.60}"
            )
        self.file, self.left, self.direct = file, count, direct

    def __repr__(self) -> str:
        return f"<producer of {self.file!r}>"

    def send(self, send_file: Callable[[Any, int, int], int], limit: int) -> int:
        """
        Send of the file directly; whatever ends that, its end too, is left to ``more()``.

        Args:
            send_file: given the file, an offset and a count, as ``filesending.send_file``.
            limit: bytes at the most.

        Returns:
            How many were taken; with 0 ``direct`` is false now.
        """
        size = self._size_of_next(limit)
        try:
            taken = send_file(self.file, self.offset, size) if size else 0
        except NotImplementedError:
            taken = 0
        self._advance(taken)
        self.direct = taken > 0
        return taken

    def more(self) -> bytes:
        """Read the next piece. Raises EOFError when the file ends before ``count``, and what its methods raise."""
        size = self._size_of_next(_FILE_PIECE)
        if not size:
            return b""
        self.file.seek(self.offset)
        piece: bytes = self.file.read(size)
        if not piece and self.left is not None:
            raise EOFError(f"{self.file!r:.60} ended at {self.offset}, {self.left} bytes before what was to be sent")
        self._advance(len(piece))
        return piece

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _size_of_next(self, limit: int) -> int:
        return limit if self.left is None else min(limit, self.left)

    def _advance(self, count: int) -> None:
        self.offset += count
        if self.left is not None:
            self.left -= count


def as_producer(source: Any) -> Any:
    """
    Return an object with ``more()`` for what a program queues.

    Raises:
        TypeError: it is neither a producer nor iterable.
    """
    if callable(getattr(source, "more", None)):
        return source
    if isinstance(source, Iterable) and not isinstance(source, str):
        return IterableProducer(source)
    fix = "; encode it first" if isinstance(source, str) else ""
    raise TypeError(
        "a producer needs a method more() that returns bytes, or to be an iterable of bytes; "
        f"{type(source).__name__} {source!r:.60} is neither{fix}"
    )
