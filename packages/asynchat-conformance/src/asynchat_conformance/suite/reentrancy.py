"""RNT: what callbacks may call."""

from __future__ import annotations

import socket
from typing import Any

from .._events import CONNECT, DATA, END, frames
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import Scripted


class _Pushing:
    """A producer that pushes one piece on its channel for each that it returns."""

    def __init__(self, channel: Any, pieces: list[bytes], pushes: list[bytes]) -> None:
        self._channel = channel
        self._pieces = iter(pieces)
        self._pushes = iter(pushes)

    def more(self) -> bytes:
        piece = next(self._pieces, b"")
        if piece:
            self._channel.push(next(self._pushes))
        return piece


@check("RNT-001", Level.MUST)
def push_in_found(rig: Rig) -> None:
    """push() in found_terminator keeps the order of the requests."""
    answers = iter(range(100))
    channel = rig.chat(b"\n", found=lambda ch: ch.push(b"%d " % next(answers)))

    rig.feed(channel, b"\n" * 60, b"\n" * 40)

    rig.expect(rig.drain(channel), b"".join(b"%d " % number for number in range(100)))


@check("RNT-002", Level.MUST)
def push_in_collect(rig: Rig) -> None:
    """push() in collect_incoming_data keeps the order of the data."""
    channel = rig.chat(b"\n", collect=lambda ch, data: ch.push(data))

    rig.feed(channel, b"one\ntwo", b"three\n", b"four")

    rig.expect(rig.drain(channel), b"onetwothreefour")


@check("RNT-003", Level.MUST)
def push_with_producer_in_found(rig: Rig) -> None:
    """push_with_producer() in found_terminator keeps the order of the requests, among push() too."""

    def answer(channel: Any) -> None:
        channel.push_with_producer(Scripted([b"a", b"b"]))
        channel.push(b"c")

    channel = rig.chat(b"\n", found=answer)

    rig.feed(channel, b"\n\n\n")

    rig.expect(rig.drain(channel), b"abc" * 3)


@check("RNT-004", Level.SHOULD)
def push_inside_more(rig: Rig) -> None:
    """push() inside more() goes after the chunk that is being returned."""
    channel = rig.chat()

    channel.push_with_producer(_Pushing(channel, [b"first "], [b"second"]))

    rig.expect(rig.drain(channel), b"first second")


@check("RNT-005", Level.SHOULD)
def push_inside_every_more(rig: Rig) -> None:
    """push() in every more() neither recurses without bound nor reorders."""
    channel = rig.chat()
    pieces = [b"p%d " % number for number in range(2000)]
    pushes = [b"q%d " % number for number in range(2000)]

    channel.push_with_producer(_Pushing(channel, pieces, pushes))
    words = [word + b" " for word in rig.drain(channel).split()]

    rig.expect([word for word in words if word.startswith(b"p")], pieces)
    rig.expect([word for word in words if word.startswith(b"q")], pushes)


@check("RNT-006", Level.MUST)
def close_when_done_in_found(rig: Rig) -> None:
    """close_when_done() in found_terminator closes after what was pushed before it."""

    def bye(channel: Any) -> None:
        channel.push(b"bye")
        channel.close_when_done()

    channel = rig.chat(b"\n", found=bye)

    rig.feed(channel, b"quit\n")

    rig.expect((rig.drain(channel), channel.peer.at_eof), (b"bye", True))


@check("RNT-007", Level.MUST)
def all_three_in_found(rig: Rig) -> None:
    """set_terminator(), push() and close_when_done() work together in one found_terminator."""

    def command(channel: Any) -> None:
        channel.push(b"ok ")
        if channel.get_terminator() == b"\n":
            channel.set_terminator(4)
        else:
            channel.push(b"bye")
            channel.close_when_done()

    channel = rig.chat(b"\n", found=command)

    trace = rig.feed(channel, b"data\nfour")

    rig.expect(trace[:4], [DATA(b"data"), END, DATA(b"four"), END])
    rig.expect((rig.drain(channel), channel.peer.at_eof), (b"ok ok bye", True))


@check("RNT-008", Level.MUST)
def handlers_called_by_hand(rig: Rig) -> None:
    """handle_read() or handle_write() called by hand in a callback is harmless."""

    def call_both(channel: Any) -> None:
        channel.handle_read()
        channel.handle_write()

    channel = rig.chat(b"\n", found=call_both)

    rig.expect(rig.feed(channel, b"a\nb\n", b"c"), [DATA(b"a"), END, DATA(b"b"), END, DATA(b"c")])


@check("RNT-009", Level.SHOULD)
def a_nested_poll(rig: Rig) -> None:
    """A nested poll in found_terminator neither loses nor repeats bytes."""
    channel = rig.chat(b"\n", found=lambda ch: rig.backend.poll(rig.map, 0), attributes={"ac_in_buffer_size": 5})
    channel.peer.send(b"one\ntwo\nthree\nfour\n")

    rig.settle()

    rig.expect(frames(channel.events), [b"one", b"two", b"three", b"four"])


@check("RNT-010", Level.MUST)
def a_channel_made_in_a_callback(rig: Rig) -> None:
    """A channel created in a callback joins in."""
    made: list[Any] = []
    channel = rig.chat(b"\n", found=lambda ch: made.append(rig.chat(b"\n")))
    rig.feed(channel, b"\n")

    rig.expect(rig.feed(made[0], b"hello\n"), [DATA(b"hello"), END])


@check("RNT-011", Level.MUST)
def a_channel_removed_in_a_callback(rig: Rig) -> None:
    """A channel that another's callback removed from the map is left alone."""
    pair: list[Any] = []
    pair.append(rig.chat(b"\n", found=lambda ch: pair[1].del_channel()))
    pair.append(rig.chat(b"\n", found=lambda ch: pair[0].del_channel()))
    for channel in pair:
        channel.peer.send(b"x\n")

    for _ in range(5):
        rig.poll()
    counts = sorted(len(channel.events) for channel in pair)
    for channel in pair:
        channel.close()

    rig.expect(counts, [0, 2])


@check("RNT-012", Level.MUST, slow=True)
def ping_pong(rig: Rig) -> None:
    """10 000 messages to and fro between two channels of one map do not recurse."""
    count = 0

    def reply(channel: Any) -> None:
        nonlocal count
        count += 1
        if count < 10000:
            channel.push(b"x\n")

    player = rig.recorder(rig.backend.async_chat, found=reply)
    players = [player(sock, rig.map) for sock in socket.socketpair()]
    for channel in players:
        channel.set_terminator(b"\n")
    players[0].push(b"x\n")

    rig.until(lambda: count == 10000, "the last message")


@check("RNT-013", Level.MUST, needs=[Capability.CONNECT])
def set_terminator_in_handle_connect(rig: Rig) -> None:
    """set_terminator() in handle_connect applies to the first byte."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = rig.client(b"\n", connect=lambda ch: ch.set_terminator(3))
        client.connect(listener.getsockname())
        client.peer = rig.peer(listener.accept()[0])
    client.peer.send(b"a\nb")

    rig.until(lambda: END in client.events, "the frame")

    rig.expect(rig.trace(client), [CONNECT, DATA(b"a\nb"), END])


@check("RNT-014", Level.MUST)
def swapping_callbacks(rig: Rig) -> None:
    """collect_incoming_data and found_terminator set on the instance in mid-stream are the ones that are called."""
    seen: list[Any] = []

    def swap(channel: Any) -> None:
        channel.collect_incoming_data = seen.append
        channel.found_terminator = lambda: seen.append(END)

    channel = rig.chat(b"\n", found=swap)

    rig.expect(rig.feed(channel, b"a\nb\n"), [DATA(b"a"), END])
    rig.expect(seen, [b"b", END])
