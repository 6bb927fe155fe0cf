"""
The load: connections on one epoll, replies compared byte for byte. A process of its own; ``load.c`` does the same.

``load.py KIND PORT A B C REQUEST REPLY``, the last two lengths of what comes first on the standard input. It prints
``ready`` when all are connected, and waits for a byte; then the seconds that it took, and stays until its input ends.

exchange
    A connections send the request and wait for the reply, B times each, beside C idle connections.
swallow
    One connection sends the request and reads A bytes, which repeat the reply. With B it prints ``asleep`` first and
    waits for a byte; the second number printed is the seconds since then.
room
    One of A members sends the request, C lines, and all read it, until B lines have been sent.
"""

from __future__ import annotations

import os
import resource
import select
import socket
import sys
import time


class Client:
    """One connection that sends requests and compares replies."""

    def __init__(self, port: int, request: bytes, reply: bytes) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request, self.reply = request, reply
        self.unsent, self.received = memoryview(b""), 0
        self.rounds = 0

    def begin(self) -> None:
        """Send the next request, as far as it goes."""
        self.unsent, self.received = memoryview(self.request), 0
        self.write()

    def write(self) -> None:
        """Send what is left of the request."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.sock.send(self.unsent) :]
        except BlockingIOError:
            pass

    def read(self, most: int = 1 << 20) -> int:
        """Read once and compare; return how many bytes there were."""
        try:
            data = self.sock.recv(most)
        except BlockingIOError:
            return 0
        if not data:
            sys.exit("the server closed a connection")
        length = len(self.reply)
        at = self.received % length
        expected = (
            self.reply[at:] + self.reply * (len(data) // length + 1) if at + len(data) > length else self.reply[at:]
        )
        if not expected.startswith(data):
            sys.exit("a reply is not what it must be")
        self.received += len(data)
        return len(data)


def exchange(port: int, numbers: list[int], request: bytes, reply: bytes) -> tuple[float, float]:
    """Exchange requests for replies on all connections at once, beside idle ones."""
    connections, rounds, idle = numbers
    sleeping = [socket.create_connection(("127.0.0.1", port)) for _ in range(idle)]
    by_fd, poller = _clients(connections, port, request, reply)
    tell("ready")
    begin = time.perf_counter()
    for client in by_fd.values():
        client.rounds = rounds
        client.begin()
    while connections:
        for fd, _ in poller.poll():
            client = by_fd[fd]
            if client.unsent:
                client.write()
            if client.read() and client.received == len(reply):
                client.rounds -= 1
                connections -= not client.rounds
                if client.rounds:
                    client.begin()
            poller.modify(fd, select.EPOLLIN | (select.EPOLLOUT if client.unsent else 0))
    seconds = time.perf_counter() - begin
    for sock in sleeping:
        sock.close()
    return seconds, 0.0


def swallow(port: int, numbers: list[int], request: bytes, reply: bytes) -> tuple[float, float]:
    """Send one request and read much, at first not at all."""
    total, asleep, _ = numbers
    client = Client(port, request, reply)
    tell("ready")
    begin = time.perf_counter()
    client.begin()
    if asleep:
        tell("asleep")
    awake = time.perf_counter()
    while client.received < total:
        client.read(min(1 << 20, total - client.received))
    end = time.perf_counter()
    return end - begin, end - awake


def room(port: int, numbers: list[int], request: bytes, reply: bytes) -> tuple[float, float]:
    """One member of a room speaks, all read."""
    members, lines, batch = numbers
    by_fd, poller = _clients(members, port, request, reply)
    speaker = next(iter(by_fd.values()))
    tell("ready")
    begin = time.perf_counter()
    for _ in range(0, lines, batch):
        for client in by_fd.values():
            client.received = 0
        speaker.begin()
        left = members
        while left:
            for fd, _ in poller.poll():
                left -= bool(by_fd[fd].read()) and by_fd[fd].received == len(request)
    return time.perf_counter() - begin, 0.0


def _clients(count: int, port: int, request: bytes, reply: bytes) -> tuple[dict[int, Client], select.epoll]:
    by_fd, poller = {}, select.epoll()
    for _ in range(count):
        client = Client(port, request, reply)
        client.sock.setblocking(False)
        by_fd[client.sock.fileno()] = client
        poller.register(client.sock, select.EPOLLIN)
    return by_fd, poller


def tell(word: str) -> None:
    """Say a word to the benchmark and wait for its byte."""
    print(word, flush=True)
    if not os.read(0, 1):
        sys.exit(1)


def take(length: int) -> bytes:
    """Return ``length`` bytes of the standard input."""
    data = b""
    while len(data) < length:
        data += os.read(0, length - len(data))
    return data


def main() -> None:
    """Load a server as the arguments say."""
    kind, port, *numbers = sys.argv[1:]
    a, b, c, request, reply = map(int, numbers)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    texts = take(request), take(reply)
    seconds = {"exchange": exchange, "swallow": swallow, "room": room}[kind](int(port), [a, b, c], *texts)
    print(*seconds, flush=True)
    os.read(0, 1)


if __name__ == "__main__":
    main()
