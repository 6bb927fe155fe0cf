"""Probes of how clients take their replies, and of how they leave."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

from .clients import PATIENCE, ask, connect, fill, fill_replies, flooding, percentile, reset, round_trips, serves
from .kit import GROWTH, MIB, PROBES, Outcome, Sizes
from .processes import Candidate, Server

# Milliseconds that 99 of 100 round trips of quiet clients may take beside one that floods.
_QUIET = 50.0
# Bytes that a client's own buffer holds, and a line: so much is with the server when the kernel is full.
_SMALL_BUFFER = 4096
_LINE = b"z" * 8191 + b"\n"


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
    # The first client may not have been gone yet when they were counted before.
    return max(0, server.open_files - before)


@PROBES.add("a half-close with replies pending")
def half_close(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Who has asked, and says that it will ask no more, still has all its replies."""
    asked = lost = 0
    with Server(candidate) as server:
        with connect(server.port, _SMALL_BUFFER) as sock:
            capacity = fill_replies(sock, _LINE, 0, 16)
        for _ in range(sizes.rounds):
            with connect(server.port, _SMALL_BUFFER) as sock:
                # The kernel is full, and the last reply is with the server when that reads the end.
                lines = fill_replies(sock, _LINE, max(0, capacity - 24), 1)
                sock.shutdown(socket.SHUT_WR)
                asked += lines
                lost += lines - _lines_to_end(sock)
        held = not lost and serves(server.port)
    return Outcome(held, f"{lost} of {asked} replies lost", {"lost": lost, "replies": asked})


def _lines_to_end(sock: socket.socket) -> int:
    lines = 0
    try:
        while piece := sock.recv(65536):
            lines += piece.count(b"\n")
    except OSError:
        pass
    return lines


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
