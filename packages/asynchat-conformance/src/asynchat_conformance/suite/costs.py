"""What must cost linear time, one send, or nothing: the ids are of the areas that the rules belong to."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

from .._events import END
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import Scripted

_READINESS = [Capability.READINESS]


def _grows(run: Callable[[int], object], size: int, most: float) -> None:
    """
    Fail when ``run(4 * size)`` takes more than ``most`` times the processor time of ``run(size)``.

    Linear work takes 4 times as long, quadratic work 16 times.
    """

    def measure(size: int) -> float:
        begin = process_time()
        run(size)
        return process_time() - begin

    measure(size)
    small = min(measure(size) for _ in range(3))
    large = min(measure(4 * size) for _ in range(2))
    assert large < most * small + 0.02, f"a size of {size} took {small:.3f} s, four times that {large:.3f} s"


def _quiet(rig: Rig, **methods: Any) -> Any:
    """Return an async_chat that keeps nothing of its input but the number of frames."""

    def found(channel: Any) -> None:
        channel.frames += 1

    ignore = {"collect_incoming_data": lambda channel, data: None, "found_terminator": found, "frames": 0}
    return type("Quiet", (rig.backend.async_chat,), {**ignore, **methods})


def _channel(rig: Rig, cls: Any) -> Any:
    """Make a channel of ``cls`` as the rig makes one, but without a record of its events."""
    holder = rig.chat()
    sock = holder.socket
    holder.del_channel()
    channel = cls(sock, rig.map)
    channel.peer = holder.peer
    return channel


@check("FRM-022", Level.SHOULD, needs=_READINESS, slow=True)
def a_frame_costs_the_same_in_a_large_read(rig: Rig) -> None:
    """A frame costs the same whatever the size of the read that it came in: the rest is not copied for each."""
    total = 1 << 19

    def run(size: int) -> None:
        read = b"a\n" * (size // 2)

        def recv(channel: Any, most: int) -> bytes:
            cls.recv(channel, most)
            return read

        cls = rig.backend.async_chat
        channel = _channel(rig, _quiet(rig, recv=recv))
        channel.set_terminator(b"\n")
        for number in range(1, total // size + 1):
            channel.peer.send(b"x")
            rig.until(lambda: channel.frames == number * size // 2, "the frames")  # noqa: B023
        channel.close()

    # The same stream in reads of 128 KiB and of 512 KiB.
    _grows(run, total // 4, 1.8)


@check("FRM-023", Level.SHOULD, slow=True)
def a_long_terminator(rig: Rig) -> None:
    """A read costs time linear in the length of the terminator."""

    def run(size: int) -> None:
        channel = _channel(rig, _quiet(rig))
        channel.set_terminator(b"t" * size)
        for _ in range(3):
            channel.peer.send(b"some text")
            rig.poll()
        channel.close()

    # Shorter ones would not tell: up to some 10 000 bytes a copy costs hardly more than the call that makes it.
    _grows(run, 40000, 6)


@check("OUT-021", Level.SHOULD, needs=_READINESS, slow=True)
def a_large_chunk(rig: Rig) -> None:
    """A large chunk of a producer is sent in linear time: its rest is not copied for each send."""

    def run(size: int) -> None:
        sent = 0

        def send(channel: Any, data: Any) -> int:
            nonlocal sent
            sent += len(data)
            return len(data)

        channel = _channel(rig, _quiet(rig, send=send, ac_out_buffer_size=512, output_high_mark=None))
        channel.push_with_producer(Scripted([b"x" * size]))
        rig.until(lambda: sent == size, "all of it")
        channel.close()

    _grows(run, 1 << 20, 8)


@check("OUT-022", Level.SHOULD, needs=_READINESS)
def small_pushes_leave_together(rig: Rig) -> None:
    """100 small pushes in one callback take few sends, not 100."""

    def answer(channel: Any) -> None:
        for _ in range(100):
            channel.push(b"x")

    channel = rig.chat(b"\n", found=answer, sends=())
    rig.feed(channel, b"\n")

    rig.expect(rig.drain(channel), b"x" * 100)
    assert len(channel.script.sent) <= 10, f"{len(channel.script.sent)} sends"


@check("PRD-022", Level.SHOULD, needs=["asynchat"], slow=True)
def simple_producer_is_linear(rig: Rig) -> None:
    """simple_producer gives all its data in linear time."""

    def run(size: int) -> None:
        producer = rig.backend.asynchat.simple_producer(b"x" * size, 64)
        while producer.more():
            pass

    _grows(run, 1 << 18, 8)


@check("MIX-011", Level.SHOULD, needs=["dispatcher_with_send"], slow=True)
def dispatcher_with_send_is_linear(rig: Rig) -> None:
    """dispatcher_with_send takes data for a reader that is slow in linear time: what waits is not copied each time."""

    def run(size: int) -> None:
        holder = rig.chat()
        sock = holder.socket
        holder.del_channel()
        sender = rig.backend.dispatcher_with_send(sock, rig.map)
        for _ in range(size):
            sender.send(b"x" * 1000)
        sender.close()

    _grows(run, 1000, 8)


@check("FAN-008", Level.SHOULD)
def many_frames_do_not_starve(rig: Rig) -> None:
    """The frames of one large read do not all come before another channel has its turn."""
    frames = 0

    def flood(channel: Any) -> None:
        nonlocal frames
        frames += END not in quiet.events
        if len(channel.events) == 1:
            quiet.peer.send(b"please\n")

    quiet = rig.chat(b"\n")
    flooded = rig.chat(b"\n", found=flood, attributes={"ac_in_buffer_size": 65536})
    flooded.peer.send(b"\n" * 60000)

    rig.until(lambda: END in quiet.events, "the quiet channel's turn")

    assert frames < 30000, f"{frames} frames came first"
    rig.until(lambda: len(flooded.events) == 60000, "the other frames")


@check("FAN-009", Level.SHOULD, slow=True)
def idle_channels_cost_nothing(rig: Rig) -> None:
    """A poll does not cost more with many idle channels."""

    def run(size: int) -> None:
        while len(rig.map) < size:
            rig.chat()
        rig.backend.poll(rig.map, 0)
        begin = process_time()
        for _ in range(200):
            rig.backend.poll(rig.map, 0)
        costs.append(process_time() - begin)

    costs: list[float] = []
    for size in (10, 10, 300, 300):
        run(size)
    few, many = min(costs[:2]), min(costs[2:])
    assert many < 4 * few + 0.01, f"200 polls of 10 channels took {few:.3f} s, of 300 {many:.3f} s"
