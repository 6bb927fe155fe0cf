"""uvloop 0.23.0: on POLLERR it stops watching a descriptor that add_reader still has, and says nothing."""

from __future__ import annotations

import socket

import uvloop

listener = socket.create_server(("127.0.0.1", 0))
ours = socket.create_connection(listener.getsockname())
peer = listener.accept()[0]
loop, calls = uvloop.new_event_loop(), []
loop.add_reader(ours.fileno(), calls.append, "ready")  # level-triggered: again and again until it is read
ours.send(b"never read")
peer.close()  # with input unread: a reset
loop.call_later(0.3, loop.stop)
loop.run_forever()
assert len(calls) <= 1  # asyncio: thousands
