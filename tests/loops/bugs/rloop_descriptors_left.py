"""rloop 0.5.0: a loop that was closed keeps its epoll and its eventfd."""

from __future__ import annotations

import gc
from pathlib import Path

import rloop


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


before = descriptors()
for _ in range(10):
    rloop.new_event_loop().close()
gc.collect()
assert descriptors() == before + 20  # asyncio: before
