"""rloop 0.5.0: each run leaves two sockets to the garbage collector, with a warning."""

from __future__ import annotations

import warnings

import rloop

loop = rloop.new_event_loop()
loop.call_soon(loop.stop)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    loop.run_forever()
assert [warning.category for warning in caught] == [ResourceWarning, ResourceWarning]
