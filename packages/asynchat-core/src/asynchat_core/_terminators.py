"""What may end a frame, and the part of a terminator that a chunk may end with."""

from __future__ import annotations

from functools import lru_cache
from typing import AnyStr, TypeAlias

Terminator: TypeAlias = bytes | int | None

# After so many places where a prefix could begin and did not, the linear scan takes over.
_QUICK_TRIES = 16


def check_terminator(value: object) -> Terminator:
    """
    Return the terminator that a program gave, as the framer keeps it.

    A buffer is copied, so that a later change of it changes nothing (FRM-016).

    Raises:
        TypeError: not bytes, bytearray, memoryview, int or None (API-007).
        ValueError: a negative count (API-006).
    """
    if value is None or type(value) is bytes:
        return value
    if isinstance(value, int):
        if value < 0:
            raise ValueError(f"terminator {value} is negative: give a count of bytes, or None to collect without end")
        return int(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    hint = f"; use {value.encode()!r}" if isinstance(value, str) else ""
    raise TypeError(f"terminator {value!r} is {type(value).__name__}, not bytes, int or None{hint}")


def find_prefix_at_end(haystack: AnyStr, needle: AnyStr) -> int:
    """
    Return the length of the longest proper prefix of ``needle`` that ``haystack`` ends with, 0 for none.

    Bytes and str both work. The time is linear in ``len(needle)``, also for one repeated byte.
    """
    first = needle[:1]
    at = haystack.find(first, max(0, len(haystack) - len(needle) + 1)) if first else -1
    for _ in range(_QUICK_TRIES):
        if at < 0:
            return 0
        if needle.startswith(haystack[at:]):
            return len(haystack) - at
        at = haystack.find(first, at + 1)
    return _scan_prefix_at_end(haystack[at:], needle) if at >= 0 else 0


def _scan_prefix_at_end(haystack: AnyStr, needle: AnyStr) -> int:
    """Do the same by the Knuth-Morris-Pratt automaton: slower to start, linear whatever the text."""
    borders = _borders(needle)
    matched = 0
    for symbol in haystack:
        while matched and symbol != needle[matched]:
            matched = borders[matched - 1]
        matched += symbol == needle[matched]
    return matched


@lru_cache(maxsize=8)
def _borders(needle: AnyStr) -> list[int]:
    """Return, for each prefix of ``needle``, the length of its longest proper prefix that is also its suffix."""
    borders = [0]
    matched = 0
    for symbol in needle[1:]:
        while matched and symbol != needle[matched]:
            matched = borders[matched - 1]
        matched += symbol == needle[matched]
        borders.append(matched)
    return borders
