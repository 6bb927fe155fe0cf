"""PRD, from 101 on: producers that wait, iterables and files as output."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

from asynchat_core import NOT_READY

from .._events import CLOSE, ERROR
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import Scripted

_SOURCES = [Capability.SOURCES]
_MIB = 1 << 20


def _file(data: bytes, at: int = 0) -> Any:
    """Return an open file with this content, at a position."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the channel closes it
    file.write(data)
    file.seek(at)
    return file


def _until_closed(log: list[str], *pieces: Any) -> Iterator[Any]:
    try:
        yield from pieces
    finally:
        log.append("closed")


@check("PRD-101", Level.MUST, needs=_SOURCES)
def not_ready(rig: Rig) -> None:
    """A producer that returns NOT_READY goes on after resume_producer(); nothing is lost, and the order is kept."""
    channel, producer = rig.chat(), Scripted([b"1", NOT_READY, b"2", NOT_READY, b"3"])
    channel.push(b"0")
    channel.push_with_producer(producer)
    channel.push(b"4")
    rig.expect(rig.drain(channel), b"01")
    channel.resume_producer()
    rig.expect(rig.drain(channel), b"012")
    channel.resume_producer()

    rig.expect(rig.drain(channel), b"01234")


@check("PRD-102", Level.MUST, needs=_SOURCES)
def not_ready_does_not_spin(rig: Rig) -> None:
    """While a producer is not ready the channel is not writable, and the producer is not asked again."""
    channel, producer = rig.chat(), Scripted([NOT_READY] * 100)
    channel.push_with_producer(producer)
    channel.push(b"behind")
    rig.settle()
    calls = producer.calls
    for _ in range(10):
        rig.poll()

    rig.expect((channel.writable(), producer.calls - calls, calls), (False, 0, 1))


@check("PRD-103", Level.MUST, needs=_SOURCES)
def nothing_to_resume(rig: Rig) -> None:
    """resume_producer() without a producer that waits does nothing."""
    channel = rig.chat()
    channel.resume_producer()
    rig.settle()
    channel.push(b"a")

    rig.expect((rig.drain(channel), channel.events), (b"a", []))


@check("PRD-104", Level.MUST, needs=_SOURCES)
def close_waits(rig: Rig) -> None:
    """close_when_done waits for a producer that is not ready."""
    channel = rig.chat()
    channel.push_with_producer(Scripted([NOT_READY, b"last"]))
    channel.close_when_done()
    rig.settle()
    rig.expect(channel.events, [])
    channel.resume_producer()

    rig.expect((rig.drain(channel), channel.peer.at_eof, channel.events), (b"last", True, [CLOSE]))


@check("PRD-105", Level.MUST, needs=_SOURCES)
def raising_when_resumed(rig: Rig) -> None:
    """What more() raises when it is resumed goes to handle_error once, and does not come out of resume_producer()."""
    channel = rig.chat()
    channel.push_with_producer(Scripted([NOT_READY, ValueError("x")]))
    channel.resume_producer()
    rig.settle()

    rig.expect(channel.events, [ERROR(ValueError), CLOSE])


@check("PRD-106", Level.MUST, needs=[Capability.SOURCES, Capability.LIMITS, Capability.TIMERS, "call_later"], slow=True)
def waiting_is_not_slowness(rig: Rig) -> None:
    """flush_timeout does not run while a producer is not ready."""
    channel = rig.chat(attributes={"flush_timeout": 0.02})
    channel.push_with_producer(iter([b"a", NOT_READY, b"b"]))
    channel.close_when_done()
    late: list[int] = []
    rig.backend.call_later(0.1, late.append, 1, map=rig.map)
    rig.until(lambda: bool(late))
    rig.expect(channel.events, [])
    channel.resume_producer()

    rig.expect((rig.drain(channel), channel.events), (b"ab", [CLOSE]))


@check("PRD-107", Level.MUST, needs=_SOURCES)
def iterables(rig: Rig) -> None:
    """push_with_producer takes an iterable, whose items are asked for one by one as they can be sent."""
    made: list[int] = []

    def items() -> Iterator[bytes]:
        for number in range(8):
            made.append(number)
            yield bytes([number]) * _MIB

    channel = rig.chat()
    channel.push_with_producer(items())
    rig.poll()
    assert len(made) < 8, "all was made at once"

    rig.expect(rig.drain(channel), b"".join(bytes([number]) * _MIB for number in range(8)))


@check("PRD-108", Level.MUST, needs=_SOURCES)
def empty_items(rig: Rig) -> None:
    """An empty item does not end an iterable."""
    channel = rig.chat()
    channel.push_with_producer([b"", b"a", bytearray(b""), b"", memoryview(b"b")])

    rig.expect(rig.drain(channel), b"ab")


@check("PRD-109", Level.MUST, needs=_SOURCES)
def generators_are_closed(rig: Rig) -> None:
    """A generator is closed by discard_buffers() and by close()."""
    for end in ("discard_buffers", "close"):
        log: list[str] = []
        channel = rig.chat()
        items = _until_closed(log, b"x" * 8 * _MIB, b"y")
        channel.push_with_producer(items)
        rig.poll()
        getattr(channel, end)()
        rig.expect(log, ["closed"])


@check("PRD-110", Level.MUST, needs=_SOURCES)
def neither(rig: Rig) -> None:
    """What is neither a producer nor an iterable of bytes is a TypeError at once, a str too; nothing is queued."""
    channel = rig.chat()
    for wrong in ("text", 7, None):
        try:
            channel.push_with_producer(wrong)
        except TypeError:
            continue
        raise AssertionError(f"{wrong!r} was taken")

    rig.expect((rig.drain(channel), channel.writable()), (b"", False))


@check("PRD-111", Level.MUST, needs=_SOURCES)
def an_iterable_that_waits(rig: Rig) -> None:
    """An iterator may give NOT_READY, as more() may."""
    channel = rig.chat()
    channel.push_with_producer(iter([b"a", NOT_READY, b"b"]))
    rig.expect(rig.drain(channel), b"a")
    channel.resume_producer()

    rig.expect(rig.drain(channel), b"ab")


@check("PRD-112", Level.MUST, needs=_SOURCES)
def files(rig: Rig) -> None:
    """push_file sends a file, from an offset or its position, so many bytes or up to its end, in the queue's order."""
    data = rig.random.randbytes(3 * _MIB)
    channel = rig.chat(tcp=True)
    channel.push(b"<")
    channel.push_file(_file(data, 5))
    channel.push(b"|")
    channel.push_file(_file(data), 7, 100)
    channel.push(b">")

    rig.expect(rig.drain(channel), b"<" + data[5:] + b"|" + data[7:107] + b">")


@check("PRD-113", Level.MUST, needs=[*_SOURCES, Capability.READINESS])
def files_through_send(rig: Rig) -> None:
    """Where a class has its own send(), as for TLS, a file goes through that."""

    def send(self: Any, data: bytes) -> int:
        return int(rig.backend.async_chat.send(self, bytes(byte ^ 1 for byte in data)))

    channel = rig.chat(base=type("Hidden", (rig.backend.async_chat,), {"send": send}))
    channel.push_file(_file(b"012345"))

    rig.expect(rig.drain(channel), b"103254")


@check("PRD-114", Level.MUST, needs=_SOURCES)
def files_are_closed(rig: Rig) -> None:
    """A file is closed when it has been sent, and with its channel."""
    sent, dropped = _file(b"a"), _file(b"b" * 8 * _MIB)
    channel = rig.chat()
    channel.push_file(sent)
    channel.push_file(dropped)
    rig.poll()
    rig.expect((sent.closed, dropped.closed), (True, False))
    channel.close()

    assert dropped.closed


@check("PRD-115", Level.MUST, needs=_SOURCES)
def files_too_short(rig: Rig) -> None:
    """A file that ends before the count is an EOFError in handle_error."""
    channel = rig.chat()
    channel.push(b"f" * 4 * _MIB)
    channel.push_file(_file(b"abc"), 0, 5)
    received = rig.drain(channel)

    rig.expect((received[-3:], channel.events), (b"abc", [ERROR(EOFError), CLOSE]))
