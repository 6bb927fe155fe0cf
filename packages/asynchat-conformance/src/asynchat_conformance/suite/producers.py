"""PRD: producers."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from typing import Any

from .._events import CLOSE, ERROR
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import Scripted

MIB = 1 << 20


def _blocked(rig: Rig, **options: Any) -> tuple[Any, int]:
    """Return a channel whose socket is full, and how many bytes are in it."""
    channel = rig.chat(**options)
    filling = MIB
    channel.push(b"f" * filling)
    rig.poll()
    return channel, filling


@check("PRD-001", Level.MUST)
def until_empty(rig: Rig) -> None:
    """more() is called until it returns empty, and then not again."""
    channel, producer = rig.chat(), Scripted([b"a", b"b", b"c"])
    channel.push_with_producer(producer)

    rig.expect((rig.drain(channel), producer.calls), (b"abc", 4))


@check("PRD-002", Level.MUST)
def in_queue_order(rig: Rig) -> None:
    """Producers and pushes leave in the order of the queue."""
    channel = rig.chat()
    channel.push(b"1")
    channel.push_with_producer(Scripted([b"2", b"3"]))
    channel.push(b"4")
    channel.push_with_producer(Scripted([b"5"]))
    channel.push(b"6")

    rig.expect(rig.drain(channel), b"123456")


@check("PRD-003", Level.MUST)
def in_turn(rig: Rig) -> None:
    """more() of a later producer is not called before the earlier ones are exhausted."""
    log: list[str] = []
    channel = rig.chat()
    first = Scripted([b"a", b"b"], act=lambda: log.append("first"))
    second = Scripted([b"c"], act=lambda: log.append("second"))
    channel.push_with_producer(first)
    channel.push_with_producer(second)

    rig.expect(rig.drain(channel), b"abc")
    rig.expect(log, ["first"] * 3 + ["second"] * 2)


@check("PRD-004", Level.MUST)
def lazily(rig: Rig) -> None:
    """more() is not called again before its last chunk is fully sent."""
    channel, producer = rig.chat(), Scripted([b"x" * (4 * MIB), b"y"])
    channel.push_with_producer(producer)
    for _ in range(5):
        rig.poll()
    rig.expect(producer.calls, 1)

    rig.expect(len(rig.drain(channel)), 4 * MIB + 1)


@check("PRD-005", Level.MUST)
def large_chunks(rig: Rig) -> None:
    """A chunk above ac_out_buffer_size is split."""
    channel = rig.chat(attributes={"ac_out_buffer_size": 10})
    data = bytes(range(256))
    channel.push_with_producer(Scripted([data, data]))

    rig.expect(rig.drain(channel), data * 2)


@check("PRD-006", Level.MUST)
def only_more(rig: Rig) -> None:
    """Only more() is required of a producer."""

    class Bare:
        __slots__ = ("left",)

        def more(self) -> bytes:
            self.left = getattr(self, "left", 3) - 1
            return b"x" if self.left >= 0 else b""

    channel = rig.chat()
    channel.push_with_producer(Bare())

    rig.expect(rig.drain(channel), b"xxx")


@check("PRD-007", Level.MUST)
def empty_producers(rig: Rig) -> None:
    """An empty producer is skipped, and the next one runs."""
    channel = rig.chat()
    for pieces in ([], [b"a"], [], [], [b"b"]):
        channel.push_with_producer(Scripted(pieces))

    rig.expect(rig.drain(channel), b"ab")


@check("PRD-008", Level.SHOULD)
def none_ends(rig: Rig) -> None:
    """more() returning None ends the producer."""
    channel, producer = rig.chat(), Scripted([b"a", None, b"never"])
    channel.push_with_producer(producer)
    channel.push(b"b")

    rig.expect(rig.drain(channel), b"ab")


@check("PRD-009", Level.MUST)
def other_buffers(rig: Rig) -> None:
    """more() may return bytearray or memoryview."""
    channel = rig.chat()
    channel.push_with_producer(Scripted([bytearray(b"ab"), memoryview(b"cd")]))

    rig.expect(rig.drain(channel), b"abcd")


@check("PRD-010", Level.SHOULD)
def false_producers(rig: Rig) -> None:
    """A producer that is false, since its len() is 0, is not dropped, nor what is queued behind it."""

    class Empty(Scripted):
        def __len__(self) -> int:
            return 0

    channel = rig.chat()
    channel.push_with_producer(Empty([b"a", b"b"]))
    channel.push(b"PRECIOUS")

    rig.expect(rig.drain(channel), b"abPRECIOUS")


@check("PRD-011", Level.SHOULD)
def text(rig: Rig) -> None:
    """more() returning str is reported, not sent and not swallowed."""
    channel, filling = _blocked(rig)
    channel.push_with_producer(Scripted(["text"]))
    received = rig.drain(channel)

    assert b"text" not in received[filling:]
    assert any(event.name == "ERROR" for event in channel.events), channel.events


@check("PRD-012", Level.COMPAT)
def bytes_as_producer(rig: Rig) -> None:
    """push_with_producer(bytes) sends the bytes."""
    channel = rig.chat()
    channel.push_with_producer(b"abc")

    rig.expect(rig.drain(channel), b"abc")


@check("PRD-013", Level.MUST)
def raising_in_a_poll(rig: Rig) -> None:
    """more() raising during a poll reaches handle_error once."""
    channel, _ = _blocked(rig)
    channel.push_with_producer(Scripted([ValueError("x")]))
    rig.drain(channel)

    rig.expect(channel.events, [ERROR(ValueError), CLOSE])


@check("PRD-014", Level.COMPAT)
def raising_at_once(rig: Rig) -> None:
    """more() raising inside push_with_producer reaches the caller."""
    channel = rig.chat()
    try:
        channel.push_with_producer(Scripted([ValueError("x")]))
    except ValueError:
        return
    raise AssertionError("no ValueError")


@check("PRD-015", Level.COMPAT)
def kept_after_an_error(rig: Rig) -> None:
    """After an error that was caught the producer is still at the head."""
    channel = rig.chat()
    producer = Scripted([ValueError("x"), b"a"])
    try:
        channel.push_with_producer(producer)
    except ValueError:
        pass

    rig.expect(rig.drain(channel), b"a")


@check("PRD-016", Level.MUST, slow=True)
def a_thousand(rig: Rig) -> None:
    """1 000 queued producers drain in order."""
    channel = rig.chat()
    for number in range(1000):
        channel.push_with_producer(Scripted([b"%d," % number]))

    rig.expect(rig.drain(channel), b"".join(b"%d," % number for number in range(1000)))


@check("PRD-017", Level.SHOULD, slow=True)
def a_lazy_stream_costs_no_memory(rig: Rig) -> None:
    """A lazy producer of 64 MiB keeps the memory flat."""
    channel = rig.chat()
    rig.settle()
    tracemalloc.start()
    try:
        channel.push_with_producer(Scripted([b"x" * 65536] * 1024))
        total = 0
        while channel.writable():
            rig.poll()
            total += channel.peer.receive()
            channel.peer.received = b""
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    total += channel.peer.receive()
    rig.expect(total, 64 * MIB)
    assert peak < 8 * MIB, f"{peak} bytes"


@check("PRD-018", Level.SHOULD)
def released_when_exhausted(rig: Rig) -> None:
    """An exhausted producer is released."""
    channel, producer = rig.chat(), Scripted([b"a"])
    channel.push_with_producer(producer)
    rig.drain(channel)
    alive = weakref.ref(producer)
    del producer
    gc.collect()

    assert alive() is None


@check("PRD-019", Level.SHOULD)
def released_by_close(rig: Rig) -> None:
    """close() releases queued producers."""
    channel, _ = _blocked(rig)
    producer = Scripted([b"a"])
    channel.push_with_producer(producer)
    channel.close()
    alive = weakref.ref(producer)
    del producer
    gc.collect()

    assert alive() is None


@check("PRD-020", Level.MUST, needs=["asynchat"])
def simple_producer(rig: Rig) -> None:
    """simple_producer cuts its data at buffer_size."""
    producer = rig.backend.asynchat.simple_producer(b"abcdefgh", buffer_size=3)

    rig.expect([producer.more() for _ in range(4)], [b"abc", b"def", b"gh", b""])


@check("PRD-021", Level.SHOULD, needs=[Capability.READINESS])
def a_failing_producer_does_not_spin(rig: Rig) -> None:
    """A producer that raises each time does not cost a call of more() in each poll for ever."""
    channel, _ = _blocked(rig, error=lambda ch: None)
    producer = Scripted([ValueError("x")] * 1000)
    channel.push_with_producer(producer)
    rig.drain(channel)
    for _ in range(50):
        rig.poll()

    assert producer.calls <= 2, f"{producer.calls} calls"
