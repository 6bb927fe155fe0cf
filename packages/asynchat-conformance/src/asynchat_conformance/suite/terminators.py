"""TRM: changing the terminator."""

from __future__ import annotations

from .._events import DATA, END
from .._registry import Level, check
from .._rig import Rig


@check("TRM-001", Level.MUST)
def new_terminator_applies_to_buffered_bytes(rig: Rig) -> None:
    """A terminator set in found_terminator applies to bytes already buffered."""
    channel = rig.chat(b"\n", found=lambda ch: ch.set_terminator(b";"))

    trace = rig.feed(channel, b"a\nb;c")

    rig.expect(trace, [DATA(b"a"), END, DATA(b"b"), END, DATA(b"c")])
