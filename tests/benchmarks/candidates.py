"""Who is here, in which version, and who takes part in which workload."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from importlib import metadata
from importlib.util import find_spec

from chats import CANDIDATES as CHATS
from chats import SELECTS
from server import PEERS
from sockets import Workload

_DISTRIBUTIONS = ("pyasynchat", "pyasyncore", "uvloop", "Twisted", "tornado", "trio", "gevent")
_SERVERS_IN_C = ("lines", "bodies", "producer", "room")
# The workload whose frames redis can echo: its payload is as long as a line.
_REDIS_FRAME = 64


def versions() -> dict[str, str]:
    """Return the versions of the peers; "missing" for those that are not installed."""
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    found["cc"] = _version("cc", "-dumpfullversion")
    found["redis"] = _version("redis-server", "--version")
    return found


def of(workload: Workload) -> list[str]:
    """Return who takes part in a workload here."""
    return [name for name in (*CHATS, *PEERS, "C", "redis") if name not in workload.unfit and _can(name, workload)]


def _can(name: str, workload: Workload) -> bool:
    if name == "redis":
        short = workload.kind == "exchange" and workload.server == "lines" and _frame(workload) == _REDIS_FRAME
        return short and workload.group != "idle" and shutil.which("redis-server") is not None
    if name == "C":
        return workload.server in _SERVERS_IN_C and shutil.which("cc") is not None
    if name.endswith("coalesced") and workload.group in ("echo", "idle"):
        # Of one reply at a time there is nothing to join.
        return False
    if name in PEERS:
        _, module, servers = PEERS[name]
        return workload.server in servers and _installed(module)
    servers = CHATS[name]
    if servers and (workload.server not in servers or _frame(workload) != _REDIS_FRAME or workload.group == "idle"):
        return False
    if name == "asyncore" and workload.connections > SELECTS:
        return False
    return _installed("asynchat" if name == "pyasynchat" else f"asynchat_{name.partition(',')[0]}")


def _frame(workload: Workload) -> int:
    """Return the bytes of one frame of a workload of lines."""
    return workload.request.find(b"\n") + 1


@cache
def _installed(module: str) -> bool:
    return find_spec(module) is not None


def _version(program: str, option: str) -> str:
    if shutil.which(program) is None:
        return "missing"
    said = subprocess.run([program, option], capture_output=True, text=True, check=False).stdout.split()
    return next((word.removeprefix("v=") for word in said if word[-1:].isdigit()), "?")
