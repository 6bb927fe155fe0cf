"""Timers, and calls from other threads: what a loop is to call."""

from __future__ import annotations

import logging
from functools import partial
from math import inf, nan
from typing import Any

import pytest

from asynchat_core.agenda import Agenda


class Boom(Exception):
    """Raised by callbacks."""


class Clock:
    """The monotonic clock, turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the timers."""
    clock = Clock()
    monkeypatch.setattr("asynchat_core.agenda.monotonic", clock)
    return clock


def run(agenda: Agenda) -> None:
    """Do what a loop does between two waits."""
    agenda.run((KeyboardInterrupt,))


def boom() -> None:
    """Raise."""
    raise Boom


def test_a_timer_fires_once_and_not_early(clock: Clock) -> None:
    """A timer is called when its time has come, once, with its arguments (TMR-001)."""
    calls: list[Any] = []
    agenda = Agenda()
    timer = agenda.call_later(5, calls.append, "x")
    clock.now += 4.9
    run(agenda)
    assert [] == calls
    assert timer.active

    clock.now += 0.1
    run(agenda)
    run(agenda)
    assert ["x"] == calls
    assert not timer.active


def test_timers_come_by_deadline_then_by_creation(clock: Clock) -> None:
    """The order is that of the deadlines; at the same time, that of the making (TMR-002)."""
    calls: list[Any] = []
    agenda = Agenda()
    for delay, name in ((3, "c"), (1, "a"), (3, "d"), (2, "b")):
        agenda.call_later(delay, calls.append, name)
    clock.now += 5
    run(agenda)

    assert ["a", "b", "c", "d"] == calls


class TestCancel:
    """``Timer.cancel``."""

    def test_a_cancelled_timer_is_not_called(self, clock: Clock) -> None:
        """Cancelled before its time, once or twice, nothing is called and nothing waits (TMR-003)."""
        agenda = Agenda()
        timer = agenda.call_later(1, boom)
        timer.cancel()
        timer.cancel()
        assert not agenda
        clock.now += 2
        run(agenda)

        assert not timer.active

    def test_after_its_call_it_is_harmless(self, clock: Clock) -> None:
        """Cancelled when it was called, nothing changes."""
        agenda = Agenda()
        timer = agenda.call_later(0, int)
        agenda.call_later(5, int)
        run(agenda)
        timer.cancel()

        assert agenda

    def test_in_its_own_call_it_is_harmless(self, clock: Clock) -> None:
        """A timer may cancel itself."""
        agenda = Agenda()
        timer = agenda.call_later(0, lambda: timer.cancel())
        run(agenda)

        assert not agenda

    def test_by_an_earlier_one_of_the_same_turn(self, clock: Clock) -> None:
        """A timer that is due may be cancelled by another that is due."""
        agenda = Agenda()
        agenda.call_later(0, lambda: second.cancel())
        second = agenda.call_later(0, boom)
        run(agenda)

        assert not agenda

    def test_many_cancelled_timers_leave_no_memory(self, clock: Clock) -> None:
        """Cancelled timers do not pile up until their time comes, and the others keep theirs."""
        calls: list[Any] = []
        agenda = Agenda()
        for number in range(5000):
            agenda.call_later(number, calls.append, number) if number % 100 == 0 else None
            agenda.call_later(number, boom).cancel()
        assert len(agenda._heap) < 1200

        clock.now += 5000
        run(agenda)
        assert list(range(0, 5000, 100)) == calls


class TestEvery:
    """``call_every``."""

    def test_it_is_called_each_interval(self, clock: Clock) -> None:
        """The first call comes after one interval, and then one each."""
        calls: list[Any] = []
        agenda = Agenda()
        timer = agenda.call_every(2, calls.append, "x")
        for _ in range(4):
            clock.now += 1
            run(agenda)

        assert ["x", "x"] == calls
        assert timer.active

    def test_a_missed_one_is_left_out(self, clock: Clock) -> None:
        """After a long turn there is one call, and the next comes in step with the first ones."""
        calls: list[float] = []
        agenda = Agenda()
        agenda.call_every(2, lambda: calls.append(clock.now - 1000))
        for now in (2, 9, 9.5, 10):
            clock.now = 1000 + now
            run(agenda)

        assert [2, 9, 10] == calls

    def test_it_may_be_cancelled(self, clock: Clock) -> None:
        """Cancelled, also in its own call, it is not called again."""
        calls: list[int] = []
        agenda = Agenda()

        def once() -> None:
            calls.append(1)
            timer.cancel()

        timer = agenda.call_every(1, once)
        for _ in range(3):
            clock.now += 1
            run(agenda)

        assert [1] == calls
        assert not agenda

    def test_what_it_raises_does_not_end_it(self, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
        """After an exception, which is logged, it is called again."""
        agenda = Agenda()
        agenda.call_every(1, boom)
        for _ in range(2):
            clock.now += 1
            run(agenda)

        assert 2 == len(caplog.records)

    @pytest.mark.parametrize("wrong", [0, -1, nan])
    def test_an_interval_is_positive(self, wrong: float) -> None:
        """Anything but a positive interval is a ValueError that names it."""
        with pytest.raises(ValueError, match=f"interval of {wrong!r} seconds is not positive"):
            Agenda().call_every(wrong, int)


class TestSoon:
    """``call_soon``."""

    def test_calls_come_in_order(self) -> None:
        """What is to be called soon is called in the next turn, in order (THR-005)."""
        calls: list[int] = []
        agenda = Agenda()
        for number in range(5):
            agenda.call_soon(calls.append, number)
        assert agenda
        run(agenda)

        assert list(range(5)) == calls
        assert not agenda

    def test_a_call_made_in_a_call_waits(self, clock: Clock) -> None:
        """What calls and timers add waits for the next turn (TMR-004)."""
        calls: list[str] = []
        agenda = Agenda()

        def add() -> None:
            calls.append("first")
            agenda.call_soon(calls.append, "soon")
            agenda.call_later(0, calls.append, "later")

        agenda.call_later(0, add)
        run(agenda)
        assert ["first"] == calls
        run(agenda)
        assert ["first", "later", "soon"] == calls

    def test_a_call_that_adds_itself_does_not_keep_the_turn(self) -> None:
        """A call that asks for another one does not run twice in a turn."""
        calls: list[int] = []
        agenda = Agenda()

        def again() -> None:
            calls.append(1)
            agenda.call_soon(again)

        agenda.call_soon(again)
        run(agenda)

        assert [1] == calls


@pytest.mark.parametrize("delay", [None, 0])
def test_a_call_may_turn_the_loop(clock: Clock, delay: float | None) -> None:
    """A callback that turns the loop makes the calls that are due, once each."""
    calls: list[str] = []
    agenda = Agenda()
    add = agenda.call_soon if delay is None else partial(agenda.call_later, delay)
    add(run, agenda)
    add(calls.append, "a")
    add(calls.append, "b")
    run(agenda)

    assert ["a", "b"] == calls
    assert not agenda


class TestRaising:
    """What callbacks raise."""

    @pytest.mark.parametrize("delay", [None, 0])
    def test_it_is_logged_and_the_next_is_called(
        self, clock: Clock, caplog: pytest.LogCaptureFixture, delay: float | None
    ) -> None:
        """An exception is logged with its traceback, and does not stop the others (TMR-005)."""
        calls: list[str] = []
        agenda = Agenda()
        add = agenda.call_soon if delay is None else partial(agenda.call_later, delay)
        add(boom)
        add(calls.append, "next")
        run(agenda)

        assert ["next"] == calls
        assert [("asynchat", logging.ERROR)] == [(record.name, record.levelno) for record in caplog.records]
        assert isinstance(caplog.records[0].exc_info, tuple)

    def test_what_leaves_the_loop_comes_out(self, clock: Clock) -> None:
        """KeyboardInterrupt and its kin come out, and what was to be called soon is kept."""
        calls: list[str] = []
        agenda = Agenda()

        def leave() -> None:
            raise KeyboardInterrupt

        agenda.call_soon(leave)
        agenda.call_soon(calls.append, "next")
        with pytest.raises(KeyboardInterrupt):
            run(agenda)
        run(agenda)

        assert ["next"] == calls

    def test_timers_behind_one_that_leaves_the_loop_are_kept(self, clock: Clock) -> None:
        """The same for timers that were due in the same turn."""
        calls: list[str] = []
        agenda = Agenda()

        def leave() -> None:
            raise KeyboardInterrupt

        agenda.call_later(0, leave)
        agenda.call_later(0, calls.append, "next")
        with pytest.raises(KeyboardInterrupt):
            run(agenda)
        assert agenda
        run(agenda)

        assert ["next"] == calls


class TestWait:
    """``wait``: how long the loop may wait for something else."""

    def test_without_anything_it_is_the_time_out(self) -> None:
        """With nothing to call the loop waits as long as it would."""
        assert 30 == Agenda().wait(30)
        assert inf == Agenda().wait(inf)

    def test_it_ends_with_the_next_timer(self, clock: Clock) -> None:
        """The wait does not sleep past a deadline, and one that has passed does not wait (TMR-007)."""
        agenda = Agenda()
        agenda.call_later(5, int)
        assert 5 == agenda.wait(30)
        assert 1 == agenda.wait(1)
        clock.now += 7
        assert 0 == agenda.wait(30)

    def test_a_call_to_be_made_soon_is_not_waited_for(self) -> None:
        """With a call to make there is no wait."""
        agenda = Agenda()
        agenda.call_soon(int)

        assert 0 == agenda.wait(30)

    def test_cancelled_timers_do_not_wake(self, clock: Clock) -> None:
        """A cancelled timer does not end the wait."""
        agenda = Agenda()
        agenda.call_later(1, int).cancel()
        agenda.call_later(5, int)

        assert 5 == agenda.wait(30)
        assert 1 == len(agenda._heap)


@pytest.mark.parametrize("wrong", [None, 7, "text"])
def test_a_timer_needs_something_to_call(wrong: Any) -> None:
    """A callback that cannot be called is a TypeError that names it."""
    with pytest.raises(TypeError, match=f"something to call, not {wrong!r}"):
        Agenda().call_later(0, wrong)


@pytest.mark.parametrize("wrong", [-1, -0.001, nan])
def test_a_delay_is_not_negative(wrong: float) -> None:
    """A negative delay, or one that is not a number, is a ValueError that names it."""
    with pytest.raises(ValueError, match=f"delay of {wrong!r} seconds is not 0 or more"):
        Agenda().call_later(wrong, int)


def test_a_delay_is_a_number() -> None:
    """A delay of another type is a TypeError."""
    with pytest.raises(TypeError):
        Agenda().call_later("1", int)  # type: ignore[arg-type]
