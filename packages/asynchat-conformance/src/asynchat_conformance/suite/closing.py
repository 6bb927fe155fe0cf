"""CLS: closing a channel."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from .._events import ACCEPTED, CLOSE, CONNECT, DATA, END
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import Scripted


@check("CLS-001", Level.MUST)
def close_leaves_the_map(rig: Rig) -> None:
    """close() removes the channel from the map."""
    channel = rig.chat()
    rig.settle()

    channel.close()

    assert len(rig.map) == 0


@check("CLS-002", Level.MUST)
def the_peer_sees_the_end_at_once(rig: Rig) -> None:
    """The peer sees the end of the stream as soon as close() returns, without another poll."""
    channel = rig.chat()
    rig.settle()

    channel.close()
    channel.peer.receive()

    assert channel.peer.at_eof


@check("CLS-003", Level.MUST)
def closing_twice_is_harmless(rig: Rig) -> None:
    """Closing twice is harmless."""
    channel = rig.chat()

    channel.close()
    channel.close()
    rig.settle()

    rig.expect(rig.trace(channel), [])


@check("CLS-004", Level.MUST, needs=[Capability.READINESS])
def a_closed_socket_is_left_alone(rig: Rig) -> None:
    """After close() in found_terminator there is no further recv or send on the socket."""
    channel = rig.chat(b"\n", found=lambda ch: ch.close(), recvs=())
    rig.feed(channel, b"a\n")
    calls = channel.script.receives, len(channel.script.sent)

    channel.peer.send(b"more\n")
    rig.settle()

    rig.expect((channel.script.receives, len(channel.script.sent)), calls)


@check("CLS-005", Level.SHOULD)
def close_in_found_ends_the_callbacks(rig: Rig) -> None:
    """After close() in found_terminator no further callback runs."""
    channel = rig.chat(b"\n", found=lambda ch: ch.close())

    rig.expect(rig.feed(channel, b"quit\ndelete\ndelete\n"), [DATA(b"quit"), END])


@check("CLS-006", Level.SHOULD)
def close_in_collect_ends_the_callbacks(rig: Rig) -> None:
    """After close() in collect_incoming_data no further callback runs."""
    channel = rig.chat(b"\n", collect=lambda ch, data: ch.close())

    rig.expect(rig.feed(channel, b"quit\ndelete\n"), [DATA(b"quit")])


@check("CLS-007", Level.MUST)
def close_inside_more_sends_nothing(rig: Rig) -> None:
    """After close() inside more() the chunk that it returns is not sent."""
    channel = rig.chat()
    producer = Scripted([b"too late"], act=channel.close)

    channel.push_with_producer(producer)

    rig.expect(rig.drain(channel), b"")


@check("CLS-008", Level.MUST)
def closing_another_channel_of_the_batch(rig: Rig) -> None:
    """A channel closed by another's callback in the same batch gets no callback after it."""
    pair: list[Any] = []
    pair.append(rig.chat(b"\n", found=lambda ch: pair[1].close()))
    pair.append(rig.chat(b"\n", found=lambda ch: pair[0].close()))
    for channel in pair:
        channel.peer.send(b"x\n")

    rig.settle()

    events = sorted(len(channel.events) for channel in pair)
    rig.expect(events, [0, 2])


@check("CLS-009", Level.MUST, needs=[Capability.CONNECT, Capability.LISTEN])
def close_in_other_callbacks(rig: Rig) -> None:
    """close() in handle_connect, in handle_accepted and in a write callback is honoured."""

    def take(listener: object, sock: object, addr: object) -> None:
        sock.close()  # type: ignore[attr-defined]
        listener.close()  # type: ignore[attr-defined]

    listener = rig.listener(accepted=take)
    client = rig.client(connect=lambda ch: ch.close())
    client.connect(listener.address)
    rig.until(lambda: client.events and listener.events, "connect and accept")
    writer = rig.plain(write=lambda ch: ch.close(), writable=lambda ch: True)
    rig.until(lambda: writer.events, "a write event")
    rig.settle()

    rig.expect((client.events, listener.events, len(writer.events)), ([CONNECT], [ACCEPTED], 1))
    assert len(rig.map) == 0


@check("CLS-010", Level.MUST)
def handle_close_runs_once(rig: Rig) -> None:
    """handle_close runs at most once for a channel."""
    channels = [rig.chat(tcp=tcp) for tcp in (False, True, True)]
    rig.settle()
    channels[0].peer.close()
    channels[1].peer.close()
    channels[2].peer.reset()

    rig.settle()
    rig.settle()

    rig.expect([rig.trace(channel) for channel in channels], [[CLOSE]] * 3)


@check("CLS-011", Level.SHOULD)
def a_closed_channel_is_freed(rig: Rig) -> None:
    """A closed channel is freed without a run of the garbage collector."""
    channel = rig.recorder(rig.backend.async_chat)
    pair = rig.chat()
    alive = weakref.ref(pair)
    rig.feed(pair, b"some\ninput")
    del channel
    gc.disable()
    try:
        pair.push(b"output")
        rig.settle()
        pair.close()
        rig.settle()
        del pair
        freed = alive() is None
    finally:
        gc.enable()

    assert freed, "the closed channel is still referred to"


@check("CLS-012", Level.MUST)
def close_before_the_first_poll(rig: Rig) -> None:
    """A channel may be closed before the first poll."""
    channel = rig.chat()
    channel.peer.send(b"unread\n")

    channel.close()
    rig.settle()

    rig.expect(rig.trace(channel), [])


@check("CLS-013", Level.MUST)
def unsent_data_is_dropped(rig: Rig) -> None:
    """close() with unsent data drops it and raises nothing."""
    channel = rig.chat()
    channel.push(b"x" * (8 << 20))

    channel.close()
    rig.settle()

    rig.expect(rig.trace(channel), [])
    assert len(rig.drain(channel)) < 8 << 20


@check("CLS-014", Level.COMPAT)
def frames_already_read_are_delivered_after_close(rig: Rig) -> None:
    """Frames already read are still delivered after close(), as the standard library did (deliver_after_close)."""
    channel = rig.chat(b"\n", found=lambda ch: ch.close(), attributes={"deliver_after_close": True})

    rig.expect(rig.feed(channel, b"a\nb\n"), [DATA(b"a"), END, DATA(b"b"), END])
