"""The graceful stop: what was accepted is finished."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from asynchat_core.sockets import SocketChannel

from .conftest import Rig


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give what may be on its way no time, so that no test waits for it."""
    monkeypatch.setattr("asynchat_core.stopping._GRACE", 0)


def served(rig: Rig, factory: Any = None) -> tuple[Any, socket.socket]:
    """Listen, connect, and exchange a line."""
    listener = rig.listen(factory)
    client = rig.client(listener.addresses[0])
    assert b"a\n" == rig.ask(client, b"a\n")
    return listener, client


def test_an_idle_server_stops_at_once(rig: Rig) -> None:
    """With no connection there is nothing to wait for."""
    rig.listen()
    stop = rig.module.shutdown(map=rig.map)
    assert stop.finished
    assert {} == rig.map


def test_a_connection_at_rest_is_closed(rig: Rig) -> None:
    """A client between two requests gets the end of the stream, and newcomers are refused."""
    listener, client = served(rig)
    address = listener.addresses[0]
    stop = rig.module.shutdown(map=rig.map)
    assert b"" == rig.read(client)
    rig.until(lambda: stop.finished)
    assert 0 == stop.aborted
    with pytest.raises(ConnectionRefusedError):
        rig.client(address)


def test_who_waits_in_the_backlog_is_served(rig: Rig) -> None:
    """A connection that the kernel has accepted is accepted, and its request answered."""
    listener = rig.listen()
    client = rig.client(listener.addresses[0])
    client.sendall(b"a\n")
    stop = rig.module.shutdown(map=rig.map)
    assert b"a\n" == rig.read(client)
    assert b"" == rig.read(client)
    rig.until(lambda: stop.finished)


def test_requests_that_take_more_than_one_read_are_answered(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a client had sent when the stop began is answered, however many reads it takes."""
    monkeypatch.setattr("asynchat_core.stopping._GRACE", 60)
    # Look between any two reads.
    monkeypatch.setattr("asynchat_core.stopping._INTERVAL", 0)
    lines = b"one of many\n" * 2000
    _, client = served(rig)
    client.sendall(lines)
    stop = rig.module.shutdown(map=rig.map)
    replies = b""
    while piece := rig.read(client):
        replies += piece
    assert lines == replies
    rig.until(lambda: stop.finished)


def test_a_frame_that_has_begun_may_end(rig: Rig) -> None:
    """A client within a request completes it and is answered; what it begins after that is dropped."""
    _, client = served(rig)
    client.sendall(b"beg")
    rig.until(lambda: rig.map and any(getattr(channel, "_ac_partial", 0) for channel in rig.map.values()))
    stop = rig.module.shutdown(map=rig.map)
    rig.module.poll_once(0, rig.map)
    assert not stop.finished
    client.sendall(b"un\nnext")
    assert b"begun\n" == rig.read(client)
    assert b"" == rig.read(client)
    rig.until(lambda: stop.finished)
    assert 0 == stop.aborted


def test_frames_that_were_read_are_answered(rig: Rig) -> None:
    """Frames that wait for their turn, since a turn delivers so many at the most, are delivered before the end."""

    class Slow(rig.echo):  # type: ignore[misc, name-defined]
        frames_per_turn = 1

    _, client = served(rig, Slow)
    client.sendall(b"1\n2\n3\n4\n")
    rig.until(lambda: any(getattr(channel, "_ac_frames", 0) > 1 for channel in rig.map.values()))
    stop = rig.module.shutdown(map=rig.map)
    rig.until(lambda: stop.finished)
    answer = b""
    while piece := rig.read(client):
        answer += piece
    assert b"1\n2\n3\n4\n" == answer


def test_all_output_is_sent(rig: Rig) -> None:
    """A reply that the client has not read yet arrives whole."""
    size = 4_000_000

    class Large(rig.echo):  # type: ignore[misc, name-defined]
        def frame_received(self, frame: bytes) -> None:
            self.push(b"a\n" if frame == b"a" else b"x" * size)

    _, client = served(rig, Large)
    client.sendall(b"b\n")
    rig.until(lambda: any(len(getattr(channel, "producer_fifo", ())) for channel in rig.map.values()))
    stop = rig.module.shutdown(map=rig.map)
    received = 0
    while piece := rig.read(client, 1_000_000):
        received += len(piece)
    assert size == received
    rig.until(lambda: stop.finished)
    assert 0 == stop.aborted


def test_who_does_not_finish_is_cut_off(rig: Rig) -> None:
    """After the time-out what is left is aborted and counted."""
    _, client = served(rig)
    client.sendall(b"never-en")
    rig.until(lambda: any(getattr(channel, "_ac_partial", 0) for channel in rig.map.values()))
    stop = rig.module.shutdown(0.01, map=rig.map)
    rig.until(lambda: stop.finished)
    assert 1 == stop.aborted
    assert b"" == rig.read(client)


def test_abort_ends_it_at_once(rig: Rig) -> None:
    """``abort()`` closes what is left."""
    _, client = served(rig)
    client.sendall(b"never-en")
    rig.until(lambda: any(getattr(channel, "_ac_partial", 0) for channel in rig.map.values()))
    stop = rig.module.shutdown(map=rig.map)
    stop.abort()
    assert (True, 1) == (stop.finished, stop.aborted)
    assert {} == rig.map


def test_a_channel_may_say_goodbye(rig: Rig) -> None:
    """``handle_shutdown`` is called once, and what it pushes before the close arrives."""

    class Polite(rig.echo):  # type: ignore[misc, name-defined]
        def handle_shutdown(self) -> None:
            self.push(b"bye\n")
            super().handle_shutdown()

    _, client = served(rig, Polite)
    stop = rig.module.shutdown(map=rig.map)
    assert b"bye\n" == rig.read(client)
    assert b"" == rig.read(client)
    rig.until(lambda: stop.finished)


def test_a_goodbye_that_raises_costs_its_channel_only(rig: Rig) -> None:
    """What ``handle_shutdown`` raises goes to ``handle_error``; the others end well."""
    failed: list[object] = []

    class Rude(rig.echo):  # type: ignore[misc, name-defined]
        def handle_shutdown(self) -> None:
            if not failed:
                failed.append(self)
                raise LookupError("no")
            super().handle_shutdown()

    listener, client = served(rig, Rude)
    other = rig.client(listener.addresses[0])
    assert b"b\n" == rig.ask(other, b"b\n")
    stop = rig.module.shutdown(map=rig.map)
    rig.until(lambda: stop.finished)
    assert b"" == rig.read(client)
    assert b"" == rig.read(other)


def test_a_connection_of_a_closed_listener_is_finished_too(rig: Rig) -> None:
    """The stop knows the accepted channels, also when their listener was closed before."""
    listener, client = served(rig)
    listener.close()
    stop = rig.module.shutdown(map=rig.map)
    assert b"" == rig.read(client)
    rig.until(lambda: stop.finished)


def test_what_no_listener_made_stays(rig: Rig) -> None:
    """A connection that the program itself has made, to ask others while it finishes, is left alone."""
    ours, theirs = socket.socketpair()
    rig.sockets.append(theirs)
    channel = rig.echo(ours, rig.map)
    assert rig.module.shutdown(map=rig.map).finished
    assert [channel] == list(rig.map.values())


def test_a_dispatcher_ends_when_its_buffer_is_empty(rig: Rig) -> None:
    """A dispatcher_with_send that was accepted is closed when what it was given is sent."""
    if not issubclass(rig.module.dispatcher_with_send, SocketChannel):
        pytest.skip("asyncore's own class, of which no listener knows when it closes")
    size = 4_000_000

    class Sender(rig.module.dispatcher_with_send):  # type: ignore[misc, name-defined]
        def handle_read(self) -> None:
            self.recv(100)
            self.send(b"x" * size)

        def handle_close(self) -> None:
            self.close()

    listener = rig.listen(Sender)
    client = rig.client(listener.addresses[0])
    client.sendall(b"a")
    rig.until(lambda: any(getattr(channel, "out_buffer", b"") for channel in rig.map.values()))
    stop = rig.module.shutdown(map=rig.map)
    received = 0
    while piece := rig.read(client, 1_000_000):
        received += len(piece)
    assert size == received
    rig.until(lambda: stop.finished)


def test_a_body_that_was_announced_is_awaited(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a header and its body a request is not over, although no byte of the body is there."""
    monkeypatch.setattr("asynchat_core.stopping._GRACE", 10)

    class Counted(rig.echo):  # type: ignore[misc, name-defined]
        def frame_received(self, frame: bytes) -> None:
            if frame.isdigit():
                self.set_terminator(int(frame))
            else:
                self.set_terminator(b"\n")
                self.push(frame + b"\n")

    _, client = served(rig, Counted)
    client.sendall(b"3\n")
    rig.until(lambda: any(getattr(channel, "terminator", None) == 3 for channel in rig.map.values()))
    stop = rig.module.shutdown(map=rig.map)
    rig.module.poll_once(0, rig.map)
    assert not stop.finished
    client.sendall(b"abc")
    assert b"abc\n" == rig.read(client)
    rig.until(lambda: stop.finished)


def test_a_negative_time_is_refused(rig: Rig) -> None:
    """A time-out below 0 is a ValueError that names it."""
    with pytest.raises(ValueError, match="-1 seconds"):
        rig.module.shutdown(-1, map=rig.map)
