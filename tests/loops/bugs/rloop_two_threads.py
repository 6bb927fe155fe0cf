"""rloop 0.5.0: loops in several threads, each with its own, fail within seconds."""

from __future__ import annotations

import threading

import rloop

failures = []


def many_runs() -> None:
    loop = rloop.new_event_loop()
    try:
        for _ in range(20_000):
            loop.call_soon(loop.stop)
            loop.run_forever()
    except Exception as error:
        failures.append(error)


threads = [threading.Thread(target=many_runs) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert failures  # OSError: Bad file descriptor, or an UnboundLocalError after it
