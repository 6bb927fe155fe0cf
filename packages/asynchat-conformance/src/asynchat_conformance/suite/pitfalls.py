"""Defects of the standard library's modules that no other rule names: the ids are of the areas they belong to."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
import threading
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from .._events import ACCEPTED, CLOSE, CONNECT, DATA, END, EXPT, READ
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import raises
from .._sockets import ScriptedSocket

_READINESS = [Capability.READINESS]
_LISTEN = [Capability.LISTEN]
_CONNECT = [Capability.CONNECT]


class _Stop(BaseException):
    """A program's own exception for leaving everything."""


def _polls_in(rig: Rig, seconds: float) -> int:
    """Return how many polls of ``seconds`` each it takes to pass ``seconds``: one, unless they return early."""
    polls, end = 0, monotonic() + seconds
    while monotonic() < end:
        rig.poll(seconds)
        polls += 1
    return polls


@check("TRM-014", Level.SHOULD)
def held_bytes_are_read_again(rig: Rig) -> None:
    """A terminator set outside any callback that completes a frame of held bytes ends it without new peer traffic."""
    channel = rig.chat(b"\r\n")
    rig.feed(channel, b"line\r")

    channel.set_terminator(b"\r")
    rig.settle()

    rig.expect(rig.trace(channel), [DATA(b"line"), END])


@check("DSC-012", Level.SHOULD)
def nothing_pipelined_survives_an_upgrade(rig: Rig) -> None:
    """What came with an upgrade command is executed neither by the channel, after discard_buffers, nor by the next."""
    successors: list[Any] = []

    def upgrade(channel: Any) -> None:
        channel.discard_buffers()
        channel.del_channel()
        successors.append(rig.adopt(channel.socket, channel.peer.sock))

    channel = rig.chat(b"\n", found=upgrade)
    rig.feed(channel, b"starttls\ninjected\ninj")

    rig.expect(rig.feed(successors[0], b"hello\n"), [DATA(b"hello"), END])
    rig.expect(rig.trace(channel), [DATA(b"starttls"), END])


@check("CLS-015", Level.SHOULD)
def closed_between_two_events(rig: Rig) -> None:
    """A dispatcher that handle_read closed gets no handle_write of the same batch."""
    closed: list[int] = []

    def close(channel: Any) -> None:
        closed.append(len(channel.events))
        channel.close()

    plain = rig.plain(read=close, write=lambda ch: None, writable=lambda ch: True)
    plain.peer.send(b"x")
    rig.until(lambda: closed, "handle_read")
    rig.settle()

    rig.expect(len(plain.events), closed[0])


@check("ERR-024", Level.SHOULD, needs=_READINESS)
def lost_networks_are_no_errors(rig: Rig) -> None:
    """recv failing with ETIMEDOUT, EHOSTUNREACH, ENETUNREACH or ENETDOWN goes to handle_close, not to handle_error."""
    for number in (errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN):
        channel = rig.chat(recvs=[OSError(number, os.strerror(number))])
        channel.peer.send(b"a")
        rig.settle()
        rig.expect(rig.trace(channel), [CLOSE])


@check("ERR-025", Level.SHOULD)
def what_is_no_exception_leaves_poll(rig: Rig) -> None:
    """A BaseException of the program's own leaves poll, and the map stays usable."""
    channel = rig.chat(b"\n", found=raises(_Stop()))
    healthy = rig.chat(b"\n")
    channel.peer.send(b"a\n")

    try:
        rig.settle()
    except _Stop:
        pass
    else:
        raise AssertionError("it did not leave poll")

    rig.expect(rig.feed(healthy, b"b\n"), [DATA(b"b"), END])


@check("EOF-012", Level.MUST)
def data_then_a_reset(rig: Rig) -> None:
    """Data that a reset follows before the first poll is delivered, then comes one handle_close, no handle_error."""
    for size in (4096, 65536, 3):
        channel = rig.chat(b"\n", tcp=True, attributes={"ac_in_buffer_size": size})
        channel.peer.send(b"first\nsecond\n")
        channel.peer.reset()
        rig.until(lambda: CLOSE in channel.events, "handle_close")  # noqa: B023
        rig.settle()
        rig.expect(rig.trace(channel), [DATA(b"first"), END, DATA(b"second"), END, CLOSE])


@check("CON-014", Level.SHOULD, needs=[Capability.CONNECT, Capability.UNIX])
def connect_raising(rig: Rig) -> None:
    """A channel whose connect raises has left the map, and is told nothing."""
    client = rig.client(family=socket.AF_UNIX)
    with tempfile.TemporaryDirectory() as folder:
        try:
            client.connect(str(Path(folder) / "nobody"))
        except OSError:
            pass
        else:
            raise AssertionError("connect did not raise")
    left = len(rig.map)
    rig.settle()
    client.close()

    rig.expect((left, client.events), (0, []))


@check("CON-015", Level.SHOULD, needs=_CONNECT)
def polled_before_connect(rig: Rig) -> None:
    """A channel that is polled between create_socket and connect is told nothing, and connects then."""
    client = rig.client()
    rig.settle()
    rig.expect(client.events, [])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        client.connect(listener.getsockname())
        rig.until(lambda: client.events, "the connection")

    rig.expect(client.events[:1], [CONNECT])


@check("CON-016", Level.SHOULD, needs=_CONNECT)
def nothing_for_another_peer(rig: Rig) -> None:
    """Output and input left from one connection do not get into the next one of the same channel."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = rig.client(b"\r\n")
        client.connect(listener.getsockname())
        client.peer = rig.peer(listener.accept()[0])
        rig.feed(client, b"half\r")
        client.close()
        client.push(b"for the first")
        client.create_socket(socket.AF_INET, socket.SOCK_STREAM)
        client.connect(listener.getsockname())
        client.peer = rig.peer(listener.accept()[0])
    rig.feed(client, b"\nnew\r\n")
    client.push(b"for the second")

    rig.expect(rig.trace(client)[-3:], [CONNECT, DATA(b"\nnew"), END])
    rig.expect(rig.drain(client), b"for the second")


@check("CON-017", Level.SHOULD, needs=_READINESS)
def a_constructor_that_fails(rig: Rig) -> None:
    """A constructor that fails at its socket leaves nothing in the map, and the socket closed."""

    class Broken(ScriptedSocket):
        def getpeername(self) -> Any:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    ours, theirs = socket.socketpair()
    rig.peer(theirs)
    try:
        rig.backend.async_chat(Broken(ours), rig.map)
    except OSError:
        pass
    else:
        raise AssertionError("the constructor did not raise")
    number = ours.fileno()
    ours.close()

    rig.expect((len(rig.map), number), (0, -1))


@check("ACC-010", Level.SHOULD, needs=[Capability.LISTEN, Capability.READINESS], slow=True)
def no_error_of_accept_costs_the_listener(rig: Rig) -> None:
    """EPROTO, EPERM, ENETDOWN, EHOSTUNREACH, ENOBUFS, ENFILE and ENOMEM on accept do not cost the listener."""

    class Failing(ScriptedSocket):
        def accept(self) -> Any:
            if self.errors:
                number = self.errors.pop()
                raise OSError(number, os.strerror(number))
            return self._sock.accept()

        errors: list[int]

    listeners = []
    for name in ("EPROTO", "EPERM", "ENETDOWN", "EHOSTUNREACH", "ENOBUFS", "ENFILE", "ENOMEM"):
        listener = rig.listener(accepted=lambda ch, sock, addr: sock.close())
        listener.socket = Failing(listener.socket)
        listener.socket.errors = [getattr(errno, name)]
        rig.dial(listener)
        listeners.append(listener)

    rig.until(lambda: all(ACCEPTED in listener.events for listener in listeners), "the connections")


@check("ACC-011", Level.SHOULD, needs=_LISTEN)
def reset_before_it_is_served(rig: Rig) -> None:
    """A connection that its peer reset before a channel was made of it is closed, and does not keep the loop busy."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        rig.peer(socket.create_connection(listener.getsockname())).reset()
        sock, _ = listener.accept()
    channel = rig.recorder(rig.backend.async_chat)(sock, rig.map)

    for _ in range(10):
        rig.poll()

    rig.expect((channel.events.count(CLOSE), len(rig.map)), (1, 0))


@check("ACC-012", Level.SHOULD, needs=_LISTEN, slow=True)
def many_accepts_in_a_poll(rig: Rig) -> None:
    """50 waiting connections are taken in a few polls, not in 50."""
    listener = rig.listener(accepted=lambda ch, sock, addr: sock.close())
    for _ in range(50):
        rig.dial(listener)

    for _ in range(5):
        rig.poll(0.01)

    rig.expect(listener.events.count(ACCEPTED), 50)


@check("MIX-012", Level.SHOULD, needs=[Capability.MIXED_MAP])
def one_recv_too_many(rig: Rig) -> None:
    """A dispatcher that calls recv once more than there is input, in handle_read, is not closed for it."""
    received: list[bytes] = []

    def read_twice(channel: Any) -> None:
        received.append(channel.recv(100))
        received.append(channel.recv(100))

    plain = rig.plain(read=read_twice)
    plain.peer.send(b"x")
    rig.settle()
    plain.peer.send(b"y")
    rig.settle()

    rig.expect((plain.events, b"".join(received)), ([READ, READ], b"xy"))


@check("MIX-013", Level.SHOULD, needs=[Capability.MIXED_MAP])
def an_empty_datagram(rig: Rig) -> None:
    """An empty datagram does not close a datagram socket."""
    plain = rig.recorder(rig.backend.dispatcher, read=lambda ch: ch.recv(100))(None, rig.map)
    plain.create_socket(socket.AF_INET, socket.SOCK_DGRAM)
    plain.bind(("127.0.0.1", 0))
    address = plain.socket.getsockname()
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rig.peer(sender)
    for data in (b"", b"x"):
        sender.sendto(data, address)
        rig.settle()

    rig.expect((plain.events.count(READ), plain.events.count(CLOSE)), (2, 0))


@check("LOP-011", Level.SHOULD, slow=True)
def a_dispatcher_by_default(rig: Rig) -> None:
    """A plain dispatcher that overrides neither writable nor handle_write does not make poll spin."""
    plain = rig.plain()
    rig.settle()

    polls = _polls_in(rig, 0.1)

    assert polls <= 5, f"{polls} polls in the time of one"
    rig.expect(plain.events, [])


@check("LOP-012", Level.SHOULD, needs=[Capability.TIMERS, "call_later", "loop"])
def no_timeout_and_no_interest(rig: Rig) -> None:
    """loop(timeout=None) waits without end, also while no channel waits for anything."""
    plain = rig.plain(readable=lambda ch: False, writable=lambda ch: False)
    rig.backend.call_later(0.01, plain.close, map=rig.map)

    rig.backend.loop(None, map=rig.map)

    rig.expect((plain.events, len(rig.map)), ([], 0))


@check("LOP-013", Level.SHOULD, slow=True)
def less_than_a_millisecond(rig: Rig) -> None:
    """A timeout of less than a millisecond is not taken for 0."""
    rig.chat()
    rig.settle()
    polls, end = 0, monotonic() + 0.05
    while monotonic() < end:
        rig.poll(0.0009)
        polls += 1

    assert polls <= 200, f"{polls} polls of 0.9 ms in 50 ms"


@check("LOP-014", Level.SHOULD, slow=True)
def urgent_data_does_not_spin(rig: Rig) -> None:
    """One urgent byte of a peer does not make each poll return at once, for as long as the peer likes."""
    channel = rig.chat(b"\n", tcp=True)
    rig.settle()
    channel.peer.sock.send(b"!", socket.MSG_OOB)
    for _ in range(3):
        rig.poll(0.01)

    polls = _polls_in(rig, 0.1)

    assert polls <= 5, f"{polls} polls in the time of one, {channel.events.count(EXPT)} calls of handle_expt"


@check("THR-007", Level.SHOULD, needs=[Capability.THREADSAFE_WAKE, "call_soon_threadsafe"])
def a_wake_up_without_interest(rig: Rig) -> None:
    """A call from another thread ends the wait also while no channel waits for anything."""
    rig.plain(readable=lambda ch: False, writable=lambda ch: False)
    rig.settle()
    called: list[int] = []
    begin = monotonic()
    waker = threading.Thread(target=partial(rig.backend.call_soon_threadsafe, called.append, 1, map=rig.map))
    waker.start()
    while not called and monotonic() < begin + 10:
        rig.poll(10)
    waker.join()

    rig.expect(called, [1])
    assert monotonic() < begin + 10
