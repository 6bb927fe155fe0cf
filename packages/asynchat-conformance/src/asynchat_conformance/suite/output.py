"""OUT: push."""

from __future__ import annotations

import array
import errno
import os
import socket
import tracemalloc
from typing import Any

from .._events import CLOSE, END
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import Scripted

MIB = 1 << 20
_READINESS = [Capability.READINESS]


@check("OUT-001", Level.MUST)
def in_order(rig: Rig) -> None:
    """Pushes leave in order."""
    channel = rig.chat()
    pieces = [b"%d," % number for number in range(200)]
    for piece in pieces:
        channel.push(piece)

    rig.expect(rig.drain(channel), b"".join(pieces))


@check("OUT-002", Level.MUST)
def kinds_of_bytes(rig: Rig) -> None:
    """bytes, bytearray and memoryview are accepted."""
    channel = rig.chat()
    for data in (b"a", bytearray(b"b"), memoryview(b"c")):
        channel.push(data)

    rig.expect(rig.drain(channel), b"abc")


@check("OUT-003", Level.MUST)
def wrong_types(rig: Rig) -> None:
    """str, int, None and list raise TypeError and queue nothing."""
    channel = rig.chat()
    for wrong in ("text", 3, None, [b"x"]):
        try:
            channel.push(wrong)
        except TypeError:
            continue
        raise AssertionError(f"no TypeError for {wrong!r}")
    channel.push(b"right")

    rig.expect(rig.drain(channel), b"right")


@check("OUT-004", Level.MUST)
def empty(rig: Rig) -> None:
    """push(b"") sends nothing and does not block the queue."""
    channel = rig.chat()
    for data in (b"", b"a", b"", b"b", b""):
        channel.push(data)

    rig.expect(rig.drain(channel), b"ab")
    assert not channel.writable()


def _fill(channel: Any) -> bytes:
    """Push until the kernel takes no more; return what was pushed."""
    filling = b"f" * MIB
    channel.push(filling)
    return filling


@check("OUT-005", Level.SHOULD)
def a_copy_is_sent(rig: Rig) -> None:
    """Changing a bytearray after push does not change what is sent."""
    channel = rig.chat()
    filling = _fill(channel)
    data = bytearray(b"before")
    channel.push(data)
    data[:] = b"after!"

    rig.expect(rig.drain(channel)[len(filling) :], b"before")


@check("OUT-006", Level.MUST)
def larger_than_the_buffer(rig: Rig) -> None:
    """Data larger than ac_out_buffer_size arrives whole."""
    channel = rig.chat(attributes={"ac_out_buffer_size": 100})
    data = bytes(range(256)) * 40
    channel.push(data)

    rig.expect(rig.drain(channel), data)


@check("OUT-007", Level.MUST, needs=_READINESS)
def no_send_exceeds_the_buffer(rig: Rig) -> None:
    """No single send exceeds ac_out_buffer_size, of the class or of the instance, changed between sends too."""
    small = type("Small", (rig.backend.async_chat,), {"ac_out_buffer_size": 100})
    channel = rig.chat(base=small, sends=())
    channel.push(b"x" * 1000)
    channel.push(b"y" * 50)
    channel.push_with_producer(Scripted([b"z" * 999]))
    rig.drain(channel)
    assert max(channel.script.sent) <= 100, channel.script.sent

    channel.ac_out_buffer_size = 7
    channel.script.sent.clear()
    channel.push_with_producer(Scripted([b"x" * 99]))
    rig.drain(channel)

    assert max(channel.script.sent) <= 7, channel.script.sent


@check("OUT-008", Level.MUST, needs=_READINESS)
def a_short_write(rig: Rig) -> None:
    """A short write keeps the tail at the head of the queue."""
    channel = rig.chat(sends=[3, 1, 2])
    channel.push(b"abcdefgh")
    channel.push(b"ijk")

    rig.expect(rig.drain(channel), b"abcdefghijk")


@check("OUT-009", Level.MUST, needs=_READINESS)
def no_room(rig: Rig) -> None:
    """EAGAIN on send keeps the data for the next time that there is room."""
    error = BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    channel = rig.chat(sends=[error, error])
    channel.push(b"abc")

    rig.expect(rig.drain(channel), b"abc")
    rig.expect(channel.events, [])


@check("OUT-010", Level.MUST, needs=[Capability.CONNECT])
def before_the_connection(rig: Rig) -> None:
    """Data pushed before connect is sent after it."""
    listener = socket.create_server(("127.0.0.1", 0))
    rig.peer(listener)
    client = rig.client()
    client.push(b"early ")
    client.connect(listener.getsockname())
    client.push(b"birds")
    client.peer = rig.take(listener)

    rig.expect(rig.drain(client), b"early birds")


@check("OUT-011", Level.MUST)
def on_a_closed_channel(rig: Rig) -> None:
    """push on a closed channel raises nothing, sends nothing and does not enter the map again."""
    channel = rig.chat()
    channel.close()
    channel.push(b"too late")
    rig.settle()

    rig.expect((rig.drain(channel), len(rig.map), channel.events), (b"", 0, []))


@check("OUT-012", Level.MUST)
def no_write_events_without_output(rig: Rig) -> None:
    """With an empty queue the channel asks for no write events."""
    writes: list[int] = []

    class Counting(rig.backend.async_chat):  # type: ignore[misc, name-defined]
        def handle_write(self) -> None:
            writes.append(1)
            super().handle_write()

    channel = rig.chat(base=Counting)
    channel.push(b"a")
    rig.drain(channel)
    writes.clear()
    for _ in range(20):
        rig.poll()

    rig.expect(writes, [])


@check("OUT-013", Level.MUST, slow=True)
def both_ways_at_once(rig: Rig) -> None:
    """8 MiB both ways at once finish."""
    seen = [0]

    def count(channel: Any, data: bytes) -> None:
        seen[0] += len(data)
        channel.events.clear()

    channel = rig.chat(None, collect=count)
    data = bytes(range(256)) * 32768
    channel.push(data)
    rig.send_all(channel, data)

    assert rig.drain(channel) == data
    rig.expect(seen, [len(data)])


@check("OUT-014", Level.SHOULD)
def wide_items(rig: Rig) -> None:
    """A memoryview of wider items is sent whole."""
    numbers = array.array("I", range(300_000))
    channel = rig.chat()
    channel.push(memoryview(numbers))

    assert rig.drain(channel) == numbers.tobytes()


@check("OUT-015", Level.SHOULD)
def with_gaps(rig: Rig) -> None:
    """A memoryview with gaps is sent right or refused, never corrupted."""
    view = memoryview(b"a-b-c-d-")[::2]
    channel = rig.chat()
    try:
        channel.push(view)
    except (TypeError, ValueError, BufferError):
        return
    received = rig.drain(channel)

    assert received == b"abcd" or (channel.events and not received), received


@check("OUT-016", Level.MUST, slow=True)
def many_small_ones(rig: Rig) -> None:
    """10 000 pushes of one byte keep their order and do not recurse."""
    channel = rig.chat()
    stream = bytes(number % 251 for number in range(10_000))
    for byte in stream:
        channel.push(bytes([byte]))

    rig.expect(rig.drain(channel), stream)


@check("OUT-017", Level.SHOULD, slow=True)
def memory_for_a_stopped_reader(rig: Rig) -> None:
    """A reader that stops costs the memory of what is queued once, not twice."""
    channel = rig.chat()
    rig.settle()
    tracemalloc.start()
    try:
        for number in range(256):
            channel.push(bytes([number]) * 65536)
        for _ in range(20):
            rig.poll()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 24 * MIB, f"{peak} bytes for 16 MiB queued"


@check("OUT-018", Level.COMPAT, needs=_READINESS)
def push_sends(rig: Rig) -> None:
    """push tries to send before it returns."""
    channel = rig.chat(sends=())
    rig.settle()
    channel.push(b"now")
    channel.peer.receive()

    rig.expect(channel.peer.received, b"now")


@check("OUT-019", Level.SHOULD)
def pushed_in_a_callback_then_closed(rig: Rig) -> None:
    """What was pushed in a callback before close() in it has left: programs say goodbye so."""

    def found(channel: Any) -> None:
        channel.push(b"good")
        channel.push(b"bye")
        channel.close()

    channel = rig.chat(b"\n", found=found)
    rig.feed(channel, b"quit\n")

    rig.expect(rig.drain(channel), b"goodbye")


@check("OUT-020", Level.SHOULD)
def pushed_in_a_callback_then_written_to_the_socket(rig: Rig) -> None:
    """What was pushed in a callback leaves before what the program writes to the socket itself, as for an upgrade."""

    def found(channel: Any) -> None:
        channel.push(b"220 ")
        channel.push(b"ready ")
        channel.socket.send(b"raw")

    channel = rig.chat(b"\n", found=found)
    trace = rig.feed(channel, b"starttls\n")

    rig.expect((rig.drain(channel), trace[-1]), (b"220 ready raw", END))
    assert CLOSE not in trace
