"""The queue and the end of a connection: what differs from CPython."""

from __future__ import annotations

import array
import errno
import socket
import weakref
from typing import Any

from .differences import difference
from .kit import Kit, Scripted, failing, received


class Pieces:
    """A producer of some pieces."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = list(pieces)

    def more(self) -> Any:
        return self.pieces.pop(0) if self.pieces else b""


@difference("OUT-004", cpython=[b""], here=[])
def push_of_nothing(kit: Kit) -> object:
    def send(self: Any, data: bytes) -> int:
        sent.append(data)
        return len(data)

    sent: list[bytes] = []
    kit.talk(send=send).channel.push(b"")
    return sent


@difference("OUT-005", cpython=b"new", here=b"old")
def mutable_data(kit: Kit) -> object:
    talk = kit.talk()
    talk.channel.connected = False
    data = bytearray(b"old")
    talk.channel.push(data)
    data[:] = b"new"
    talk.channel.connected = True
    talk.channel.initiate_send()
    return received(talk.peer)


@difference("OUT-014", cpython=False, here=True)
def wide_memoryview(kit: Kit) -> object:
    talk = kit.talk()
    talk.channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    numbers = array.array("I", range(50000))
    talk.channel.push(memoryview(numbers))
    data = b""
    for _ in range(200):
        data += received(talk.peer)
        kit.turns(talk.channels, 1)
    return data == numbers.tobytes()


@difference("OUT-011", cpython=(None, 1), here=(False, 0))
def push_on_a_closed_channel(kit: Kit) -> object:
    channel = kit.talk().channel
    channel.close()
    return channel.push(b"lost"), len(channel.producer_fifo)


@difference("CWD-003", cpython=None, here="ChannelClosed")
def push_behind_the_close_mark(kit: Kit) -> object:
    channel = kit.talk(base=kit.package and kit.package.async_chat).channel
    channel.close_when_done()
    try:
        return channel.push(b"late")
    except Exception as error:
        return type(error).__name__


@difference("RNT-004", cpython=b"<pushed>one", here=b"one<pushed>")
def push_within_more(kit: Kit) -> object:
    class Pushing(Pieces):
        def more(self) -> Any:
            piece = super().more()
            if piece:
                talk.channel.push(b"<pushed>")
            return piece

    talk = kit.talk()
    talk.channel.push_with_producer(Pushing(b"one"))
    kit.turns(talk.channels)
    return received(talk.peer)


@difference("RNT-005", cpython="RecursionError", here=2000)
def push_within_every_more(kit: Kit) -> object:
    class Pushing(Pieces):
        def more(self) -> Any:
            if self.pieces:
                talk.channel.push_with_producer(self)
            return super().more()

    talk = kit.talk()
    try:
        talk.channel.push_with_producer(Pushing(*[b"x"] * 2000))
    except RecursionError as error:
        return type(error).__name__
    count = 0
    for _ in range(60):
        count += len(received(talk.peer))
        kit.turns(talk.channels, 1)
    return count


@difference("PRD-010", cpython=b"onetail", here=b"onetwotail")
def producer_that_is_false(kit: Kit) -> object:
    class Empty(Pieces):
        def __len__(self) -> int:
            return 0

    talk = kit.talk()
    talk.channel.push_with_producer(Empty(b"one", b"two"))
    talk.channel.push(b"tail")
    kit.turns(talk.channels)
    return received(talk.peer)


@difference("PRD-015", cpython=1, here=0)
def producer_that_raises(kit: Kit) -> object:
    producer = Pieces()
    producer.more = failing(ValueError())  # type: ignore[method-assign]
    channel = kit.talk().channel
    try:
        channel.push_with_producer(producer)
    except ValueError:
        pass
    queued = len(channel.producer_fifo)
    channel.producer_fifo.clear()
    return queued


@difference("PRD-019", cpython=True, here=False)
def producer_of_a_closed_channel(kit: Kit) -> object:
    channel = kit.talk().channel
    channel.connected = False
    producer = Pieces(b"x")
    alive = weakref.ref(producer)
    channel.push_with_producer(producer)
    del producer
    channel.close()
    return alive() is not None


@difference("DSC-009", cpython="IndexError", here=None)
def discard_within_more(kit: Kit) -> object:
    class Discarding:
        def more(self) -> bytes:
            channel.discard_buffers()
            return b""

    channel = kit.talk().channel
    try:
        channel.push_with_producer(Discarding())
    except IndexError as error:
        return type(error).__name__
    return None


@difference("O15", cpython=100, here=2)
def sends_for_a_hundred_pushes(kit: Kit) -> object:
    def send(self: Any, data: bytes) -> int:
        sizes.append(len(data))
        return int(kit.dispatcher.send(self, data))

    def found_terminator(self: Any) -> None:
        for _ in range(100):
            self.push(b"x")

    sizes: list[int] = []
    talk = kit.talk(send=send, found_terminator=found_terminator)
    talk.peer.send(b"\n")
    kit.turns(talk.channels)
    assert sum(sizes) == 100
    return len(sizes)


@difference("O01", cpython=[None, None], here=[True, False])
def more_output_than_the_high_mark(kit: Kit) -> object:
    channel = kit.talk(base=kit.package and kit.package.async_chat).channel
    return [channel.push(b"x"), channel.push(b"x" * 10_000_000)]


@difference("CWD-013", cpython="<reset>", here="<EOF>")
def reply_to_a_peer_that_sends_on(kit: Kit) -> object:
    ours, peer = kit.tcp()
    channels = kit.map()

    class Reading(kit.asynchat.async_chat):  # type: ignore[misc, name-defined]
        ac_in_buffer_size = 4
        reads = True

        def readable(self) -> bool:
            return self.reads

        def collect_incoming_data(self, data: bytes) -> None:
            self.reads = False
            self.push(b"bye")
            self.close_when_done()

    channel = Reading(ours, channels)
    channel.set_terminator(None)
    peer.send(b"quit and more that nobody reads")
    kit.turns(channels)
    end = received(peer)
    assert end.startswith(b"bye")
    return end[3:].decode()


@difference("HCL-002", cpython=False, here=True)
def half_closed_by_choice(kit: Kit) -> object:
    talk = kit.talk(half_close=True)
    talk.channel.push(b"x" * 1_000_000)
    talk.peer.shutdown(socket.SHUT_WR)
    data = b""
    for _ in range(60):
        data += received(talk.peer)
        kit.turns(talk.channels, 1)
    return data == b"x" * 1_000_000 + b"<EOF>" * data.count(b"<EOF>")


def poll_mode(kit: Kit, channels: Any) -> None:
    for _ in range(9):
        if channels:
            kit.loop(0.0, True, channels, 1)


@difference("EOF-005", cpython=b"aab", here=b"aabbccdd")
def bytes_before_the_end_in_poll_mode(kit: Kit) -> object:
    talk = kit.talk(ac_in_buffer_size=4)
    talk.peer.send(b"aa\nbb\ncc\ndd\n")
    talk.peer.close()
    poll_mode(kit, talk.channels)
    return b"".join(piece for piece in talk.channel.trace if isinstance(piece, bytes))


@difference("CLS-010", cpython=2, here=1)
def handle_close_calls_in_poll_mode(kit: Kit) -> object:
    talk = kit.talk()
    talk.peer.close()
    poll_mode(kit, talk.channels)
    return talk.channel.trace.count("CLOSE")


@difference("EOF-011", cpython=12, here=1)
def handle_close_that_does_not_close(kit: Kit) -> object:
    talk = kit.talk(handle_close=lambda self: self.trace.append("CLOSE"))
    talk.peer.close()
    kit.turns(talk.channels, 12)
    calls = talk.channel.trace.count("CLOSE")
    talk.channel.close()
    return calls


@difference("O18", cpython="TimeoutError", here="CLOSE")
def network_lost(kit: Kit) -> object:
    talk = kit.talk()
    talk.channel.socket = Scripted(talk.channel.socket, recv=failing(OSError(errno.ETIMEDOUT, "timed out")))
    talk.peer.send(b"x")
    kit.turns(talk.channels, 1)
    return talk.channel.trace[0]
