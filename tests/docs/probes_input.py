"""Framing: what differs from CPython."""

from __future__ import annotations

from typing import Any

from .differences import difference
from .kit import Kit, received


@difference("API-007", cpython=["x", 1.5, []], here=["TypeError"] * 3)
def wrong_terminators(kit: Kit) -> object:
    channel = kit.talk().channel
    found: list[object] = []
    values: tuple[object, ...] = ("x", 1.5, [])
    for value in values:
        try:
            channel.set_terminator(value)
            found.append(channel.get_terminator())
        except TypeError as error:
            found.append(type(error).__name__)
    return found


@difference("API-008", cpython=["AttributeError"], here=[b"hi"])
def no_terminator_set(kit: Kit) -> object:
    talk = kit.talk(NotImplemented)
    talk.peer.send(b"hi")
    kit.turns(talk.channels, 1)
    return talk.channel.trace


@difference("API-009", cpython=[65536, 65536, 65536], here=[4096, 16384, 65536])
def read_sizes(kit: Kit) -> object:
    def recv(self: Any, size: int) -> bytes:
        sizes.append(size)
        data: bytes = kit.dispatcher.recv(self, size)
        return data

    sizes: list[int] = []
    talk = kit.talk(recv=recv)
    for _ in range(3):
        talk.peer.send(b"x" * 65536)
        kit.turns(talk.channels, 1)
    return sizes


@difference("FRM-016", cpython=[b"a\nb", "END"], here=[b"a", "END", b"bx"])
def mutable_terminator(kit: Kit) -> object:
    terminator = bytearray(b"\n")
    talk = kit.talk(terminator)
    terminator[:] = b"x"
    talk.peer.send(b"a\nbx")
    kit.turns(talk.channels)
    return talk.channel.trace


def collect_and_set(self: Any, data: bytes) -> None:
    self.trace.append(data)
    self.set_terminator(b";")


@difference("TRM-008", cpython=[b"abc", "TypeError"], here=[b"abc"])
def terminator_set_within_a_count(kit: Kit) -> object:
    talk = kit.talk(10, collect_incoming_data=collect_and_set)
    talk.peer.send(b"abc")
    kit.turns(talk.channels)
    return talk.channel.trace


@difference("TRM-009", cpython=0, here=b";")
def terminator_set_at_the_end_of_a_count(kit: Kit) -> object:
    talk = kit.talk(3, collect_incoming_data=collect_and_set)
    talk.peer.send(b"abc")
    kit.turns(talk.channels)
    return talk.channel.get_terminator()


@difference("CLS-005", cpython=[b"a", "END", b"b", "END"], here=[b"a", "END"])
def close_in_found_terminator(kit: Kit) -> object:
    def found_terminator(self: Any) -> None:
        self.trace.append("END")
        self.close()

    talk = kit.talk(found_terminator=found_terminator)
    talk.peer.send(b"a\nb\n")
    kit.turns(talk.channels)
    return talk.channel.trace


def collect_and_close(self: Any, data: bytes) -> None:
    self.trace.append(data)
    self.close()


@difference("CLS-006", cpython=[b"a", "END", b"b", "END"], here=[b"a"])
def close_in_collect(kit: Kit) -> object:
    talk = kit.talk(collect_incoming_data=collect_and_close)
    talk.peer.send(b"a\nb\n")
    kit.turns(talk.channels)
    return talk.channel.trace


@difference("CLS-014", cpython=[b"a", "END", b"b", "END"], here=[b"a", "END", b"b", "END"])
def close_and_deliver_by_choice(kit: Kit) -> object:
    talk = kit.talk(collect_incoming_data=collect_and_close, deliver_after_close=True)
    talk.peer.send(b"a\nb\n")
    kit.turns(talk.channels)
    return talk.channel.trace


@difference("ERR-013", cpython=[b"ab", "ValueError", b"abc"], here=[b"ab", "ValueError", b"c"])
def collect_raises(kit: Kit) -> object:
    def collect(self: Any, data: bytes) -> None:
        self.trace.append(data)
        if len(self.trace) == 1:
            raise ValueError

    talk = kit.talk(collect_incoming_data=collect)
    for piece in (b"ab", b"c"):
        talk.peer.send(piece)
        kit.turns(talk.channels)
    return talk.channel.trace


@difference("ERR-014", cpython=["END", "ValueError"], here=["END", "ValueError", "END", "END"])
def found_terminator_raises(kit: Kit) -> object:
    def found_terminator(self: Any) -> None:
        self.trace.append("END")
        if len(self.trace) == 1:
            raise ValueError

    talk = kit.talk(found_terminator=found_terminator)
    talk.peer.send(b"\n\n\n")
    kit.turns(talk.channels)
    return talk.channel.trace


@difference("F08", cpython=[b"no newline", "CLOSE"], here=[b"no newline", b"\r", "CLOSE"])
def unfinished_frame(kit: Kit) -> object:
    def eof_received(self: Any, partial: bytes) -> None:
        self.trace.append(partial)

    talk = kit.talk(b"\r\n", eof_received=eof_received)
    talk.peer.send(b"no newline\r")
    talk.peer.close()
    kit.turns(talk.channels)
    return talk.channel.trace


@difference("F10", cpython=["TypeError"], here=[b"a", "END"])
def recv_gives_str(kit: Kit) -> object:
    def recv(self: Any, size: int) -> str:
        return str(kit.dispatcher.recv(self, size), "latin-1")

    talk = kit.talk(use_encoding=True, recv=recv)
    talk.peer.send(b"a\n")
    kit.turns(talk.channels, 1)
    return talk.channel.trace


@difference("F13", cpython=True, here=False, asyncore=True)
def all_frames_of_a_read_in_one_turn(kit: Kit) -> object:
    talk = kit.talk(ac_in_buffer_size=65536)
    talk.peer.send(b"\n" * 20000)
    kit.turns(talk.channels, 1)
    return len(talk.channel.trace) == 20000


@difference("F14", cpython=b"for the old peer", here=b"")
def reconnected(kit: Kit) -> object:
    talk = kit.talk()
    talk.channel.connected = False
    talk.channel.push(b"for the old peer")
    talk.channel.close()
    ours, peer = kit.pair()
    talk.channel.set_socket(ours)
    talk.channel.connected = True
    kit.turns(talk.channels)
    return received(peer)


@difference("F01", cpython=None, here=["too long", "CLOSE"])
def line_without_end(kit: Kit) -> object:
    if kit.package is None:
        return getattr(kit.asynchat.async_chat, "max_frame_size", None)

    def log_info(self: Any, message: str, type: str = "info") -> None:
        self.trace.append("too long" if "is over the limit" in message else message)

    talk = kit.talk(base=kit.package.async_chat, log_info=log_info, collect_incoming_data=lambda self, data: None)
    for _ in range(3):
        talk.peer.send(b"x" * 30000)
        kit.turns(talk.channels)
    return talk.channel.trace
