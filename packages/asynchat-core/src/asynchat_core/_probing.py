"""
How to look for a terminator: by one of its bytes.

To look for a single byte runs at memory speed (memchr), bytes.find for more of them does not, by a factor of twenty.
The byte is the terminator's last, until that proves too frequent; then its rarest.
"""

from __future__ import annotations

from typing import TypeAlias

# So many hits that were no terminator, and one more for each so many bytes, show a byte too frequent to look for.
_FALSE_HITS = 4
_BYTES_PER_FALSE_HIT = 4096
# So many bytes of a terminator are considered when its last one is too frequent.
_PROBED_BYTES = 8

# A terminator, its length, the index of the byte of it to look for, that byte, and its first byte.
Probing: TypeAlias = tuple[bytes, int, int, bytes, bytes]
# Compared by identity; empty bytes would be the same object as an empty terminator.
NOTHING_KNOWN: Probing = b"nothing known", 0, 0, b"", b""


def probing(term: bytes, index: int) -> Probing:
    """Look for ``term`` by its byte at ``index``."""
    index %= len(term)
    return term, len(term), index, term[index : index + 1], term[:1]


def search_on(chunk: bytes, at: int, end: int, known: Probing) -> tuple[int, Probing | None]:
    """
    Go on after a hit at ``end`` that was no terminator.

    Args:
        chunk: what to search, from ``at`` on.
        at: where the frame begins.
        end: where the terminator would have begun.
        known: how it was looked for.

    Returns:
        Where the first terminator begins, less than ``at`` when there is none, and how to look for it from now on; None
        for the second when no single byte of it is rare enough.
    """
    term, _, back, probe, _ = known
    for _ in range(_FALSE_HITS + (len(chunk) - at) // _BYTES_PER_FALSE_HIT):
        end = chunk.find(probe, end + back + 1) - back
        if end < at or chunk.startswith(term, end):
            return end, known
    counts = [chunk.count(term[index : index + 1], at) for index in range(min(len(term), _PROBED_BYTES))]
    rare = min(counts) * _BYTES_PER_FALSE_HIT <= len(chunk)
    return chunk.find(term, at), probing(term, counts.index(min(counts))) if rare else None
