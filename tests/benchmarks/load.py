"""The load: many connections on one epoll, replies compared byte for byte. Run as a process of its own."""

from __future__ import annotations

import hashlib
import json
import select
import socket
import sys
import time
from typing import Any

MIB = 1 << 20


class Client:
    """One connection that sends a request and reads its reply, a number of times."""

    def __init__(self, port: int, request: bytes, reply: bytes, rounds: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.request, self.reply, self.rounds = request, reply, rounds
        self.unsent = memoryview(b"")
        self.received: list[bytes] = []
        self.length = 0

    def begin(self) -> None:
        """Send the next request, as far as it goes."""
        self.unsent = memoryview(self.request)
        self.write()

    def write(self) -> None:
        """Send what is left of the request."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.sock.send(self.unsent) :]
        except BlockingIOError:
            pass

    def read(self) -> bool:
        """Read; return whether all rounds are done."""
        try:
            data = self.sock.recv(262144)
        except BlockingIOError:
            return False
        if not data:
            raise SystemExit("the server closed a connection")
        self.received.append(data)
        self.length += len(data)
        if self.length < len(self.reply):
            return False
        if b"".join(self.received) != self.reply:
            raise SystemExit("a reply is not what it must be")
        self.received.clear()
        self.length = 0
        self.rounds -= 1
        if self.rounds:
            self.begin()
        return not self.rounds


def exchange(port: int, connections: int, request: bytes, reply: bytes, rounds: int, idle: int) -> dict[str, Any]:
    """Exchange requests for replies on all connections at once, beside idle ones."""
    sleeping = [socket.create_connection(("127.0.0.1", port)) for _ in range(idle)]
    clients = [Client(port, request, reply, rounds) for _ in range(connections)]
    poller = select.epoll()
    by_fd = {client.sock.fileno(): client for client in clients}
    for fd in by_fd:
        poller.register(fd, select.EPOLLIN)
    _ready()
    begin = time.perf_counter()
    for client in clients:
        client.begin()
    left = len(clients)
    while left:
        for fd, _ in poller.poll():
            client = by_fd[fd]
            left -= client.read()
            if client.unsent:
                client.write()
                poller.modify(fd, select.EPOLLIN | (select.EPOLLOUT if client.unsent else 0))
    seconds = time.perf_counter() - begin
    for sock in (*sleeping, *(client.sock for client in clients)):
        sock.close()
    return {"seconds": seconds}


def swallow(port: int, request: bytes, total: int, piece: bytes, asleep: float) -> dict[str, Any]:
    """Send one request and read much, at first not at all."""
    sock = socket.create_connection(("127.0.0.1", port))
    _ready()
    begin = time.perf_counter()
    sock.sendall(request)
    if asleep:
        # What is measured here is a reader that sleeps.
        time.sleep(asleep)
    awake = time.perf_counter()
    digest, left, buffer = hashlib.blake2b(), total, bytearray(MIB)
    while left:
        count = sock.recv_into(buffer)
        if not count:
            raise SystemExit(f"the server closed with {left} bytes to come")
        digest.update(memoryview(buffer)[:count])
        left -= count
    end = time.perf_counter()
    if digest.digest() != hashlib.blake2b(piece * (total // len(piece))).digest():
        raise SystemExit("the bytes are not what they must be")
    sock.close()
    return {"seconds": end - begin, "drain": end - awake}


def room(port: int, members: int, lines: int, batch: int) -> dict[str, Any]:
    """One member of a room speaks, all read: ``lines`` lines, so many at a time."""
    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(members)]
    poller = select.epoll()
    left = {}
    for sock in socks:
        sock.setblocking(False)
        poller.register(sock.fileno(), select.EPOLLIN)
    by_fd = {sock.fileno(): sock for sock in socks}
    line = b"x" * 63 + b"\n"
    _ready()
    begin = time.perf_counter()
    for _ in range(lines // batch):
        socks[0].sendall(line * batch)
        left = dict.fromkeys(by_fd, len(line) * batch)
        while left:
            for fd, _ in poller.poll():
                left[fd] -= len(by_fd[fd].recv(65536))
                if not left[fd]:
                    del left[fd]
    seconds = time.perf_counter() - begin
    for sock in socks:
        sock.close()
    return {"seconds": seconds}


def _ready() -> None:
    """Wait until the other side has noted the server's processor time."""
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    order = json.loads(sys.stdin.readline())
    for key in ("request", "reply", "piece"):
        if key in order:
            order[key] = order[key].encode() * order.pop(f"{key}_times", 1)
    kind = order.pop("kind")
    print(json.dumps({"exchange": exchange, "swallow": swallow, "room": room}[kind](**order)), flush=True)
