"""Probes of how clients take their replies, and of how they leave."""

from __future__ import annotations

import select
import socket
import time
from contextlib import ExitStack

from .clients import PATIENCE, ask, connect, fill, flooding, percentile, reset, round_trips, serves
from .kit import GROWTH, MIB, PROBES, Outcome, Sizes
from .processes import Candidate, Server

# Milliseconds that 99 of 100 round trips of quiet clients may take beside one that floods.
_QUIET = 50.0
# Lines whose replies no socket's buffers hold, and the client's own buffer in bytes.
_REPLIES = 1 << 18
_SMALL_BUFFER = 32768


@PROBES.add("a client that never reads its replies")
def unread(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Who asks and asks, and reads no reply, is read from no more; its replies do not fill the memory."""
    lines = (b"y" * 1023 + b"\n") * 64
    with Server(candidate) as server, connect(server.port) as other:
        ask(other, b"warm\n")
        before = server.forget_peak()
        with connect(server.port) as sock:
            sent = fill(sock, lines, sizes.mebibytes * MIB, 1.0)
            worst = max(round_trips(other, 100))
        grown = server.peak - before
        held = grown <= GROWTH and serves(server.port)
    text = f"{sent / MIB:.0f} MiB taken, +{grown:.1f} MiB, another client waited {worst:.0f} ms at most"
    return Outcome(held, text, {"taken_mib": sent / MIB, "growth_mib": grown, "worst_ms": worst})


@PROBES.add("connects that end in a reset")
def resets(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Clients that reset their connection, before or after a line, leave nothing behind."""
    with Server(candidate) as server:
        serves(server.port)
        before = server.open_files
        for number in range(sizes.connections):
            sock = connect(server.port)
            if number % 2:
                sock.sendall(b"a line\n" * (number % 10))
            reset(sock)
        alive = serves(server.port)
        left = _files_left(server, before)
    return Outcome(alive and not left, f"{left} descriptors left", {"descriptors_left": left})


def _files_left(server: Server, before: int) -> int:
    """Return how many descriptors stay open that were not before, given time to go."""
    until = time.monotonic() + PATIENCE / 4
    while server.open_files > before and time.monotonic() < until:
        time.sleep(0.02)
    return server.open_files - before


@PROBES.add("a half-close with replies pending")
def half_close(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Who has asked, and says that it will ask no more, still has all its replies."""
    wanted = lost = 0
    with Server(candidate) as server:
        for size in (1, 1000, _REPLIES):
            data = b"a line of 32 bytes, one of many\n" * size
            with connect(server.port, _SMALL_BUFFER) as sock:
                # The last is more than the kernel's buffers take: replies are with the server when it reads the end.
                sock.setblocking(False)
                got = _send_then_read(sock, data)
            wanted += size
            lost += size - got // 32
        held = not lost and serves(server.port)
    return Outcome(held, f"{lost} of {wanted} replies lost", {"lost": lost, "replies": wanted})


def _send_then_read(sock: socket.socket, data: bytes) -> int:
    """Send, half-close as soon as all has left, read slowly to the end; return how many bytes came."""
    sent = got = 0
    while True:
        writable = sent < len(data) and bool(select.select([], [sock], [], 0.1)[1])
        if writable:
            sent += sock.send(data[sent : sent + 65536])
            if sent == len(data):
                sock.shutdown(socket.SHUT_WR)
            continue
        if not select.select([sock], [], [], PATIENCE / 4)[0]:
            return got
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return got
        if not piece:
            return got
        got += len(piece)


@PROBES.add("a client that floods, beside quiet ones")
def flood(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Quiet clients have their replies soon, however much another one sends."""
    with Server(candidate) as server, ExitStack() as stack:
        quiet = [stack.enter_context(connect(server.port)) for _ in range(20)]
        times: list[float] = []
        with flooding(server.port):
            until = time.monotonic() + sizes.seconds
            while time.monotonic() < until:
                for sock in quiet:
                    times += round_trips(sock, 1)
        p99 = percentile(times, 0.99)
    return Outcome(
        p99 < _QUIET, f"p99 {p99:.1f} ms, worst {max(times):.0f} ms", {"p99_ms": p99, "worst_ms": max(times)}
    )
