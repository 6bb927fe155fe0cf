"""TMR: call_later."""

from __future__ import annotations

from time import monotonic
from typing import Any
from unittest import mock

from .._events import DATA, END
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import raises

_TIMERS: list[Capability | str] = [Capability.TIMERS, "call_later"]


def _later(rig: Rig, delay: float, callback: Any, *args: Any) -> Any:
    return rig.backend.call_later(delay, callback, *args, map=rig.map)


@check("TMR-001", Level.MUST, needs=_TIMERS)
def once_and_not_early(rig: Rig) -> None:
    """A timer fires once, with its arguments, and not early."""
    fired: list[Any] = []
    begin = monotonic()
    _later(rig, 0.02, lambda *args: fired.append((args, monotonic() - begin >= 0.02)), 1, 2)

    rig.until(lambda: fired, "the timer")
    rig.settle()

    rig.expect(fired, [((1, 2), True)])


@check("TMR-002", Level.MUST, needs=_TIMERS, slow=True)
def the_order(rig: Rig) -> None:
    """Timers fire in the order of their deadlines, those of one deadline in the order in which they were made."""
    fired: list[str] = []
    for delay, name in ((0.16, "last"), (0.08, "middle"), (0.0, "first"), (0.0, "second"), (0.0, "third")):
        _later(rig, delay, fired.append, name)

    rig.until(lambda: len(fired) == 5, "all timers")

    rig.expect(fired, ["first", "second", "third", "middle", "last"])


@check("TMR-003", Level.MUST, needs=_TIMERS)
def cancelling(rig: Rig) -> None:
    """A timer may be cancelled before, twice, and inside its callback or another's."""
    fired: list[str] = []
    timers: dict[str, Any] = {}

    def fire(name: str) -> None:
        fired.append(name)
        timers["self"].cancel()
        timers["other"].cancel()

    timers["before"] = _later(rig, 0, fired.append, "before")
    timers["self"] = _later(rig, 0, fire, "self")
    timers["other"] = _later(rig, 0, fired.append, "other")
    timers["before"].cancel()
    timers["before"].cancel()
    _later(rig, 0.01, fired.append, "end")

    rig.until(lambda: "end" in fired, "the last timer")

    rig.expect(fired, ["self", "end"])


@check("TMR-004", Level.MUST, needs=_TIMERS)
def delay_zero(rig: Rig) -> None:
    """A timer with delay 0 that a timer makes runs in the next poll, not in this one."""
    fired: list[int] = []

    def again() -> None:
        fired.append(len(fired))
        _later(rig, 0, again)

    first = rig.chat()
    _later(rig, 0, again)
    counts = []
    for _ in range(3):
        rig.poll()
        counts.append(len(fired))
    first.close()

    rig.expect(counts, [1, 2, 3])


@check("TMR-005", Level.MUST, needs=_TIMERS)
def a_raising_timer(rig: Rig) -> None:
    """A timer that raises stops neither the loop nor the timers after it."""
    fired: list[str] = []
    _later(rig, 0, raises(ValueError("x")))
    _later(rig, 0, fired.append, "next")
    channel = rig.chat(b"\n")

    rig.expect(rig.feed(channel, b"a\n"), [DATA(b"a"), END])
    rig.expect(fired, ["next"])


@check("TMR-006", Level.MUST, needs=_TIMERS)
def timers_use_channels(rig: Rig) -> None:
    """A timer may close a channel and push on one."""
    closed, pushed = rig.chat(), rig.chat()
    _later(rig, 0, closed.close)
    _later(rig, 0, pushed.push, b"tick")

    rig.expect(rig.drain(pushed), b"tick")
    closed.peer.receive()
    rig.expect((closed.peer.at_eof, len(rig.map)), (True, 1))


@check("TMR-007", Level.MUST, needs=_TIMERS)
def poll_wakes_for_a_timer(rig: Rig) -> None:
    """poll does not sleep past a deadline."""
    rig.chat()
    fired: list[int] = []
    _later(rig, 0.02, fired.append, 1)
    begin = monotonic()

    while not fired and monotonic() < begin + 5:
        rig.poll(5)

    assert monotonic() < begin + 5


@check("TMR-008", Level.SHOULD, needs=_TIMERS)
def the_wall_clock(rig: Rig) -> None:
    """A jump of the wall clock neither hastens nor delays a timer."""
    fired: list[str] = []
    with mock.patch("time.time", return_value=4e9):
        _later(rig, 60, fired.append, "late")
        _later(rig, 0.01, fired.append, "soon")
    with mock.patch("time.time", return_value=0.0):
        rig.until(lambda: fired, "the timer, with the clock set back")
    with mock.patch("time.time", return_value=8e9):
        rig.settle()

    rig.expect(fired, ["soon"])


@check("TMR-009", Level.SHOULD, needs=_TIMERS)
def many_timers(rig: Rig) -> None:
    """1 000 timers all fire but for those that were cancelled, those of one delay in order."""
    fired: list[int] = []
    timers = [_later(rig, (number % 10) / 1000, fired.append, number) for number in range(1000)]
    for timer in timers[::2]:
        timer.cancel()

    rig.until(lambda: len(fired) >= 500, "500 timers")
    rig.settle()

    rig.expect(sorted(fired), list(range(1, 1000, 2)))
    rig.expect([number for number in fired if number % 10 == 7], list(range(7, 1000, 10)))


@check("TMR-010", Level.MUST, needs=[*_TIMERS, "loop"])
def a_timer_keeps_the_loop(rig: Rig) -> None:
    """A timer alone keeps loop() running, which ends when it has fired."""
    fired: list[int] = []
    _later(rig, 0.01, fired.append, 1)

    rig.backend.loop(5, map=rig.map)

    rig.expect(fired, [1])


@check("TMR-011", Level.MUST, needs=[*_TIMERS, "loop"], slow=True)
def near_timers(rig: Rig) -> None:
    """loop() misses no timer, however near its deadline is when the loop begins to wait."""
    fired: list[int] = []
    for number in range(100):
        _later(rig, number * 0.00003, fired.append, number)
        rig.backend.loop(30, map=rig.map)

    rig.expect(fired, list(range(100)))
