"""CWD: close_when_done."""

from __future__ import annotations

import socket
from typing import Any

from .._events import CLOSE, CONNECT, DATA, END
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import Scripted


@check("CWD-001", Level.MUST, slow=True)
def after_everything_queued(rig: Rig) -> None:
    """It closes only after everything that was queued before it has been sent, however slow the reader."""
    channel = rig.chat()
    data = bytes(range(250)) * 12000
    channel.push(data)
    channel.close_when_done()
    for _ in range(20):
        rig.poll()
    rig.expect(channel.events, [])

    assert rig.drain(channel) == data
    rig.expect((channel.peer.at_eof, channel.events), (True, [CLOSE]))


@check("CWD-002", Level.MUST)
def an_idle_channel(rig: Rig) -> None:
    """It closes an idle channel without any traffic of the peer."""
    channel = rig.chat()
    rig.settle()
    channel.close_when_done()
    rig.settle()

    rig.expect((channel.events, len(rig.map)), ([CLOSE], 0))


@check("CWD-003", Level.MUST)
def later_pushes(rig: Rig) -> None:
    """Data pushed after it is never sent."""
    channel = rig.chat()
    channel.push(b"before")
    channel.close_when_done()
    channel.push(b"after")

    rig.expect(rig.drain(channel), b"before")


@check("CWD-004", Level.MUST)
def twice(rig: Rig) -> None:
    """Calling it twice closes once."""
    channel = rig.chat()
    channel.push(b"a")
    channel.close_when_done()
    channel.close_when_done()

    rig.expect((rig.drain(channel), channel.events), (b"a", [CLOSE]))


@check("CWD-005", Level.MUST)
def input_until_then(rig: Rig) -> None:
    """Incoming data is processed until the close."""
    channel = rig.chat(b"\n")
    channel.push(b"x" * (1 << 20))
    channel.close_when_done()

    rig.expect(rig.feed(channel, b"a\n", b"b\n"), [DATA(b"a"), END, DATA(b"b"), END])


@check("CWD-006", Level.MUST)
def in_found(rig: Rig) -> None:
    """Called in found_terminator, frames already read are still delivered."""
    channel = rig.chat(b"\n", found=lambda ch: ch.close_when_done())

    rig.expect(rig.feed(channel, b"a\nb\n"), [DATA(b"a"), END, DATA(b"b"), END, CLOSE])


@check("CWD-007", Level.MUST)
def behind_a_producer(rig: Rig) -> None:
    """It waits for a producer at the head."""
    channel = rig.chat()
    channel.push_with_producer(Scripted([b"x" * 100_000] * 30))
    channel.close_when_done()

    rig.expect((len(rig.drain(channel)), channel.events), (3_000_000, [CLOSE]))


@check("CWD-008", Level.MUST)
def one_handle_close(rig: Rig) -> None:
    """It leads to exactly one handle_close."""
    channel = rig.chat(tcp=True)
    channel.push(b"bye")
    channel.close_when_done()
    rig.drain(channel)
    channel.peer.close()
    rig.settle()

    rig.expect(channel.events, [CLOSE])


@check("CWD-009", Level.MUST, needs=[Capability.CONNECT])
def before_the_connection(rig: Rig) -> None:
    """Called before connect, the channel connects, sends, and closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    rig.peer(listener)
    client = rig.client()
    client.push(b"hello")
    client.close_when_done()
    client.connect(listener.getsockname())
    client.peer = rig.take(listener)
    rig.until(lambda: CLOSE in client.events, "the close")

    rig.expect((rig.drain(client), client.events), (b"hello", [CONNECT, CLOSE]))


@check("CWD-010", Level.MUST)
def the_peer_closes_first(rig: Rig) -> None:
    """When the peer closes first, it does not close twice."""
    channel = rig.chat()
    channel.push(b"x" * (1 << 20))
    channel.close_when_done()
    channel.peer.close()
    rig.settle()

    rig.expect(channel.events, [CLOSE])


@check("CWD-011", Level.COMPAT)
def not_at_once(rig: Rig) -> None:
    """It does not close within the call."""
    channel = rig.chat()
    rig.settle()
    channel.close_when_done()

    rig.expect((channel.events, bool(channel.connected)), ([], True))


@check("CWD-012", Level.COMPAT)
def a_channel_that_is_kept(rig: Rig) -> None:
    """A handle_close that keeps the channel lets later entries of the queue flow."""
    channel = rig.chat(close=lambda ch: None)
    channel.push(b"x" * (2 << 20))
    channel.close_when_done()
    channel.push(b"later")

    assert rig.drain(channel).endswith(b"later")


@check("CWD-013", Level.SHOULD)
def with_unread_input(rig: Rig) -> None:
    """With unread input the peer still gets the whole answer and then the end of the stream, not a reset."""

    def found(channel: Any) -> None:
        channel.push(b"answer")
        channel.close_when_done()

    channel = rig.chat(b"\n", tcp=True, found=found, attributes={"ac_in_buffer_size": 2})
    channel.peer.send(b"q\n" + b"unread" * 1000)
    rig.until(lambda: CLOSE in channel.events, "the close")
    rig.settle()
    channel.peer.receive()

    rig.expect((channel.peer.received, channel.peer.at_eof, channel.peer.was_reset), (b"answer", True, False))
