"""uvloop 0.23.0: for a time within a millisecond call_at returns a Handle, which has no when()."""

from __future__ import annotations

import uvloop

loop = uvloop.new_event_loop()
handle = loop.call_at(loop.time() + 0.0001, print)
assert not hasattr(handle, "when")  # asyncio: a TimerHandle
