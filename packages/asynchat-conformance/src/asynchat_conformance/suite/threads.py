"""THR: loops in other threads, and threads beside a loop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

from .._events import DATA, END, frames
from .._registry import Capability, Level, check
from .._rig import Rig
from . import closing, end_of_stream, errors

_WAKE: list[Capability | str] = [Capability.THREADSAFE_WAKE, "call_soon_threadsafe"]

#: Checks that stand for the whole suite in another thread.
_SMOKE = (
    closing.the_peer_sees_the_end_at_once,
    closing.closing_another_channel_of_the_batch,
    closing.unsent_data_is_dropped,
    errors.found_raising,
    errors.other_channels_go_on,
    end_of_stream.every_byte_is_delivered,
    end_of_stream.a_reset_is_no_error,
)


def _in_thread(*bodies: Callable[[], object]) -> None:
    """Run each body in a thread of its own; raise what the first one raised."""
    raised: list[BaseException] = []

    def run(body: Callable[[], object]) -> None:
        try:
            body()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def _echo(rig: Rig, count: int) -> None:
    """Send numbered frames through a channel of ``rig``, and close the rig."""
    try:
        channel = rig.chat(b"\n", found=lambda ch: ch.push(b"x"))
        for number in range(count):
            channel.peer.send(b"%d\n" % number)
            rig.until(lambda: END in channel.events[2 * number :], "the frame")  # noqa: B023
        rig.expect(frames(channel.events), [b"%d" % number for number in range(count)])
        rig.expect(rig.drain(channel), b"x" * count)
    finally:
        rig.close()


@check("THR-001", Level.MUST, slow=True)
def in_another_thread(rig: Rig) -> None:
    """What holds in the main thread holds in another."""

    def smoke() -> None:
        for body in _SMOKE:
            world = Rig(rig.backend)
            try:
                body(world)
            finally:
                world.close()

    _in_thread(smoke)


@check("THR-002", Level.MUST, slow=True)
def two_maps_in_two_threads(rig: Rig) -> None:
    """Two maps run in two threads at once."""
    _in_thread(*[partial(_echo, Rig(rig.backend), 300) for _ in range(2)])


@check("THR-003", Level.MUST)
def callbacks_in_the_polling_thread(rig: Rig) -> None:
    """Callbacks run in the thread that polls, and in no other."""
    callers: set[int] = set()

    def note(*args: Any) -> None:
        callers.add(threading.get_ident())

    def serve() -> None:
        world = Rig(rig.backend)
        try:
            channel = world.chat(b"\n", collect=note, found=note, error=note)
            channel.peer.send(b"a\nb\n")
            channel.peer.close()
            world.settle()
            assert callers == {threading.get_ident()}, "a callback ran in another thread"
        finally:
            world.close()

    _in_thread(serve)


@check("THR-004", Level.SHOULD, needs=_WAKE, slow=True)
def a_wake_up(rig: Rig) -> None:
    """A call from another thread ends the wait, and is made within one poll."""
    rig.chat()
    rig.settle()
    begin = monotonic()
    for count in range(1, 21):
        called: list[int] = []
        wake = partial(rig.backend.call_soon_threadsafe, called.append, 1, map=rig.map)
        waker = threading.Thread(target=wake)
        waker.start()
        while not called and monotonic() < begin + 10:
            rig.poll(10)
        waker.join()
        assert called == [1], f"call {count} was not made in the poll that it ended"

    assert monotonic() < begin + 10


@check("THR-005", Level.SHOULD, needs=_WAKE, slow=True)
def pushes_from_a_thread(rig: Rig) -> None:
    """What another thread pushes through call_soon_threadsafe arrives whole and in order."""
    channel = rig.chat()
    pieces = [b"%d " % number for number in range(2000)]

    def feed() -> None:
        for piece in pieces:
            rig.backend.call_soon_threadsafe(channel.push, piece, map=rig.map)

    feeder = threading.Thread(target=feed)
    feeder.start()
    total = sum(map(len, pieces))

    def complete() -> bool:
        channel.peer.receive()
        return len(channel.peer.received) >= total

    rig.until(complete, "all pieces")
    feeder.join()

    rig.expect(channel.peer.received, b"".join(pieces))


@check("THR-006", Level.MUST)
def an_interrupt(rig: Rig) -> None:
    """SIGINT during a poll leaves it by KeyboardInterrupt, and the map stays usable."""
    channel = rig.chat(b"\n")
    rig.settle()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt = threading.Timer(0.02, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
    end = monotonic() + 5
    interrupt.start()
    try:
        while monotonic() < end:
            rig.poll(5)
    except KeyboardInterrupt:
        end = 0.0
    finally:
        interrupt.join()
        signal.signal(signal.SIGINT, before)

    assert end == 0.0, "no KeyboardInterrupt left poll"
    rig.expect(rig.feed(channel, b"a\n"), [DATA(b"a"), END])
