"""How a chat ends: by itself, by its peer, or when all is sent."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from asynchat_core import NOT_READY
from asynchat_core.sockets import SocketChannel

from .memory import END, Chat, Pieces, Wire


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a TCP connection: the channel's, and the peer's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        ours = listener.accept()[0]
    with ours, peer:
        ours.setblocking(False)
        yield ours, peer


class TestClose:
    """``close``: at once."""

    @pytest.mark.parametrize(("callback", "expected"), [("found", [b"a", END]), ("collect", [b"a"])])
    def test_no_callback_follows(self, callback: str, expected: list[bytes | str]) -> None:
        """Closed in a callback, the rest of the read is dropped (CLS-005, CLS-006)."""
        chat = Chat(b"\n", **{callback: lambda chat: chat.close()})
        chat.read(b"a\nb\n")

        assert expected == chat.trace

    def test_with_deliver_after_close_the_read_is_finished(self) -> None:
        """The standard library's way can be had: the frames of the read are still delivered (CLS-014)."""
        chat = Chat(b"\n", found=lambda chat: chat.close())
        chat.deliver_after_close = True
        chat.read(b"a\nb\n")

        assert [b"a", END, b"b", END] == chat.trace

    def test_closing_twice_is_harmless(self) -> None:
        """A second close does nothing (CLS-003)."""
        chat = Chat()
        chat.close()
        chat.close()

        assert [] == chat.trace

    def test_queued_output_is_dropped(self) -> None:
        """What the socket had no room for is dropped, and producers are released (CLS-013, PRD-019)."""
        chat = Chat(None, Wire(takes=[0]))
        chat.push(b"a")
        chat.push_with_producer(Pieces(b"b"))
        chat.close()

        assert not chat.producer_fifo
        assert b"" == chat.wire.output

    def test_output_of_the_same_event_is_sent_first(self) -> None:
        """What the callback pushed before it closed leaves, as far as the socket takes it."""

        def found(chat: Chat) -> None:
            for data in (b"a", b"b", b"c"):
                chat.push(data)
            chat.close()

        chat = Chat(b"\n", found=found)
        chat.read(b"\n")
        assert b"abc" == chat.wire.output

        chat = Chat(b"\n", Wire(takes=[1, 1]), found=found)
        chat.read(b"\n")
        assert b"ab" == chat.wire.output

    def test_a_failure_in_that_is_nobody_s(self) -> None:
        """Where that last send fails the channel is closed all the same."""

        def found(chat: Chat) -> None:
            chat.push(b"a")
            chat.push(b"b")
            chat.close()

        chat = Chat(b"\n", Wire(takes=[1, OSError("broken")]), found=found)
        chat.read(b"\n")

        assert [END] == chat.trace
        assert chat.wire.closed

    def test_producers_are_not_asked_then(self) -> None:
        """Only bytes are sent that late: no callback runs on a closed channel."""
        producer = Pieces(b"b")

        def found(chat: Chat) -> None:
            chat.push(b"a")
            chat.push_with_producer(producer)
            chat.close()

        chat = Chat(b"\n", found=found)
        chat.read(b"\n")

        assert b"a" == chat.wire.output
        assert 0 == producer.asked

    def test_a_channel_used_again_begins_anew(self) -> None:
        """Closed and back in a map, nothing of the old connection is left (F14 of the defects)."""
        chat = Chat(b"\r\n", Wire(takes=[0]))
        chat.read(b"half\r")
        chat.push(b"old")
        chat.pause_reading()
        chat.close()
        chat.wire = chat.socket = Wire()
        chat.connected = True
        chat.add_channel()
        chat.read(b"\nnew\r\n")
        chat.push(b"new")

        assert [b"half", b"\nnew", END] == chat.trace
        assert b"new" == chat.wire.output
        assert chat.readable()

    def test_entering_a_map_while_open_keeps_everything(self) -> None:
        """Moved to a map again while it is open, input and output stay."""
        chat = Chat(b"\r\n")
        chat.read(b"half\r")
        chat.add_channel()
        chat.read(b"\n")

        assert [b"half", END] == chat.trace


class TestEndOfStream:
    """The peer has ended its stream."""

    def test_it_closes_once(self) -> None:
        """handle_close runs once (EOF-004, EOF-006)."""
        chat = Chat(b"\n")
        chat.read(b"a\n", b"")

        assert [b"a", END, "close"] == chat.trace

    def test_in_mid_frame_the_program_learns_of_it(self) -> None:
        """eof_received comes before handle_close, with what no callback has seen (EOF-001, EOF-009)."""
        chat = Chat(b"\r\n")
        chat.read(b"half\r", b"")

        assert [b"half", "eof: b'\\r'", "close"] == chat.trace

    def test_in_mid_count_too(self) -> None:
        """The same within a count, where nothing is held back (EOF-002)."""
        chat = Chat(5)
        chat.read(b"ab", b"")

        assert [b"ab", "eof: b''", "close"] == chat.trace

    def test_queued_output_is_dropped(self) -> None:
        """By default output that is queued then is dropped (EOF-010)."""
        chat = Chat(b"\n", Wire(takes=[0]))
        chat.push(b"a")
        chat.read(b"")

        assert ["close"] == chat.trace
        assert not chat.producer_fifo

    def test_with_half_close_it_is_sent_first(self) -> None:
        """With half_close what is queued leaves, and then the channel closes (HCL-002)."""
        chat = Chat(b"\n", Wire(takes=[0]))
        chat.half_close = True
        chat.push(b"a")
        chat.read(b"")
        assert [] == chat.trace
        assert chat.push(b"b") is False

        chat.handle_write()
        assert b"a" == chat.wire.output
        assert ["close"] == chat.trace

    def test_with_half_close_no_producer_is_waited_for(self) -> None:
        """With half_close a producer that is not ready does not keep a channel whose peer may be gone for good."""
        chat = Chat(b"\n")
        chat.half_close = True
        chat.push_with_producer(iter([NOT_READY]))
        chat.read(b"")

        assert ["close"] == chat.trace

    def test_with_half_close_and_nothing_queued_it_closes(self) -> None:
        """With half_close and an empty queue there is nothing to wait for (HCL-004)."""
        chat = Chat(b"\n")
        chat.half_close = True
        chat.read(b"")

        assert ["close"] == chat.trace


class TestCloseWhenDone:
    """``close_when_done``: when all is sent."""

    def test_it_does_not_close_at_once(self) -> None:
        """The close comes from the loop, not within the call (CWD-011)."""
        chat = Chat()
        chat.close_when_done()
        assert [] == chat.trace
        assert chat.writable()

        chat.handle_write()
        assert ["close"] == chat.trace

    def test_all_that_is_queued_leaves_first(self) -> None:
        """It waits for what was queued before, producers too (CWD-001, CWD-007)."""
        chat = Chat(None, Wire(takes=[1, 1, 0]))
        chat.push(b"ab")
        chat.push_with_producer(Pieces(b"c", b"d"))
        chat.close_when_done()
        for _ in range(3):
            chat.handle_write()

        assert b"abcd" == chat.wire.output
        assert ["close"] == chat.trace

    def test_twice_closes_once(self) -> None:
        """Called twice it closes once (CWD-004, CWD-008)."""
        chat = Chat()
        chat.close_when_done()
        chat.close_when_done()
        chat.handle_write()

        assert ["close"] == chat.trace

    def test_input_is_still_handled(self) -> None:
        """Frames that are read, and what comes before the close, are delivered (CWD-005, CWD-006)."""
        chat = Chat(b"\n", Wire(takes=[0]), found=lambda chat: chat.close_when_done())
        chat.push(b"x")
        chat.read(b"a\nb\n", b"c\n")

        assert [b"a", END, b"b", END, b"c", END] == chat.trace

    def test_on_a_closed_channel_it_is_harmless(self) -> None:
        """After close it does nothing."""
        chat = Chat()
        chat.close()
        chat.close_when_done()

        assert not chat.producer_fifo
        assert [] == chat.trace

    def test_a_handle_close_that_keeps_the_channel_lets_it_go_on(self) -> None:
        """Where handle_close does not close, the channel can be used again (CWD-012)."""

        class Kept(Chat):
            def handle_close(self) -> None:
                self.trace.append("kept")

        chat = Kept()
        chat.close_when_done()
        chat.handle_write()
        chat.push(b"a")

        assert ["kept"] == chat.trace
        assert b"a" == chat.wire.output


class TestAbort:
    """``abort``: at once, and the peer sees it."""

    def test_it_drops_the_output_and_closes(self) -> None:
        """Queued output is dropped and handle_close runs."""
        chat = Chat(None, Wire(takes=[0]))
        chat.push(b"a")
        chat.abort()

        assert b"" == chat.wire.output
        assert ["close"] == chat.trace

    def test_twice_is_harmless(self) -> None:
        """On a closed channel it does nothing."""
        chat = Chat()
        chat.abort()
        chat.abort()

        assert ["close"] == chat.trace

    def test_the_peer_sees_a_reset(self, pair: tuple[socket.socket, socket.socket]) -> None:
        """On a TCP socket the peer's next read fails."""
        ours, peer = pair
        Chat(None, ours).abort()

        with pytest.raises(ConnectionResetError):
            peer.recv(1)


class TestLastReply:
    """The end after the last reply destroys none of it, although unread input would make the close a reset."""

    def test_what_has_arrived_is_dropped(self, pair: tuple[socket.socket, socket.socket]) -> None:
        """Unread input is read away, so that the peer gets the reply and then the end of the stream (CWD-013)."""
        ours, peer = pair
        chat = Chat(b"\n", ours)
        peer.sendall(b"unread")
        chat.push(b"reply")
        chat.close_when_done()
        chat.handle_write()

        assert ["close"] == chat.trace
        assert b"reply" == peer.recv(10)
        assert b"" == peer.recv(10)

    def test_with_a_linger_time_it_reads_on_until_the_peer_is_done(
        self, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        """While a peer still sends, the channel stays to drop it, makes no callback, and closes at its end."""
        ours, peer = pair
        chat = Chat(b"\n", ours)
        chat.linger_timeout = 5.0
        peer.sendall(b"line\n")
        chat.push(b"reply")
        chat.close_when_done()
        chat.handle_write()
        assert [] == chat.trace
        assert b"reply" == peer.recv(10)
        assert b"" == peer.recv(10)
        assert chat.readable()

        peer.sendall(b"more\n")
        chat.handle_read()
        peer.close()
        chat.handle_read()
        assert ["close"] == chat.trace

    def test_a_peer_that_is_done_already_is_not_waited_for(self, pair: tuple[socket.socket, socket.socket]) -> None:
        """With nothing to drop, or the peer's end among it, the channel closes at once."""
        ours, peer = pair
        chat = Chat(b"\n", ours)
        chat.linger_timeout = 5.0
        peer.sendall(b"line\n")
        peer.shutdown(socket.SHUT_WR)
        chat.close_when_done()
        chat.handle_write()

        assert ["close"] == chat.trace

    def test_a_peer_that_is_gone_is_not_waited_for(self, pair: tuple[socket.socket, socket.socket]) -> None:
        """On a connection that is no more, the channel closes at once."""
        ours, _ = pair
        ours.shutdown(socket.SHUT_RDWR)
        ours.close()
        chat = Chat(b"\n", ours)
        chat.linger_timeout = 5.0
        chat.close_when_done()
        chat.handle_write()

        assert ["close"] == chat.trace


def test_forced_to_close_it_keeps_nothing() -> None:
    """Where the program's own close() fails the channel still leaves its map, with its socket closed."""

    class Broken(Chat):
        def close(self) -> None:
            raise RuntimeError("close failed")

        def handle_error(self) -> None:
            SocketChannel.handle_error(self)

    chat = Broken(b"\n", Wire(takes=[0]), found=lambda chat: 1 / 0)
    chat.push(b"unsent")
    chat.read(b"\n")

    assert chat.wire.closed
    assert not chat.producer_fifo
    assert {} == chat._map
