"""Workloads over loopback: a server and a load, each on a processor of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peers

_HERE = Path(__file__).parent
_TICK = os.sysconf("SC_CLK_TCK")
CHATS = {"pyasynchat": "pyasynchat", "selectors": "selectors", "uvloop": "uvloop", "asyncore": "asyncore"}


@dataclass(frozen=True)
class Workload:
    """What the load does, which server it needs, and how many messages that is."""

    name: str
    server: str
    messages: int
    order: dict[str, Any]
    goal: str = ""
    candidates: tuple[str, ...] = ()


@dataclass
class Sample:
    """One run: messages a second, and the server's processor time and memory."""

    rate: float
    cpu: float
    rss: float
    extra: dict[str, float] = field(default_factory=dict)


def workloads(quick: bool) -> list[Workload]:
    """Return the workloads; with ``quick`` each is short."""
    part = 10 if quick else 1
    found = []
    for length, goal in ((64, "0.95 / -"), (10240, "0.5 / 0.5"), (102400, "0.35 / 0.5")):
        for connections in (1, 50, 1000):
            rounds = max(2, 20000 // part // connections // (1 + length // 8192))
            order = _exchange("x" * (length - 1) + "\n", 1, connections, rounds)
            name = f"echo {length} B, {connections} connections"
            found.append(Workload(name, "lines", connections * rounds, order, goal if connections == 50 else ""))
    rounds = max(4, 100 // part)
    order = _exchange("x" * 63 + "\n", 100, 50, rounds)
    found.append(Workload("pipelined lines of 64 B, 50 connections x 100", "lines", 5000 * rounds, order, "x9"))
    order = _exchange("1024\n" + "b" * 1024, 100, 10, rounds)
    found.append(Workload("header and 1 KiB of body x 100", "bodies", 1000 * rounds, order, "x5"))
    for idle in (100, 1000, 10000):
        rounds = 2000 // part
        order = _exchange("x" * 63 + "\n", 1, 1, rounds, idle)
        found.append(Workload(f"1 active beside {idle} idle", "lines", rounds, order))
    order = {"kind": "swallow", "request": "go\n", "total": 256 << 20, "piece": "p" * 65536, "asleep": 0}
    found.append(Workload("256 MiB through a producer", "producer", 256, order, "1.0 of the best peer"))
    count = 1_000_000 // part
    order = {"kind": "swallow", "request": f"{count}\n", "total": count * 20, "piece": "twenty bytes of data"}
    found.append(
        Workload(f"{count} pushes of 20 B, the reader asleep", "pushes", count, {**order, "asleep": 0.5}, "0.10")
    )
    for batch in (10, 1):
        lines = 100 // (part // 2 or 1)
        order = {"kind": "room", "members": 1000, "lines": lines, "batch": batch}
        found.append(
            Workload(f"room of 1000, lines by {batch}", "room", 1000 * lines, order, "x7" if batch > 1 else "1.0")
        )
    return found


def _exchange(piece: str, times: int, connections: int, rounds: int, idle: int = 0) -> dict[str, Any]:
    fields = {"request": piece, "request_times": times, "reply": piece, "reply_times": times}
    return {"kind": "exchange", "connections": connections, "rounds": rounds, "idle": idle, **fields}


def candidates(workload: Workload) -> list[str]:
    """Return who can serve a workload here."""
    others = [name for name, (_, servers) in peers.CANDIDATES.items() if workload.server in servers]
    return [*CHATS, *others]


def run(workload: Workload, candidate: str) -> Sample | None:
    """Run one candidate once; None when it is not installed, or fails, as select() beyond 1024 descriptors does."""
    processors = sorted(os.sched_getaffinity(0))
    server = _start([sys.executable, str(_HERE / "server.py"), candidate, workload.server], processors[0])
    try:
        line = server.stdout.readline()  # type: ignore[union-attr]
        if not line.strip().isdigit():
            return None
        return _measure(workload, int(line), server.pid, processors[-1])
    finally:
        server.kill()
        server.wait()
        for stream in (server.stdin, server.stdout):
            stream.close()  # type: ignore[union-attr]


def _measure(workload: Workload, port: int, server: int, processor: int) -> Sample | None:
    load = _start([sys.executable, str(_HERE / "load.py")], processor)
    assert load.stdin is not None
    assert load.stdout is not None
    with load:
        load.stdin.write(json.dumps({"port": port, **workload.order}) + "\n")
        load.stdin.flush()
        if load.stdout.readline() != "ready\n":
            return None
        before = _cpu(server)
        load.stdin.write("\n")
        load.stdin.flush()
        line = load.stdout.readline()
        cpu, rss = _cpu(server) - before, _rss(server)
    if not line:
        return None
    result = json.loads(line)
    extra = {"drain": result["drain"]} if "drain" in result else {}
    return Sample(workload.messages / result["seconds"], cpu / workload.messages, rss, extra)


def _start(command: list[str], processor: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    os.sched_setaffinity(process.pid, {processor})
    return process


def _cpu(pid: int) -> float:
    """Return the processor seconds of a process; nanoseconds where the kernel tells them."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK


def _rss(pid: int) -> float:
    """Return the resident memory of a process, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
