"""Producers that say "not yet": the queue is parked until it is resumed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from asynchat_core import CLOSE_MARK, NOT_READY, ProducerQueue
from asynchat_core._batch import close_batch, open_batch

from .memory import Chat, Pieces


def parked_queue(*pieces: Any) -> tuple[ProducerQueue, Pieces]:
    """Return a queue with a producer that has said NOT_READY once, and will give these pieces."""
    queue, producer = ProducerQueue(), Pieces(NOT_READY, *pieces)
    queue.push_producer(producer)
    assert queue.next_chunk(100) == b""
    return queue, producer


def parked_chat(*pieces: Any, **callbacks: Callable[[Any], object]) -> tuple[Chat, Pieces]:
    """Return a chat whose queue is parked at such a producer."""
    chat, producer = Chat(b"\n", None, **callbacks), Pieces(NOT_READY, *pieces)
    chat.push_with_producer(producer)
    return chat, producer


class Clock:
    """The monotonic clock, turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def turn(self, chat: Chat, seconds: float) -> None:
        """Let time pass, and what is due in a channel happen."""
        self.now += seconds
        chat.agenda.run((KeyboardInterrupt,))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock for the time-outs and the timers of the core."""
    clock = Clock()
    for module in ("_limits", "agenda"):
        monkeypatch.setattr(f"asynchat_core.{module}.monotonic", clock)
    return clock


class TestQueue:
    """The queue alone."""

    def test_it_says_so(self) -> None:
        """The sentinel shows its name, as errors and debuggers print it."""
        assert repr(NOT_READY) == "NOT_READY"

    def test_a_parked_queue_asks_no_more(self) -> None:
        """Until it is resumed a producer that is not ready is not asked again."""
        queue, producer = parked_queue(b"late")
        assert queue.parked
        assert queue.next_chunk(100) == b""
        assert producer.asked == 1

    def test_resumed_it_goes_on(self) -> None:
        """After resume() the producer is asked where it was, and what is behind it follows."""
        queue, _ = parked_queue(b"late")
        queue.push(b"behind")
        queue.push_close_mark()
        assert queue.resume()

        assert queue.next_chunk(100) == b"late"
        queue.sent(4)
        assert queue.next_chunk(100) == b"behind"
        queue.sent(6)
        assert queue.next_chunk(100) is CLOSE_MARK

    def test_nothing_parked(self) -> None:
        """resume() of a queue that is not parked says so."""
        assert not ProducerQueue().resume()

    def test_resumed_while_asked(self) -> None:
        """A resume() within more() is not lost: NOT_READY does not park then, nor is more() called in a circle."""
        queue = ProducerQueue()
        producer = Pieces(lambda: queue.resume() or NOT_READY, b"x")
        queue.push_producer(producer)

        assert queue.next_chunk(100) == b""
        assert not queue.parked
        assert producer.asked == 1
        assert queue.next_chunk(100) == b"x"

    def test_dropped_while_asked(self) -> None:
        """A producer that drops the queue and is not ready parks nothing: what it pushed then leaves."""
        queue = ProducerQueue()

        def more() -> Any:
            queue.clear()
            queue.push(b"instead")
            return NOT_READY

        queue.push_producer(Pieces(more))
        assert queue.next_chunk(100) == b"instead"

    def test_cleared(self) -> None:
        """clear() ends the waiting."""
        queue, _ = parked_queue()
        queue.clear()
        queue.push(b"new")

        assert not queue.parked
        assert queue.next_chunk(100) == b"new"

    def test_taken_away(self) -> None:
        """A program that takes the producer out of the queue itself lets the rest leave."""
        queue, producer = parked_queue()
        queue.push(b"behind")
        assert queue.popleft() is producer

        assert queue.next_chunk(100) == b"behind"

    def test_something_put_before_it(self) -> None:
        """What a program puts before the producer leaves at once."""
        queue, _ = parked_queue()
        queue.appendleft(b"before")

        assert not queue.parked
        assert queue.next_chunk(100) == b"before"


class TestChannel:
    """A channel with such a producer."""

    def test_it_does_not_wait_for_room(self) -> None:
        """While parked, with whatever behind it, the channel is not writable: its loop does not spin."""
        chat, producer = parked_chat(b"late")
        chat.push(b"behind")
        chat.close_when_done()

        assert not chat.writable()
        assert not chat._ac_has_output(True)
        assert producer.asked == 1
        assert chat.wire.sent == []

    def test_what_is_before_it_leaves(self) -> None:
        """What was queued before the producer is sent."""
        chat = Chat()
        chat.push(b"before")
        chat.push_with_producer(Pieces(b"a", NOT_READY))

        assert chat.wire.output == b"beforea"

    def test_resumed_it_sends_at_once(self) -> None:
        """resume_producer() sends before it returns, and all in order."""
        chat, _ = parked_chat(b"late")
        chat.push(b"behind")
        chat.resume_producer()

        assert chat.wire.output == b"latebehind"
        assert not chat.writable()

    def test_nothing_to_resume(self) -> None:
        """Without a parked producer resume_producer() does nothing."""
        chat = Chat()
        chat.resume_producer()

        assert chat.wire.sent == []
        assert chat.interest_changes == 0

    def test_not_ready_again(self) -> None:
        """A producer may be not ready many times."""
        chat, producer = parked_chat(b"a", NOT_READY, NOT_READY, b"b")
        for _ in range(3):
            chat.resume_producer()

        assert chat.wire.output == b"ab"
        assert producer.asked == 6
        assert not chat.writable()

    def test_resumed_within_more(self) -> None:
        """A producer that resumes itself and is not ready is asked again when the loop comes to it."""
        chat = Chat()

        def more() -> Any:
            chat.resume_producer()
            return NOT_READY

        producer = Pieces(more, b"x")
        chat.push_with_producer(producer)
        assert producer.asked == 1
        assert chat.writable()

        chat.handle_write()
        assert chat.wire.output == b"x"

    def test_resumed_in_a_batch(self) -> None:
        """Where the channel holds output back, a resumed producer leaves with it."""
        batch = open_batch()
        assert batch is not None
        chat = Chat()
        chat.push(b"first")
        chat.push_with_producer(Pieces(NOT_READY, b"late"))
        chat._ac_flush_held()
        chat.push(b"behind")
        chat.resume_producer()
        assert chat.wire.output == b"first"
        close_batch(batch)

        assert chat.wire.output == b"firstlatebehind"

    def test_an_error_goes_to_handle_error(self) -> None:
        """What more() raises when it is resumed goes to the channel, not to the timer that resumed it."""
        chat, _ = parked_chat(ValueError("x"), error=lambda chat: None)
        chat.push(b"behind")
        chat.resume_producer()

        assert chat.trace == ["error: ValueError('x')"]

    def test_the_close_waits(self) -> None:
        """close_when_done waits for the producer, and closes on the write event after it."""
        chat, _ = parked_chat(b"late")
        chat.close_when_done()
        chat.resume_producer()
        assert (chat.wire.output, chat.trace) == (b"late", [])
        assert chat.writable()

        chat.handle_write()
        assert chat.trace == ["close"]

    def test_discarded(self) -> None:
        """discard_buffers drops the producer; what is pushed then leaves."""
        chat, producer = parked_chat(b"late")
        chat.discard_buffers()
        chat.push(b"new")
        chat.resume_producer()

        assert chat.wire.output == b"new"
        assert producer.asked == 1

    def test_closed(self) -> None:
        """After close() there is nothing to resume."""
        chat, producer = parked_chat(b"late")
        chat.close()
        chat.resume_producer()

        assert producer.asked == 1

    def test_the_thread_is_checked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In debug mode resume_producer() looks whether it is in the loop's thread, as push does."""
        chat, _ = parked_chat()
        checked: list[bool] = []
        chat.debug = True
        monkeypatch.setattr(chat, "_ac_check_thread", lambda: checked.append(True))
        chat.resume_producer()

        assert checked == [True]


class TestFlushTime:
    """``flush_timeout`` counts the peer's slowness, not the program's."""

    def test_it_does_not_run_while_parked(self, clock: Clock) -> None:
        """A producer that is not ready may take its time behind close_when_done."""
        chat, _ = parked_chat()
        chat.flush_timeout = 5.0
        chat.close_when_done()
        clock.turn(chat, 100)

        assert chat.trace == []

    def test_it_stops_when_parked(self, clock: Clock) -> None:
        """A clock that ran stops where the producer is not ready, as after close_when_done."""
        chat = Chat()
        chat.flush_timeout = 5.0
        chat.wire.takes.append(0)
        chat.push(b"a")
        chat.push_with_producer(Pieces(NOT_READY))
        chat.close_when_done()
        clock.turn(chat, 4)
        chat.handle_write()
        clock.turn(chat, 100)

        assert (chat.wire.output, chat.trace) == (b"a", [])

    def test_it_runs_when_resumed(self, clock: Clock) -> None:
        """Resumed, the peer has flush_timeout seconds again."""
        chat, _ = parked_chat(b"late")
        chat.flush_timeout = 5.0
        chat.close_when_done()
        clock.turn(chat, 100)
        chat.wire.takes.append(0)
        chat.resume_producer()
        clock.turn(chat, 4)
        assert chat.trace == []

        clock.turn(chat, 1)
        assert chat.trace == ["time-out: flush", "close"]
