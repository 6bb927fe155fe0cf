"""Probes of many connections: idle ones, those beyond the descriptors there are, those that come and go, a stop."""

from __future__ import annotations

import os
import socket
import statistics
import time
from contextlib import ExitStack

from .clients import ask, connect, round_trips, serves
from .kit import GROWTH, PROBES, Outcome, Sizes
from .processes import Candidate, Server

_DESCRIPTORS = 64
# The share of a processor that a server may use which cannot accept.
_IDLE = 0.1
# Round trips that take so much longer than without idle clients are not unchanged; a busy machine makes some of it.
_SLOWER = 1.5
_ROUNDS = 25
# Seconds in which a stopped server has ended.
_STOP = 15.0
_PIPELINED = 200


@PROBES.add("idle connections")
def idle(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Connections that do nothing cost the others no time."""
    with ExitStack() as stack:
        # A second server, without idle clients, asked in turns: what else the machine does slows both.
        alone, server = (stack.enter_context(Server(candidate)) for _ in range(2))
        _place(stack, alone, server)
        quiet, sock = (stack.enter_context(connect(one.port)) for one in (alone, server))
        memory = server.memory
        for _ in range(sizes.connections):
            stack.enter_context(connect(server.port))
        ask(sock, b"all are accepted when this is answered\n")
        each = (server.memory - memory) * 1024 / sizes.connections
        rounds = [(_typical(quiet), _typical(sock)) for _ in range(_ROUNDS)]
        before, after = (min(times) for times in zip(*rounds, strict=True))
    slower = after / before
    text = f"round trip {after * 1000:.0f} us, without them {before * 1000:.0f} us; {each:.1f} KiB each"
    return Outcome(slower <= _SLOWER, text, {"slower": slower, "kib_each": each})


def _place(stack: ExitStack, *servers: Server) -> None:
    """Keep the servers on one processor and this process on another: the way between two costs as much as an answer."""
    before = os.sched_getaffinity(0)
    stack.callback(os.sched_setaffinity, 0, before)
    os.sched_setaffinity(0, {min(before)})
    for server in servers:
        os.sched_setaffinity(server.pid, {max(before)})


def _typical(sock: socket.socket) -> float:
    return statistics.median(round_trips(sock, 100))


@PROBES.add("no descriptor left (ulimit -n 64)")
def descriptors(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Without a descriptor for new clients the old ones are served, the processor rests, and new ones come later."""
    with Server(candidate, descriptors=_DESCRIPTORS) as server, ExitStack() as stack:
        old = [stack.enter_context(connect(server.port)) for _ in range(10)]
        for sock in old:
            ask(sock, b"accepted\n")
        waiting = [stack.enter_context(connect(server.port)) for _ in range(2 * _DESCRIPTORS)]
        time.sleep(0.2)
        begin, cpu = time.monotonic(), server.cpu
        time.sleep(max(1.0, sizes.seconds))
        share = (server.cpu - cpu) / (time.monotonic() - begin)
        served = all(ask(sock, b"old\n") == b"old\n" for sock in old)
        for sock in waiting:
            sock.close()
        begin = time.monotonic()
        recovered = serves(server.port)
        took = time.monotonic() - begin
    held = served and share <= _IDLE and recovered
    state = "old clients served" if served else "old clients not served"
    return Outcome(
        held, f"{state}, {share:.0%} of a processor, back after {took:.1f} s", {"cpu_share": share, "seconds": took}
    )


@PROBES.add("connections that come and go")
def churn(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Memory and descriptors stay flat when connections come, ask, and go."""
    with Server(candidate) as server:
        _come_and_go(server, sizes.connections)
        memory, files, begin = server.memory, server.open_files, time.monotonic()
        for _ in range(sizes.rounds):
            _come_and_go(server, sizes.connections)
        rate = sizes.rounds * sizes.connections / (time.monotonic() - begin)
        grown, left = server.memory - memory, server.open_files - files
    text = f"+{grown:.2f} MiB after {sizes.rounds * sizes.connections}, {rate:.0f} a second"
    return Outcome(grown <= GROWTH and left <= 1, text, {"growth_mib": grown, "per_s": rate})


def _come_and_go(server: Server, count: int) -> None:
    for _ in range(count):
        serves(server.port)


@PROBES.add("SIGTERM under load")
def stop(candidate: Candidate, sizes: Sizes) -> Outcome:
    """What clients had sent before the signal is answered, and each connection ends without a reset."""
    lines = b"asked before the signal\n" * _PIPELINED
    count = min(500, sizes.connections)
    with Server(candidate) as server, ExitStack() as stack:
        asked = [stack.enter_context(connect(server.port)) for _ in range(count)]
        for sock in asked:
            ask(sock, b"a line, answered\n")
        for sock in asked:
            sock.sendall(lines)
        # These are in the listener's queue at best when the signal comes: accepted by the kernel, on its behalf.
        new = [stack.enter_context(connect(server.port)) for _ in range(50)]
        for sock in new:
            sock.sendall(lines)
        server.terminate()
        begin = time.monotonic()
        results = [_read_to_end(sock) for sock in asked + new]
        took = time.monotonic() - begin
        status = server.process.wait(_STOP)
    lost = sum(_PIPELINED - lines for lines, _ in results)
    cut = sum(not clean for _, clean in results)
    text = f"{lost} of {_PIPELINED * len(results)} replies lost, {cut} of {len(results)} reset, ended in {took:.1f} s"
    held = not lost and not cut and status == 0
    return Outcome(held, text + (f", status {status}" if status else ""), {"lost": lost, "reset": cut, "seconds": took})


def _read_to_end(sock: socket.socket) -> tuple[int, bool]:
    """Return how many lines came, and whether the stream had a clean end."""
    lines = 0
    try:
        while piece := sock.recv(65536):
            lines += piece.count(b"\n")
    except OSError:
        return lines, False
    return lines, True
