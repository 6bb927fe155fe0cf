"""The process of one server in Python: ``server.py CANDIDATE SERVER CONNECTIONS`` prints its port and serves."""

from __future__ import annotations

import logging
import resource
import sys
from collections.abc import Callable

import chats
import frameworks
import peers

_PLAIN = ("lines", "bodies", "pushes", "room")
_COALESCED = ("lines", "bodies", "room")
_AWAITED = ("lines", "bodies", "producer")
#: The peers, each with the module it needs and the servers it has.
PEERS: dict[str, tuple[Callable[[str], None], str, tuple[str, ...]]] = {
    "asyncio streams": (peers.streams, "asyncio", (*_AWAITED, "pushes")),
    "asyncio Protocol": (peers.protocol, "asyncio", _PLAIN),
    "asyncio Protocol, coalesced": (lambda name: peers.protocol(name, coalesced=True), "asyncio", _COALESCED),
    "uvloop streams": (lambda name: peers.streams(name, uvloop=True), "uvloop", (*_AWAITED, "pushes")),
    "uvloop Protocol": (lambda name: peers.protocol(name, uvloop=True), "uvloop", _PLAIN),
    "uvloop Protocol, coalesced": (lambda name: peers.protocol(name, True, True), "uvloop", _COALESCED),
    "Twisted": (frameworks.twisted, "twisted", (*_PLAIN, "producer")),
    "Tornado": (frameworks.tornado, "tornado", _AWAITED),
    "trio": (frameworks.trio, "trio", _AWAITED),
    "gevent": (frameworks.gevent, "gevent", _AWAITED),
}


def main() -> None:
    """Serve."""
    candidate, server, connections = sys.argv[1:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    logging.disable()
    if candidate in PEERS:
        PEERS[candidate][0](server)
    else:
        chats.serve(candidate, server, int(connections))


if __name__ == "__main__":
    main()
