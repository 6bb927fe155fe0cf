"""FAN: many channels in one map."""

from __future__ import annotations

import fcntl
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from .._events import CLOSE, DATA, END
from .._registry import Capability, Level, check
from .._rig import Rig

# One pair for each of 500 channels, and what the process has open besides.
_MOST = 1100


@contextmanager
def _descriptors(count: int) -> Iterator[None]:
    """Let the process have so many descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _received(channels: list[Any], count: int) -> bool:
    """Return whether each channel's peer has received so many bytes."""
    for channel in channels:
        channel.peer.receive()
    return all(len(channel.peer.received) >= count for channel in channels)


@check("FAN-001", Level.MUST, slow=True)
def five_hundred_echoes(rig: Rig) -> None:
    """500 channels echo ten messages each."""
    with _descriptors(_MOST):
        channels = [rig.chat(b"\n", found=lambda ch: ch.push(b"pong")) for _ in range(500)]
        for count in range(1, 11):
            for channel in channels:
                channel.peer.send(b"ping\n")
            rig.until(lambda: _received(channels, 4 * count), "500 answers")  # noqa: B023

        assert all(channel.peer.received == b"pong" * 10 for channel in channels)
        rig.close()


@check("FAN-002", Level.SHOULD)
def a_flood_does_not_starve(rig: Rig) -> None:
    """A channel that is flooded does not keep a quiet one waiting for more than a few polls."""
    flooded, quiet = rig.chat(b"\n"), rig.chat(b"\n")
    polls = 0
    quiet.peer.send(b"please\n")
    while END not in quiet.events and polls < 10:
        flooded.peer.send(b"x" * 65000 + b"\n")
        rig.poll()
        polls += 1

    assert polls <= 5, f"the quiet channel waited {polls} polls"


@check("FAN-003", Level.MUST, needs=[Capability.HIGH_FD])
def high_descriptors(rig: Rig) -> None:
    """A channel on a descriptor above 1024 works."""
    with _descriptors(_MOST):
        low, theirs = socket.socketpair()
        ours = socket.socket(fileno=fcntl.fcntl(low.fileno(), fcntl.F_DUPFD_CLOEXEC, 1050))
        low.close()
        channel = rig.adopt(ours, theirs)

        rig.expect(rig.feed(channel, b"a\n"), [DATA(b"a"), END])
        channel.push(b"answer")
        rig.expect(rig.drain(channel), b"answer")
        rig.close()


@check("FAN-004", Level.MUST, needs=[Capability.CONNECT, Capability.LISTEN], slow=True)
def connections_come_and_go(rig: Rig) -> None:
    """After 2 000 connections that were made and closed nothing is left of them."""
    served = 0

    def serve(listener: Any, sock: Any, addr: Any) -> None:
        nonlocal served
        served += 1
        rig.backend.async_chat(sock, rig.map).close_when_done()

    listener = rig.listener(accepted=serve)
    for _ in range(20):
        clients = [rig.client() for _ in range(100)]
        for client in clients:
            client.connect(listener.address)
        rig.until(lambda: all(CLOSE in client.events for client in clients), "the end of all")  # noqa: B023

    rig.expect((served, len(rig.map)), (2000, 1))


@check("FAN-005", Level.SHOULD, slow=True)
def idle_channels(rig: Rig) -> None:
    """500 idle channels do not make poll return before its timeout."""
    with _descriptors(_MOST):
        channels = [rig.chat(b"\n") for _ in range(500)]
        rig.settle()
        polls, end = 0, monotonic() + 0.1
        while monotonic() < end:
            rig.poll(0.1)
            polls += 1
        rig.close()

    rig.expect([channel.events for channel in channels], [[]] * 500)
    assert polls <= 5, f"{polls} polls in the time of one"


@check("FAN-006", Level.MUST)
def a_hundred_at_once(rig: Rig) -> None:
    """100 channels with input at once are all served in one or few polls."""
    channels = [rig.chat(b"\n") for _ in range(100)]
    for channel in channels:
        channel.peer.send(b"a\n")

    for _ in range(5):
        rig.poll()

    rig.expect([rig.trace(channel) for channel in channels], [[DATA(b"a"), END]] * 100)


@check("FAN-007", Level.MUST, slow=True)
def one_closes_all(rig: Rig) -> None:
    """One callback closes all 500 channels, all with input: none gets a callback after that."""
    channels: list[Any] = []

    def close_all(channel: Any) -> None:
        for other in channels:
            other.close()

    with _descriptors(_MOST):
        channels += [rig.chat(b"\n", found=close_all) for _ in range(500)]
        for channel in channels:
            channel.peer.send(b"\n")
        rig.settle()
        rig.close()

    rig.expect(sum(len(channel.events) for channel in channels), 1)
