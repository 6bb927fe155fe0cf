"""Probes of what a client may send: too slowly, too much, without an end, or nonsense."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import ExitStack

from .clients import ask, connect, ended, fill, is_echoed, round_trips, serves
from .kit import GROWTH, MIB, PROBES, Broken, Outcome, Sizes
from .processes import Candidate, Server

# Seconds in which a server that is not cut off shows it, and of which its processor time is taken.
_LOOK = 1.0
# The share of a processor that an idle server may use.
_IDLE = 0.1


@PROBES.add("one byte at a time")
def bytewise(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Lines that come in pieces of one byte are put together, at a cost per byte."""
    with Server(candidate) as server, connect(server.port) as sock:
        begin, count = server.cpu, 0
        while count < sizes.single_bytes:
            line = b"%d, byte by byte\n" % count
            for at in range(len(line) - 1):
                sock.sendall(line[at : at + 1])
            if ask(sock, line[-1:]) != line:
                raise Broken("a line came back changed")
            count += len(line)
        cost = (server.cpu - begin) / count * 1e6
    return Outcome(True, f"{cost:.1f} us of processor a byte", {"us_per_byte": cost})


@PROBES.add("a line that never ends")
def endless(candidate: Candidate, sizes: Sizes) -> Outcome:
    """A line without an end is cut off, and costs next to no memory."""
    with Server(candidate) as server:
        serves(server.port)
        before, sent, cut = server.forget_peak(), 0, False
        with connect(server.port) as sock:
            try:
                sent = fill(sock, b"x" * 65536, sizes.mebibytes * MIB, _LOOK)
            except OSError:
                cut = True
            cut = cut or ended(sock, _LOOK)
        grown = server.peak - before
        held = cut and grown <= GROWTH and serves(server.port)
    state = "cut off" if cut else f"{sent // MIB} MiB taken"
    return Outcome(held, f"{state}, +{grown:.1f} MiB", {"cut_off": cut, "growth_mib": grown})


@PROBES.add("random garbage")
def garbage(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Random bytes are lines as any others: they come back, and the server goes on."""
    with Server(candidate) as server:
        data = random.Random(5).randbytes(sizes.garbage * MIB - 1) + b"\n"
        with connect(server.port) as sock:
            begin = time.perf_counter()
            same = is_echoed(sock, data)
            rate = sizes.garbage / (time.perf_counter() - begin)
        held = same and serves(server.port)
    return Outcome(held, f"{'echoed' if same else 'not echoed'}, {rate:.0f} MiB/s", {"mib_per_s": rate})


@PROBES.add("a million terminators in one write")
def terminators(candidate: Candidate, sizes: Sizes) -> Outcome:
    """A million empty lines in one write are answered, and another client is served between them."""
    worst = [0.0]
    over = threading.Event()
    with Server(candidate) as server, connect(server.port) as sock, connect(server.port) as other:

        def watch() -> None:
            while not over.is_set():
                worst[0] = max(worst[0], *round_trips(other, 2))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            begin = time.perf_counter()
            same = is_echoed(sock, b"\n" * sizes.terminators)
            took = time.perf_counter() - begin
        finally:
            over.set()
            thread.join()
        held = same and serves(server.port)
    text = f"answered in {took:.2f} s, another client waited {worst[0]:.0f} ms at most"
    return Outcome(held, text if same else "not all answered", {"seconds": took, "worst_ms": worst[0]})


@PROBES.add("an urgent byte")
def urgent(candidate: Candidate, sizes: Sizes) -> Outcome:
    """An urgent byte between lines costs neither the connection nor processor time."""
    with Server(candidate) as server, connect(server.port) as sock:
        ask(sock, b"before\n")
        begin = server.cpu
        for _ in range(10):
            sock.send(b"!", socket.MSG_OOB)
        time.sleep(_LOOK)
        share = (server.cpu - begin) / _LOOK
        # The kernel takes the last urgent byte out of the stream; those before it are plain ones by then.
        same = ask(sock, b"after\n").endswith(b"after\n")
    held = same and share <= _IDLE
    state = "served on" if same else "cut off"
    return Outcome(held, f"{state}, {share:.0%} of a processor", {"cpu_share": share})


@PROBES.add("slowloris: a byte a second, never a line", waits=True)
def slowloris(candidate: Candidate, sizes: Sizes) -> Outcome:
    """Clients that send a byte now and then, and never a line, are cut off."""
    limits = {} if sizes.frame_timeout is None else {"frame_timeout": sizes.frame_timeout}
    limit = sizes.frame_timeout or 60.0
    with Server(candidate, limits=limits, deadline=limit * 2 + 20) as server, ExitStack() as stack:
        slow = [stack.enter_context(connect(server.port)) for _ in range(50)]
        begin, last = time.monotonic(), 0.0
        while slow and time.monotonic() - begin < limit * 1.1 + 1:
            for sock in list(slow):
                try:
                    sock.send(b"x")
                    sock.settimeout(0.001)
                    cut = not sock.recv(1)
                except TimeoutError:
                    cut = False
                except OSError:
                    cut = True
                if cut:
                    slow.remove(sock)
                    last = time.monotonic() - begin
            time.sleep(min(1.0, limit / 10))
        held = not slow and serves(server.port)
    text = f"{len(slow)} of 50 kept" if slow else f"all cut off after {last:.0f} s"
    return Outcome(held, text, {"kept": len(slow), "seconds": last})
