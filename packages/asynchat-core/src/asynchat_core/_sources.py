"""What a queue of output takes: bytes, and what gives them piece by piece."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Final, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview


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
