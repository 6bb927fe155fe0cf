"""Many small pushes: gathered, and yet in order, within the limits, and to be seen by whoever looks."""

from __future__ import annotations

from errno import ENOBUFS

import pytest

from asynchat_core._batch import close_batch, open_batch

from .memory import Chat, Pieces, Wire

_SMALL = [b"%d," % number for number in range(600)]


def _push_all(chat: Chat) -> None:
    for data in _SMALL:
        chat.push(data)


def test_pushes_of_a_callback_leave_in_order() -> None:
    """The first leaves at once, and all others together behind it."""
    chat = Chat(b"\n", found=_push_all)
    chat.read(b"\n")

    assert b"".join(_SMALL) == chat.wire.output
    assert 2 == len(chat.wire.sent)


def test_pushes_at_a_full_socket_leave_in_order() -> None:
    """So do those that wait for the socket."""
    chat = Chat(None, Wire(takes=[0]))
    _push_all(chat)
    assert b"" == chat.wire.output

    chat.handle_write()
    assert b"".join(_SMALL) == chat.wire.output


def test_the_queue_shows_each_of_them() -> None:
    """``producer_fifo`` has one entry for each push."""
    chat = Chat(None, Wire(takes=[0]))
    _push_all(chat)

    assert _SMALL == list(chat.producer_fifo)
    assert sum(map(len, _SMALL)) == chat.producer_fifo.size
    assert chat.writable()


def test_producers_keep_their_place() -> None:
    """A producer and the close mark come behind what was pushed before, and before what is pushed later."""
    chat = Chat(None, Wire(takes=[0]))
    chat.push(b"a")
    chat.push(b"b")
    chat.push(b"c")
    chat.push_with_producer(Pieces(b"producer"))
    chat.push(b"d")
    chat.push(b"e")
    chat.close_when_done()
    chat.handle_write()

    assert b"abcproducerde" == chat.wire.output
    assert ["close"] == chat.trace


@pytest.mark.parametrize("size", [1, 10, 255, 256, 1000])
def test_the_mark_is_not_overlooked(size: int) -> None:
    """``push`` says at the very byte that the queue is above its mark, and the program is told once."""
    chat = Chat(None, Wire(takes=[0]))
    chat.output_high_mark, chat.output_low_mark = 2000, 100
    answers = [chat.push(b"x" * size) for _ in range(3000 // size)]

    assert [(number + 1) * size <= 2000 for number in range(len(answers))] == answers
    assert not chat.push(bytearray(b"x"))
    assert ["paused"] == chat.trace
    chat.handle_write()
    assert ["paused", "resumed"] == chat.trace


@pytest.mark.parametrize("mark", [None, 100])
def test_the_hard_limit_is_not_overlooked(mark: int | None) -> None:
    """The channel is given up at the push that crosses ``max_output``."""
    chat = Chat(None, Wire(takes=[0]))
    chat.output_high_mark, chat.max_output = mark, 2000
    pushed = 0
    while chat.connected:
        chat.push(b"0123456789")
        pushed += 10

    assert 2010 == pushed


def test_debug_looks_at_each_push() -> None:
    """With ``debug`` the thread of each push is checked."""
    checked: list[object] = []

    class Checked(Chat):
        debug = True

        def _ac_check_thread(self) -> None:
            checked.append(self)

    chat = Checked(None, Wire(takes=[0]))
    _push_all(chat)

    assert len(_SMALL) == len(checked)


def test_what_a_failing_send_was_given_stays_first() -> None:
    """Whatever ``send`` raises, the bytes stay queued, before what is pushed meanwhile."""

    class Failing(Chat):
        failures = 1

        def send(self, data: bytes) -> int:
            if self.failures:
                self.failures -= 1
                self.push(b" later")
                raise RuntimeError("failed")
            return super().send(data)

    chat = Failing()
    with pytest.raises(RuntimeError):
        chat.push(b"first")
    assert 1 == chat.interest_changes

    chat.handle_write()
    assert b"first later" == chat.wire.output


def test_a_queued_chunk_that_the_socket_refuses_stays() -> None:
    """An error in a later send goes to handle_error too, and a program that goes on loses nothing."""
    chat = Chat(None, Wire(takes=[1, OSError(ENOBUFS, "no buffers")]), error=lambda chat: None)
    chat.push(b"data")
    chat.handle_write()
    assert ["error: OSError(105, 'no buffers')"] == chat.trace

    chat.handle_write()
    assert b"data" == chat.wire.output


def test_a_producer_may_push_and_send() -> None:
    """What a producer pushes while it is asked leaves, whatever else it calls: nothing is left behind."""
    chat = Chat(None, Wire(takes=[0]))

    def more() -> bytes:
        chat.push(b"a")
        chat.push(b"b")
        chat.initiate_send()
        chat.push(b"c")
        return b"producer "

    chat.push(b"first ")
    chat.push_with_producer(Pieces(more))
    batch = open_batch()
    assert batch is not None
    chat.handle_write()
    close_batch(batch)

    assert b"first producer abc" == chat.wire.output
