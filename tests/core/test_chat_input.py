"""What a chat reads, how much at a time, and what happens to what a callback raises."""

from __future__ import annotations

from errno import ECONNRESET, EIO
from typing import Any

import pytest

from asynchat_core import ChatMixin

from .memory import END, Chat, Wire, when


class Boom(Exception):
    """Raised by callbacks."""


def boom(chat: Chat) -> None:
    """Raise."""
    raise Boom


def test_a_read_makes_the_callbacks_it_completes() -> None:
    """One reading delivers the frames that are whole, and what is there of the next."""
    chat = Chat(b"\n")
    chat.read(b"a\nb\nc")

    assert [b"a", END, b"b", END, b"c"] == chat.trace


def test_nothing_there_is_no_error() -> None:
    """A wake-up without any input does nothing (ERR-010, SPL-009)."""
    chat = Chat(b"\n", Wire(arriving=[]))
    chat.handle_read()

    assert [] == chat.trace


def test_a_buffer_size_of_the_program_is_honoured() -> None:
    """Set on the class or on the instance, and changed between reads, the size is what recv is asked for (API-009)."""

    class Small(Chat):
        ac_in_buffer_size = 3

    chat = Small(b"\n")
    chat.read(b"abc", b"def")
    chat.ac_in_buffer_size = 7
    chat.read(b"g")

    assert [3, 3, 7] == chat.wire.asked


def test_left_alone_the_size_follows_the_traffic() -> None:
    """Full reads grow the next one from 4096 to 122880 bytes, small ones shrink it again."""
    chat = Chat(None)
    chat.wire.arriving.append(b"x" * 1_000_000)
    for _ in range(6):
        chat.handle_read()
    assert [4096, 16384, 65536, 122880, 122880, 122880] == chat.wire.asked

    chat.wire.arriving.clear()
    chat.read(*[b"y"] * 5)
    assert [122880, 30720, 7680, 4096, 4096] == chat.wire.asked[6:]


def test_a_recv_override_may_return_a_buffer() -> None:
    """What recv of the instance returns is read, also a bytearray."""
    pieces: list[Any] = [bytearray(b"a\n"), memoryview(b"b\n")]
    chat = Chat(b"\n")
    chat.recv = lambda size: pieces.pop(0)
    chat.handle_read()
    chat.handle_read()

    assert [b"a", END, b"b", END] == chat.trace


def test_a_recv_override_may_return_str_where_the_program_says_so() -> None:
    """With use_encoding recv may return str (F10 of the defects)."""
    chat = Chat(b"\n")
    chat.use_encoding = 1
    text: Any = "\xe9\n"
    chat.recv = lambda size: text
    chat.handle_read()

    assert [b"\xe9", END] == chat.trace


def test_a_reset_closes() -> None:
    """A reset by the peer goes to handle_close, not to handle_error (ERR-008)."""
    chat = Chat(b"\n")
    chat.read(b"a", ConnectionResetError(ECONNRESET, "reset"))

    assert [b"a", "close"] == chat.trace


def test_a_failing_socket_goes_to_handle_error() -> None:
    """A recv that fails otherwise goes to handle_error (ERR-009)."""
    chat = Chat(b"\n")
    chat.read(OSError(EIO, "broken"))

    assert [f"error: OSError({EIO}, 'broken')"] == chat.trace


class TestRaising:
    """What a callback raises goes to handle_error, once, and costs no other frame."""

    def test_the_frames_behind_it_still_come(self) -> None:
        """With a handle_error that keeps the channel the rest of the read is delivered at once (ERR-014)."""
        chat = Chat(b"\n", found=when(b"bad", boom), error=lambda chat: None)
        chat.read(b"a\nbad\nb\nc")

        assert [b"a", END, b"bad", END, "error: Boom()", b"b", END, b"c"] == chat.trace

    def test_each_exception_is_reported(self) -> None:
        """Several callbacks that raise in one read are several calls of handle_error."""
        chat = Chat(b"\n", collect=boom, error=lambda chat: None)
        chat.read(b"a\nb\n")

        assert [b"a", "error: Boom()", END, b"b", "error: Boom()", END] == chat.trace

    def test_a_channel_that_was_closed_for_it_gets_nothing_more(self) -> None:
        """With the default handle_error the channel is closed, and the rest of the read is dropped."""
        chat = Chat(b"\n", found=boom)
        chat.read(b"a\nb\n")

        assert [b"a", END, "error: Boom()"] == chat.trace
        assert chat.wire.closed

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_what_leaves_the_loop_leaves(self, error: type[BaseException]) -> None:
        """KeyboardInterrupt and its kin come out, and the rest of the read is kept for later (ERR-006)."""
        raised: list[bool] = []

        def found(chat: Chat) -> None:
            if not raised:
                raised.append(True)
                raise error

        chat = Chat(b"\n", found=found)
        with pytest.raises(error):
            chat.read(b"a\nb\n")
        assert [b"a", END] == chat.trace

        chat.handle_read_event()
        assert [b"a", END, b"b", END] == chat.trace

    def test_what_leaves_the_loop_leaves_while_reading_on(self) -> None:
        """The same where another exception came before it."""

        def found(chat: Chat) -> None:
            raise Boom if chat.last == b"a" else KeyboardInterrupt

        chat = Chat(b"\n", found=found, error=lambda chat: None)
        with pytest.raises(KeyboardInterrupt):
            chat.read(b"a\nb\n")

        assert [b"a", END, "error: Boom()", b"b", END] == chat.trace

    def test_what_goes_wrong_elsewhere_is_the_dispatcher_s(self) -> None:
        """An exception out of the event that left no frames comes out of handle_read_event."""
        chat = Chat(b"\n")
        chat.accepting = True
        chat.handle_accept = lambda: boom(chat)  # type: ignore[method-assign]

        with pytest.raises(Boom):
            chat.handle_read_event()


class TestBudget:
    """``frames_per_turn``: one channel's flood is cut."""

    def test_frames_over_the_budget_wait_for_the_next_turn(self) -> None:
        """The channel asks the loop to read on, and does not read from the socket before."""
        chat = Chat(b"\n")
        chat.frames_per_turn = 2
        chat.read(b"a\nb\nc\n")
        assert [b"a", END, b"b", END] == chat.trace
        assert 1 == chat.reading_on

        chat.handle_read()
        assert [b"c", END] == chat.trace[4:]
        assert 1 == len(chat.wire.asked)

    def test_without_one_a_read_is_handled_whole(self) -> None:
        """By default all frames of a read come in one go."""
        chat = Chat(b"\n")
        chat.read(b"a\n" * 2000)

        assert [b"a", END] * 2000 == chat.trace
        assert 0 == chat.reading_on


class TestPausing:
    """``pause_reading`` and ``resume_reading``."""

    def test_a_paused_channel_is_not_readable(self) -> None:
        """While it is paused the loop does not wait for input; told of both."""
        chat = Chat(b"\n")
        before = chat.interest_changes
        chat.pause_reading()
        assert not chat.readable()
        chat.resume_reading()

        assert chat.readable()
        assert chat.interest_changes >= before + 2

    def test_resuming_twice_is_harmless(self) -> None:
        """Resuming a channel that is not paused tells the loop nothing."""
        chat = Chat(b"\n")
        chat.resume_reading()

        assert 0 == chat.interest_changes

    def test_frames_that_are_here_wait_too(self) -> None:
        """Paused with frames left of a read, these come when reading is resumed."""
        chat = Chat(b"\n")
        chat.frames_per_turn = 1
        chat.callbacks["found"] = when(b"a", lambda chat: chat.pause_reading())
        chat.read(b"a\nb\n")
        assert 0 == chat.reading_on

        chat.resume_reading()
        assert 1 == chat.reading_on
        chat.handle_read()
        assert [b"a", END, b"b", END] == chat.trace


def test_the_constructor_may_run_twice() -> None:
    """Run again, it begins anew with another socket."""
    chat = Chat(b"\n")
    chat.read(b"half")
    chat.push(b"a")
    chat.__init__(b";", Wire())  # type: ignore[misc]
    chat.read(b"x;")

    assert [b"x", END] == chat.trace
    assert b"" == chat.wire.output


def test_the_callbacks_must_be_defined() -> None:
    """Without callbacks of its own the first data is a NotImplementedError (API-003)."""
    chat = Chat(b"\n")
    chat.collect_incoming_data = lambda data: ChatMixin.collect_incoming_data(chat, data)  # type: ignore[method-assign]
    chat.read(b"a")

    assert [event for event in chat.trace if str(event).startswith("error: NotImplementedError")]


def test_a_change_outside_the_callbacks_completes_what_is_held() -> None:
    """Held bytes that a terminator set between two reads completes are a frame in the next turn (TRM-014)."""
    chat = Chat(b"\r\n")
    chat.read(b"line\r")
    chat.set_terminator(b"\r")
    assert [b"line"] == chat.trace
    assert 1 == chat.reading_on

    chat.handle_read()
    assert [b"line", END] == chat.trace


def test_a_change_with_nothing_held_asks_for_no_turn() -> None:
    """Where no bytes wait the loop is not bothered, nor before the channel is made (TRM-005)."""

    class Early(Chat):
        def __init__(self) -> None:
            self.set_terminator(b";")
            super().__init__(b";")

    chat = Early()
    chat.set_terminator(b"\n")
    chat.read(b"line\n")
    chat.set_terminator(4)

    assert 0 == chat.reading_on


def test_a_change_on_a_paused_channel_waits_until_it_reads_again() -> None:
    """Held bytes that a new terminator completes are not delivered while reading is paused (TRM-014)."""
    chat = Chat(b"\r\n")
    chat.read(b"line\r")
    chat.pause_reading()
    chat.set_terminator(b"\r")
    assert 0 == chat.reading_on

    chat.resume_reading()
    assert 1 == chat.reading_on


def test_a_loop_of_the_program_s_own_gets_all_frames_of_one_reading() -> None:
    """A loop that nobody can ask to come back has all frames delivered at once, whatever the budget."""

    class Alone(Chat):
        def _ac_is_driven(self) -> bool:
            return False

    chat = Alone(b"\n")
    chat.frames_per_turn = 1
    chat.read(b"a\nb\nc\n")

    assert [b"a", END, b"b", END, b"c", END] == chat.trace
    assert 0 == chat.reading_on
