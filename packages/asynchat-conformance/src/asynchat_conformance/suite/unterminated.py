"""NON: no terminator."""

from __future__ import annotations

import tracemalloc
from typing import Any

from .._events import DATA, END
from .._registry import Level, check
from .._rig import Rig


@check("NON-001", Level.MUST)
def none(rig: Rig) -> None:
    """None delivers everything and never ends."""
    rig.expect(rig.feed(rig.chat(None), b"a\r\n", b"\r\nb"), [DATA(b"a\r\n\r\nb")])


@check("NON-002", Level.COMPAT)
def empty_bytes(rig: Rig) -> None:
    """Empty bytes are the same as None."""
    rig.expect(rig.feed(rig.chat(b""), b"a\n", b"b"), [DATA(b"a\nb")])


@check("NON-003", Level.MUST)
def a_terminator_after_none(rig: Rig) -> None:
    """After None, a new terminator applies to later bytes only."""
    channel = rig.chat(None)
    rig.feed(channel, b"a\nb")
    channel.set_terminator(b"\n")

    rig.expect(rig.feed(channel, b"c\nd"), [DATA(b"a\nbc"), END, DATA(b"d")])


@check("NON-004", Level.MUST, slow=True)
def a_stream_costs_no_memory(rig: Rig) -> None:
    """None over 64 MiB keeps the memory flat."""
    seen = [0]

    def count(channel: Any, data: bytes) -> None:
        seen[0] += len(data)
        channel.events.clear()

    channel = rig.chat(None, collect=count)
    piece = b"x" * (1 << 20)
    rig.send_all(channel, piece)
    tracemalloc.start()
    try:
        for _ in range(63):
            rig.send_all(channel, piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    rig.expect(seen, [64 << 20])
    assert peak < 4 << 20, f"{peak} bytes"
