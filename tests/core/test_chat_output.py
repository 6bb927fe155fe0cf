"""What a chat sends, in which order and in how many sends."""

from __future__ import annotations

from errno import ENOBUFS, EPIPE
from typing import Any

import pytest

from asynchat_core import CLOSE_MARK, ChannelClosed, ProducerQueue, simple_producer
from asynchat_core._batch import close_batch, open_batch

from .memory import END, Chat, Pieces, Wire


class Boom(Exception):
    """Raised by producers and callbacks."""


class TestPush:
    """``push`` outside any event: sent before it returns."""

    def test_it_is_sent_at_once(self) -> None:
        """push tries to send before it returns (OUT-018)."""
        chat = Chat()

        assert chat.push(b"ab") is True
        assert [b"ab"] == chat.wire.sent
        assert not chat.writable()

    def test_what_the_socket_does_not_take_waits(self) -> None:
        """After a short send nothing more is tried until the socket has room (OUT-008, OUT-009)."""
        chat = Chat(None, Wire(takes=[2, 0]))
        chat.push(b"abcd")
        chat.push(b"ef")
        assert [b"ab"] == chat.wire.sent
        assert chat.writable()

        chat.handle_write()
        assert [b"ab", b""] == chat.wire.sent
        chat.handle_write()
        assert b"abcdef" == chat.wire.output
        assert not chat.writable()

    def test_a_full_socket_keeps_everything(self) -> None:
        """A send that would block takes nothing and loses nothing."""
        chat = Chat(None, Wire(takes=[BlockingIOError()]))
        chat.push(b"ab")
        chat.handle_write()

        assert b"ab" == chat.wire.output

    def test_no_send_is_larger_than_the_program_says(self) -> None:
        """With ac_out_buffer_size set no send is given more, and all of it arrives (OUT-006, OUT-007)."""
        chat = Chat()
        chat.ac_out_buffer_size = 3
        chat.push(b"abcdefg")

        assert [b"abc", b"def", b"g"] == chat.wire.sent

    @pytest.mark.parametrize(("size", "offered"), [(262144, [262144]), (262145, [65536] * 4 + [1])])
    def test_left_alone_much_leaves_at_once(self, size: int, offered: list[int]) -> None:
        """Up to 262144 bytes are sent as they are, more in sends of 65536."""
        chat = Chat()
        chat.push(b"x" * size)

        assert offered == chat.wire.offered

    def test_one_channel_does_not_keep_the_loop(self) -> None:
        """Of a long queue about a MiB leaves in one go, and the rest when the loop comes again."""
        chat = Chat()
        chat.push(b"x" * 3_000_000)
        assert 1_048_576 <= len(chat.wire.output) < 1_400_000
        assert chat.writable()

        while chat.writable():
            chat.handle_write()
        assert 3_000_000 == len(chat.wire.output)

    @pytest.mark.parametrize("wrong", ["text", 7, None])
    def test_other_types_are_refused(self, wrong: Any) -> None:
        """Anything but bytes is a TypeError at the call, and nothing is queued (OUT-003)."""
        chat = Chat()

        with pytest.raises(TypeError):
            chat.push(wrong)
        assert not chat.producer_fifo

    def test_before_the_connection_it_waits(self) -> None:
        """Pushed before the channel is connected, it is sent after that (OUT-010)."""
        chat = Chat()
        chat.connected = False
        chat.push(b"ab")
        assert [] == chat.wire.sent
        assert chat.writable()

        chat.connected = True
        chat.handle_write()
        assert b"ab" == chat.wire.output

    def test_a_socket_that_says_nothing_took_nothing(self) -> None:
        """A send override that returns None counts as one that took nothing."""
        chat = Chat()
        silent: Any = lambda data: None  # noqa: E731 - its type says that it returns a count
        chat.send = silent
        chat.push(b"ab")

        assert [b"ab"] == list(chat.producer_fifo)

    def test_a_lost_peer_closes(self) -> None:
        """A send that fails since the peer is gone ends in handle_close, once (ERR-011)."""
        chat = Chat(None, Wire(takes=[BrokenPipeError(EPIPE, "gone")]))
        chat.push(b"ab")

        assert ["close"] == chat.trace
        assert chat.wire.closed

    def test_a_failing_socket_goes_to_handle_error(self) -> None:
        """A send that fails otherwise goes to handle_error (ERR-012)."""
        chat = Chat(None, Wire(takes=[OSError(ENOBUFS, "no buffers")]))
        chat.push(b"ab")

        assert [f"error: OSError({ENOBUFS}, 'no buffers')"] == chat.trace


class TestInOneEvent:
    """Many pushes while an event is handled: the first is sent at once, the others together."""

    def test_pushes_of_one_read_leave_together(self) -> None:
        """Ten replies to ten lines of one read take two sends."""
        chat = Chat(b"\n", found=lambda chat: chat.push(b"reply\n"))
        chat.read(b"line\n" * 10)

        assert [b"reply\n", b"reply\n" * 9] == chat.wire.sent

    def test_they_leave_when_a_callback_raises(self) -> None:
        """What was pushed before an exception that leaves the loop is sent (ExitNow as farewell)."""

        def found(chat: Chat) -> None:
            chat.push(b"a")
            chat.push(b"b")
            raise KeyboardInterrupt

        chat = Chat(b"\n", found=found)
        with pytest.raises(KeyboardInterrupt):
            chat.read(b"line\n")

        assert [b"a", b"b"] == chat.wire.sent

    def test_much_output_does_not_wait(self) -> None:
        """From 64 KiB on the output leaves although the event goes on."""
        sent: list[int] = []

        def found(chat: Chat) -> None:
            for _ in range(3):
                chat.push(b"x" * 40_000)
                sent.append(len(chat.wire.output))

        Chat(b"\n", found=found).read(b"line\n")

        assert [40_000, 40_000, 120_000] == sent

    def test_a_blocked_socket_is_not_tried(self) -> None:
        """On a socket that is full nothing is tried until it has room."""
        chat = Chat(b"\n", Wire(takes=[0]), found=lambda chat: chat.push(b"reply\n"))
        chat.read(b"line\n" * 10)
        assert [0] == [len(piece) for piece in chat.wire.sent]

        chat.handle_write()
        assert b"reply\n" * 10 == chat.wire.output

    def test_a_producer_waits_with_the_rest(self) -> None:
        """A producer behind a push keeps its place."""

        def found(chat: Chat) -> None:
            chat.push(b"a")
            chat.push_with_producer(Pieces(b"b", b"c"))
            chat.push(b"d")

        chat = Chat(b"\n", found=found)
        chat.read(b"\n")

        assert b"abcd" == chat.wire.output

    def test_a_channel_pushed_to_from_another_s_event_is_flushed(self) -> None:
        """What is pushed to other channels leaves with the end of the batch."""
        other, third = Chat(), Chat()
        batch = open_batch()
        assert batch is not None
        other.push(b"a")
        other.push(b"b")
        third.push(b"x")
        third.push(b"y")
        assert [b"a"] == other.wire.sent
        close_batch(batch)

        assert [b"a", b"b"] == other.wire.sent
        assert b"xy" == third.wire.output

    def test_one_that_fails_does_not_cost_the_others_their_output(self) -> None:
        """What one channel's flush raises goes to its own handle_error; the others still send."""
        bad, good = Chat(), Chat()
        batch = open_batch()
        assert batch is not None
        for chat in (bad, good):
            chat.push(b"first ")
        bad.push_with_producer(Pieces(Boom()))
        good.push(b"second")
        close_batch(batch)

        assert ["error: Boom()"] == bad.trace
        assert b"first second" == good.wire.output

    def test_one_batch_is_open_at_a_time(self) -> None:
        """What is pushed while another channel's event makes this one read leaves with the outer batch."""
        outer, inner = Chat(), Chat(b"\n", found=lambda chat: [chat.push(b"a"), outer.push(b"b"), outer.push(b"c")])
        batch = open_batch()
        assert batch is not None
        inner.read(b"\n")
        assert [b"b"] == outer.wire.sent
        close_batch(batch)

        assert b"bc" == outer.wire.output

    def test_the_close_mark_waits_for_a_write_event(self) -> None:
        """The end of a batch sends what is before the close mark and does not close (CWD-011)."""
        chat = Chat(b"\n", found=lambda chat: [chat.push(b"a"), chat.push(b"b"), chat.close_when_done()])
        chat.read(b"\n")
        assert b"ab" == chat.wire.output
        assert "close" not in chat.trace

        chat.handle_write()
        assert "close" == chat.trace[-1]

    def test_a_first_push_that_finds_the_peer_gone_is_no_harm(self) -> None:
        """A channel that its own first push closes has nothing left to send."""

        class Ending(Chat):
            def send(self, data: bytes) -> int:
                self.close()
                return 0

        chat = Ending(b"\n", found=lambda chat: [chat.push(b"a"), chat.push(b"b")])
        chat.read(b"\n")

        assert b"" == chat.wire.output
        assert chat.wire.closed

    def test_what_leaves_the_loop_costs_nobody_his_output(self) -> None:
        """The same where the exception is one that leaves the loop."""
        bad, good = Chat(), Chat()
        batch = open_batch()
        assert batch is not None
        for chat in (bad, good):
            chat.push(b"first ")
        bad.push_with_producer(Pieces(KeyboardInterrupt()))
        good.push(b"second")

        with pytest.raises(KeyboardInterrupt):
            close_batch(batch)
        assert b"first second" == good.wire.output

    def test_asking_for_the_socket_sends_what_is_held(self) -> None:
        """Whoever takes the socket in a callback, to write to it, finds what was pushed before sent."""
        seen: list[bytes] = []

        def found(chat: Chat) -> None:
            chat.push(b"a")
            chat.push(b"b")
            seen.append(chat.socket.output)
            chat.push(b"c")
            seen.append(chat.wire.output)

        chat = Chat(b"\n", found=found)
        chat.read(b"\n")

        assert [b"ab", b"ab"] == seen
        assert b"abc" == chat.wire.output

    def test_another_socket_gets_only_what_is_pushed_then(self) -> None:
        """When a callback changes the socket, what was pushed before goes to the old one."""
        new = Wire()

        def found(chat: Chat) -> None:
            chat.push(b"a")
            chat.push(b"b")
            chat.socket = new
            chat.push(b"c")

        chat = Chat(b"\n", found=found)
        chat.read(b"\n")

        assert (b"ab", b"c") == (chat.wire.output, new.output)

    def test_a_lock_around_initiate_send_holds(self) -> None:
        """All sending goes through initiate_send of the instance, which a subclass may wrap."""
        entered: list[bool] = []

        class Locked(Chat):
            def initiate_send(self) -> None:
                entered.append(True)
                super().initiate_send()

        chat = Locked(b"\n", found=lambda chat: chat.push(b"a"))
        chat.read(b"\n\n")
        chat.handle_write()

        assert 3 == len(entered)


class TestProducers:
    """``push_with_producer``."""

    def test_pieces_are_sent_in_order(self) -> None:
        """Each piece leaves when the one before was sent."""
        chat = Chat()
        chat.push_with_producer(simple_producer(b"abcdefg", 3))

        assert [b"abc", b"def", b"g"] == chat.wire.sent

    def test_bytes_count_as_a_producer(self) -> None:
        """Bytes are sent as they are (PRD-012)."""
        chat = Chat()

        assert chat.push_with_producer(b"ab") is True
        assert b"ab" == chat.wire.output

    def test_what_more_raises_comes_out_of_the_call(self) -> None:
        """Asked at once, a producer that raises raises here (PRD-014), and is not asked again."""
        chat = Chat()
        producer = Pieces(Boom(), b"a")

        with pytest.raises(Boom):
            chat.push_with_producer(producer)
        chat.push(b"b")
        assert 1 == producer.asked
        assert b"b" == chat.wire.output

    def test_on_a_blocked_socket_nothing_is_asked(self) -> None:
        """While the socket is full more() is not called."""
        chat = Chat(None, Wire(takes=[0]))
        chat.push(b"a")
        producer = Pieces(b"b")
        chat.push_with_producer(producer)
        assert 0 == producer.asked

        chat.handle_write()
        assert b"ab" == chat.wire.output

    def test_more_may_push(self) -> None:
        """Pushed inside more(), data goes behind the piece, without recursion (RNT-004, RNT-005)."""
        chat = Chat()
        left = 1000

        def more() -> bytes:
            nonlocal left
            left -= 1
            chat.push(b"p")
            return b"m" if left else b""

        chat.push_with_producer(Pieces(*[more] * 1000))

        assert b"m" * 999 + b"p" * 1000 == chat.wire.output

    @pytest.mark.parametrize("action", ["close", "discard_buffers"])
    def test_more_may_end_it_all(self, action: str) -> None:
        """Closed or discarded inside more(), its piece is not sent (CLS-007, DSC-009)."""
        chat = Chat()

        def more() -> bytes:
            getattr(chat, action)()
            return b"never"

        chat.push_with_producer(Pieces(more))

        assert b"" == chat.wire.output
        assert not chat.producer_fifo

    def test_more_may_disconnect(self) -> None:
        """A producer that only marks the channel as unconnected keeps its piece back."""
        chat = Chat()

        def more() -> bytes:
            chat.connected = False
            return b"kept"

        chat.push_with_producer(Pieces(more))

        assert b"" == chat.wire.output
        assert b"kept" == chat.producer_fifo[0]

    def test_a_str_piece_is_encoded_where_the_program_says_so(self) -> None:
        """With use_encoding more() may return str."""
        chat = Chat()
        chat.use_encoding = True
        chat.push_with_producer(Pieces("\xe9"))

        assert b"\xe9" == chat.wire.output

    def test_it_needs_more(self) -> None:
        """An object without more() is a TypeError, and nothing is queued."""
        chat = Chat()

        with pytest.raises(TypeError, match=r"more\(\)"):
            chat.push_with_producer(None)  # type: ignore[arg-type]
        assert not chat.producer_fifo


class TestProducerFifo:
    """``producer_fifo``, as old programs use it."""

    def test_an_appended_entry_tells_the_loop_and_is_sent(self) -> None:
        """An entry that a program appends wants the loop's attention, and is sent when it has it."""
        chat = Chat()
        before = chat.interest_changes
        chat.producer_fifo.append(b"ab")
        assert chat.interest_changes > before
        assert chat.writable()

        chat.handle_write()
        assert b"ab" == chat.wire.output

    def test_none_in_it_closes(self) -> None:
        """An appended None is the close mark."""
        chat = Chat()
        chat.producer_fifo.append(None)
        chat.handle_write()

        assert ["close"] == chat.trace

    def test_it_may_be_replaced(self) -> None:
        """A list or deque assigned in its place is taken over, and stays the channel's queue."""
        chat = Chat()
        chat.producer_fifo = [b"a", Pieces(b"b")]
        chat.push(b"c")

        assert isinstance(chat.producer_fifo, ProducerQueue)
        assert b"abc" == chat.wire.output


class TestInitiateSend:
    """``initiate_send``, as subclasses call and override it."""

    def test_it_sends_what_is_there(self) -> None:
        """Called by the program it sends."""
        chat = Chat()
        chat.producer_fifo.append(b"ab")
        chat.initiate_send()

        assert b"ab" == chat.wire.output

    def test_it_is_not_re_entrant(self) -> None:
        """Called by what it calls it returns at once, so that no byte is sent twice."""

        class Nested(Chat):
            def send(self, data: bytes) -> int:
                self.initiate_send()
                return super().send(data)

        chat = Nested()
        chat.push(b"ab")

        assert [b"ab"] == chat.wire.sent

    def test_an_override_of_send_is_what_sends(self) -> None:
        """All bytes go through send of the instance."""
        seen: list[bytes] = []

        def send(data: bytes) -> int:
            seen.append(data)
            return len(data)

        chat = Chat()
        chat.send = send
        chat.push(b"ab")

        assert [b"ab"] == seen


class TestClosedOrClosing:
    """``push`` when nothing can be sent any more."""

    @pytest.mark.parametrize("end", ["close", "close_when_done"])
    def test_it_is_dropped(self, end: str) -> None:
        """push and push_with_producer say False, queue nothing and do not raise (OUT-011, CWD-003)."""
        chat = Chat()
        getattr(chat, end)()

        assert chat.push(b"ab") is False
        assert chat.push_with_producer(Pieces(b"ab")) is False
        assert b"ab" not in chat.producer_fifo
        assert 2 == sum(line.startswith("debug: push on <") for line in chat.logged)

    @pytest.mark.parametrize(("end", "state"), [("close", "closed"), ("close_when_done", "closing")])
    def test_with_strict_close_it_raises(self, end: str, state: str) -> None:
        """With strict_close a push is a ChannelClosed that says which of the two it is."""
        chat = Chat()
        chat.strict_close = True
        getattr(chat, end)()

        with pytest.raises(ChannelClosed, match=f"which is {state}: nothing can be sent on it any more"):
            chat.push(b"ab")
        with pytest.raises(ChannelClosed, match=f"which is {state}"):
            chat.push_with_producer(Pieces())

    def test_wrong_types_are_refused_even_then(self) -> None:
        """A str is a TypeError on a closed channel as well."""
        chat = Chat()
        chat.close()

        with pytest.raises(TypeError):
            chat.push("text")  # type: ignore[arg-type]

    def test_a_reply_after_the_last_one_costs_nothing(self) -> None:
        """ChannelClosed out of a callback is logged, what is queued is still sent, the frames behind it come."""

        def found(chat: Chat) -> None:
            chat.push(b"reply ")
            chat.close_when_done()

        chat = Chat(b"\n", Wire(takes=[2]), found=found)
        chat.strict_close = True
        chat.read(b"QUIT\nmore\n")
        assert [b"QUIT", END, b"more", END] == chat.trace

        chat.handle_write()
        assert b"reply " == chat.wire.output
        assert "close" == chat.trace[-1]
        assert any(line.startswith("info: push on") for line in chat.logged)


def test_debug_checks_the_thread() -> None:
    """With debug each push asks the dispatcher whether it is in the loop's thread."""
    asked: list[bool] = []
    chat = Chat()
    chat.debug = True
    chat._ac_check_thread = lambda: asked.append(True)
    chat.push(b"ab")

    assert [True] == asked


def test_discard_drops_all_that_is_queued() -> None:
    """discard_buffers drops output, producers and the close mark, and the channel stays usable (DSC-001 to DSC-004)."""
    chat = Chat(b"\r\n", Wire(takes=[1]))
    chat.read(b"half\r")
    chat._collect_incoming_data(b"half")
    chat.push(b"abc")
    chat.push_with_producer(Pieces(b"d"))
    chat.close_when_done()
    chat.discard_buffers()
    assert ([], b"") == (chat.incoming, chat.ac_in_buffer)
    assert CLOSE_MARK != chat.producer_fifo.next_chunk(10) == b""

    chat.read(b"\nnew\r\n")
    chat.handle_write()
    chat.push(b"e")
    assert [b"half", b"\nnew", END] == chat.trace
    assert b"ae" == chat.wire.output


def test_discard_in_a_callback_sends_what_was_pushed_before() -> None:
    """What was pushed before in the same event leaves, although it was held back; what is pushed behind it too."""

    def found(chat: Chat) -> None:
        chat.push(b"a")
        chat.push(b"b")
        chat.discard_buffers()
        chat.push(b"c")

    chat = Chat(b"\n", found=found)
    chat.read(b"\nrest\n")

    assert [END] == chat.trace
    assert b"abc" == chat.wire.output


def test_the_predicates() -> None:
    """readable is true while open, writable when something waits or nothing is connected yet (API-010)."""
    chat = Chat(b"\n", Wire(takes=[0]))

    assert (True, False) == (chat.readable(), chat.writable())
    chat.push(b"a")
    assert (True, True) == (chat.readable(), chat.writable())
    assert chat._ac_has_output(False)
