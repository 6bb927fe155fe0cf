"""The clients: blocking sockets for what is asked and answered, and a pump for what flows both ways."""

from __future__ import annotations

import multiprocessing
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

# Seconds that one step of a client may take.
PATIENCE = 20.0
_SIZE = 262144
# Bytes that the kernel's queues of a connection certainly do not hold.
_MOST_KERNEL = 64 * 1048576
# Seconds in which a server that can has written its replies.
_SETTLED = 0.3


def connect(port: int, receive_buffer: int | None = None) -> socket.socket:
    """Return a connected socket; each of its steps times out. A small buffer leaves replies with the server."""
    sock = socket.socket()
    sock.settimeout(PATIENCE)
    try:
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.connect(("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def reset(sock: socket.socket) -> None:
    """Close so that the server sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def ask(sock: socket.socket, line: bytes) -> bytes:
    """Send a line and return its reply; b"" or a part for the end of the stream."""
    sock.sendall(line)
    reply = bytearray()
    while not reply.endswith(b"\n"):
        piece = sock.recv(_SIZE)
        if not piece:
            break
        reply += piece
    return bytes(reply)


def serves(port: int) -> bool:
    """Whether a new client has its line back."""
    with connect(port) as sock:
        return ask(sock, b"still there?\n") == b"still there?\n"


def round_trips(sock: socket.socket, count: int) -> list[float]:
    """Return how many milliseconds each of ``count`` round trips took."""
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        ask(sock, b"a quiet line\n")
        times.append((time.perf_counter() - begin) * 1000)
    return times


def percentile(times: list[float], share: float) -> float:
    """Return the value that ``share`` of 1 of the times are not above."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def ended(sock: socket.socket, timeout: float) -> bool:
    """Whether the server ends the connection, by an end of stream or a reset, in so many seconds."""
    sock.settimeout(timeout)
    try:
        while sock.recv(_SIZE):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def fill(sock: socket.socket, piece: bytes, size: int, patience: float) -> int:
    """Send ``size`` bytes without reading, until a send waits ``patience`` seconds; return how many bytes left."""
    sock.settimeout(patience)
    sent = 0
    view = memoryview(piece)
    while sent < size:
        try:
            sent += sock.send(view[sent % len(piece) :])
        except TimeoutError:
            break
    return sent


def fill_replies(sock: socket.socket, line: bytes, unseen: int, step: int) -> int:
    """
    Send lines, and read none of the replies, until the kernel takes no more of these.

    Args:
        sock: the connection.
        line: the line.
        unseen: lines to send before the first look at the kernel's queues, which takes a while.
        step: lines to send before each other look.

    Returns:
        How many lines were sent.
    """
    lines = unseen
    sock.sendall(line * unseen)
    while lines * len(line) < _MOST_KERNEL:
        sock.sendall(line * step)
        lines += step
        # What the server has not written, it has not had the time to, or could not.
        until = time.monotonic() + _SETTLED
        while _in_kernel(sock) < lines * len(line):
            if time.monotonic() > until:
                return lines
    return lines


def _in_kernel(sock: socket.socket) -> int:
    """Return the bytes of replies that both kernels' queues hold of a connection none of whose replies were read."""
    here, there = (f"0100007F:{address[1]:04X}" for address in (sock.getsockname(), sock.getpeername()))
    size = 0
    for row in Path("/proc/net/tcp").read_text().splitlines():
        fields = row.split()
        # The queues are those of output and of input, in hexadecimal.
        if fields[1:3] == [here, there]:
            size += int(fields[4].split(":")[1], 16)
        elif fields[1:3] == [there, here]:
            size += int(fields[4].split(":")[0], 16)
    return size


def is_echoed(sock: socket.socket, data: bytes) -> bool:
    """Whether all of ``data``, sent as fast as it is taken, comes back unchanged."""
    sock.setblocking(False)
    sent = seen = 0
    view = memoryview(data)
    while seen < len(data):
        readable, writable, _ = select.select([sock], [sock] if sent < len(data) else [], [], PATIENCE)
        if not readable and not writable:
            return False
        if writable:
            sent += sock.send(view[sent : sent + _SIZE])
        if readable:
            piece = sock.recv(_SIZE)
            if not piece or view[seen : seen + len(piece)] != piece:
                return False
            seen += len(piece)
    return True


def _flood(port: int, begun: Event, over: Event) -> None:
    lines = b"noise\n" * 10000
    sock = connect(port)
    sock.setblocking(False)
    sent = 0
    try:
        while not over.is_set():
            readable, writable, _ = select.select([sock], [sock], [], 0.2)
            if writable:
                sent += sock.send(lines[sent % 6 :])
            if readable and sock.recv(_SIZE):
                begun.set()
    except OSError:
        pass
    begun.set()
    sock.close()


@contextmanager
def flooding(port: int) -> Iterator[None]:
    """Let a client in a process of its own send and read lines as fast as it can, meanwhile."""
    context = multiprocessing.get_context("spawn")
    begun, over = context.Event(), context.Event()
    process = context.Process(target=_flood, args=(port, begun, over), daemon=True)
    process.start()
    try:
        begun.wait(PATIENCE)
        yield
    finally:
        over.set()
        process.join(PATIENCE)
