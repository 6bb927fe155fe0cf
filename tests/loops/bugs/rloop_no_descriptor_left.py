"""rloop 0.5.0: run_forever() without a free descriptor raises UnboundLocalError, and the loop runs for ever after."""

from __future__ import annotations

import resource

import rloop

loop = rloop.new_event_loop()
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
try:
    loop.run_forever()
except UnboundLocalError as error:  # asyncio needs none
    print(error)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
assert loop.is_running()
