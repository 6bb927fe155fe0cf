"""MIX: one map for channels of all kinds."""

from __future__ import annotations

import os
import socket
from typing import Any

from .._events import CLOSE, CONNECT, DATA, END, READ, WRITE
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import raises

_MIXED = [Capability.MIXED_MAP]


class _Foreign:
    """An object of no class of the backend, with the methods that a map asks of its channels."""

    accepting = False

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.received = b""

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        self.received += self.socket.recv(100)

    def handle_write_event(self) -> None:
        raise AssertionError("writable() said no")

    def handle_expt_event(self) -> None:
        raise AssertionError("there is no urgent data")

    def handle_close(self) -> None:
        self.close()

    def handle_error(self) -> None:
        raise

    def close(self) -> None:
        self.socket.close()


@check("MIX-001", Level.MUST, needs=_MIXED)
def a_dispatcher_and_a_chat(rig: Rig) -> None:
    """A dispatcher and a chat share a map."""
    plain = rig.plain(read=lambda ch: ch.recv(100))
    chat = rig.chat(b"\n")
    plain.peer.send(b"x")

    rig.expect(rig.feed(chat, b"a\n"), [DATA(b"a"), END])
    rig.expect(plain.events, [READ])


@check("MIX-002", Level.MUST, needs=[Capability.MIXED_MAP, Capability.LISTEN, Capability.CONNECT])
def server_and_client(rig: Rig) -> None:
    """A listener, its chats and a client share a map."""
    echo = rig.recorder(rig.backend.async_chat, found=lambda ch: ch.push(b"pong\n"))

    def serve(listener: Any, sock: Any, addr: Any) -> None:
        echo(sock, rig.map).set_terminator(b"\n")

    listener = rig.listener(accepted=serve)
    client = rig.client(b"\n", connect=lambda ch: ch.push(b"ping\n"))
    client.connect(listener.address)

    rig.until(lambda: END in client.events, "the answer")

    rig.expect(rig.trace(client), [CONNECT, DATA(b"pong"), END])


@check("MIX-003", Level.MUST, needs=_MIXED)
def a_plain_dispatcher(rig: Rig) -> None:
    """A plain dispatcher gets handle_read, handle_write and handle_close."""
    plain = rig.plain(read=lambda ch: ch.recv(100), write=lambda ch: None, writable=lambda ch: WRITE not in ch.events)
    rig.settle()
    plain.peer.send(b"x")
    rig.settle()
    plain.peer.close()

    rig.until(lambda: CLOSE in plain.events, "handle_close")

    rig.expect([plain.events.count(event) for event in (WRITE, CLOSE)], [1, 1])
    rig.expect(plain.events[:2], [WRITE, READ])


@check("MIX-004", Level.MUST, needs=[Capability.MIXED_MAP, "dispatcher_with_send"])
def dispatcher_with_send(rig: Rig) -> None:
    """dispatcher_with_send works beside chats, and sends all of what its send() was given."""
    ours, theirs = socket.socketpair()
    sender = rig.recorder(rig.backend.dispatcher_with_send)(ours, rig.map)
    sender.peer = rig.peer(theirs)
    chat = rig.chat(b"\n")
    data = bytes(range(256)) * 4096

    sender.send(data)

    rig.expect(rig.drain(sender) == data, True)
    rig.expect(rig.feed(chat, b"a\n"), [DATA(b"a"), END])


@check("MIX-005", Level.MUST)
def two_maps(rig: Rig) -> None:
    """Two maps do not see each other."""
    other = Rig(rig.backend)
    try:
        here, there = rig.chat(b"\n"), other.chat(b"\n")
        here.peer.send(b"a\n")
        there.peer.send(b"b\n")
        rig.settle()
        rig.expect((here.events, there.events), ([DATA(b"a"), END], []))
        other.settle()
        rig.expect((rig.trace(there), len(rig.map), len(other.map)), ([DATA(b"b"), END], 1, 1))
    finally:
        other.close()


@check("MIX-006", Level.COMPAT, needs=[Capability.FOREIGN_CHANNEL])
def any_object(rig: Rig) -> None:
    """Any object with the channel methods works in the map."""
    ours, theirs = socket.socketpair()
    foreign = _Foreign(ours)
    rig.map[ours.fileno()] = foreign
    rig.peer(theirs).send(b"hello")

    rig.until(lambda: foreign.received == b"hello", "the data")

    del rig.map[ours.fileno()]
    foreign.close()


@check("MIX-007", Level.COMPAT, needs=[Capability.FOREIGN_CHANNEL, "file_dispatcher"])
def a_pipe(rig: Rig) -> None:
    """file_dispatcher reads from a pipe and sees its end."""
    reader, writer = os.pipe()
    received: list[bytes] = []

    def take(channel: Any) -> None:
        received.append(channel.recv(100))

    channel = rig.recorder(rig.backend.file_dispatcher, read=take)(reader, rig.map)
    os.close(reader)
    os.write(writer, b"through the pipe")
    rig.until(lambda: received, "the data")
    os.close(writer)
    rig.until(lambda: CLOSE in channel.events, "handle_close")

    rig.expect(b"".join(received), b"through the pipe")


@check("MIX-008", Level.MUST)
def changing_the_map_during_a_poll(rig: Rig) -> None:
    """Adding, removing and replacing entries of the map during a poll is safe."""
    removed, replaced = rig.chat(b"\n"), rig.chat(b"\n")
    others: list[Any] = []

    def change(channel: Any) -> None:
        if not others:
            others.append(rig.chat(b"\n"))
            removed.del_channel()
            sock = replaced.socket
            replaced.del_channel()
            others.append(rig.recorder(rig.backend.async_chat)(sock, rig.map))
            others[1].set_terminator(b"\n")
            others[1].peer = replaced.peer

    changer = rig.chat(b"\n", found=change)
    rig.feed(changer, b"\n")

    rig.expect([rig.feed(channel, b"a\n") for channel in others], [[DATA(b"a"), END]] * 2)
    rig.expect(rig.feed(changer, b"a\n"), [END, DATA(b"a"), END])
    removed.peer.send(b"unseen\n")
    for _ in range(5):
        rig.poll()
    rig.expect((removed.events, replaced.events), ([], []))
    removed.close()


@check("MIX-009", Level.MUST, needs=["socket_map"])
def the_default_map(rig: Rig) -> None:
    """map=None uses the default map, and only that does."""
    default = rig.backend.socket_map
    ours, theirs = socket.socketpair()
    rig.peer(theirs)
    rig.chat()
    before = len(default)
    channel = rig.backend.async_chat(ours)
    during = len(default)
    channel.close()

    rig.expect((before, during, len(default), len(rig.map)), (0, 1, 0, 1))


@check("MIX-010", Level.SHOULD, needs=["close_all"])
def close_all_closes_the_rest(rig: Rig) -> None:
    """close_all closes the rest when one close() raises."""
    channels = [rig.chat() for _ in range(3)]
    channels[1].close = raises(ValueError("x"))

    try:
        rig.backend.close_all(rig.map)
    except ValueError:
        pass
    for channel in channels:
        channel.peer.receive()
    del channels[1].close
    channels[1].close()

    rig.expect([channel.peer.at_eof for channel in channels], [True, False, True])
