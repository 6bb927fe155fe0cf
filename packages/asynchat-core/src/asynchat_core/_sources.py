"""What a queue of output takes: bytes, and what gives them piece by piece."""

from __future__ import annotations

from typing import Final, TypeAlias

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
