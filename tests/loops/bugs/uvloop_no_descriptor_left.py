"""uvloop 0.23.0: run_forever() without a free descriptor raises, and the loop is "already running" ever after."""

from __future__ import annotations

import resource

import uvloop

loop = uvloop.new_event_loop()
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
try:
    loop.run_forever()
except OSError as error:  # asyncio needs none
    print(error)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
assert loop.is_running()
