"""rloop 0.5.0: stopped before it runs, it does not look at its descriptors. asyncio documents that it does, once."""

from __future__ import annotations

import socket

import rloop

loop = rloop.new_event_loop()
ours, peer = socket.socketpair()
read = []
loop.add_reader(ours.fileno(), lambda: read.append(ours.recv(10)))
peer.send(b"hello")
for _ in range(10):
    loop.stop()
    loop.run_forever()
assert read == []  # asyncio, uvloop: [b"hello"]
