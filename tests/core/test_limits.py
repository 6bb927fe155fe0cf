"""Limits on input, output and time: what one peer can cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from asynchat_core import SAFE_DEFAULTS, ChatMixin, SafeLimits
from asynchat_core._limits import check_limits

from .memory import END, Chat, Wire


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


def limited(terminator: Any = b"\n", wire: Any = None, /, **limits: Any) -> Chat:
    """Return a chat with limits."""
    chat = Chat(terminator, wire)
    for name, value in limits.items():
        setattr(chat, name, value)
    return chat


class TestFrames:
    """``max_frame_size`` and ``max_count`` on a channel."""

    @pytest.mark.parametrize(
        ("terminator", "limits", "size"), [(b"\n", {"max_frame_size": 5}, 10), (7, {"max_count": 5}, 7)]
    )
    def test_too_long_ends_the_channel(self, terminator: Any, limits: dict[str, int], size: int) -> None:
        """By default it is logged, nothing more is read, and the channel closes when its output is sent."""
        chat = limited(terminator, Wire(takes=[0]), **limits)
        chat.push(b"reply")
        chat.read(b"0123456789", b"\nab\n")
        assert [] == chat.trace
        assert f"error: a frame of {size} bytes is over the limit, closing {chat!r}" in chat.logged

        chat.handle_write()
        assert b"reply" == chat.wire.output
        assert ["close"] == chat.trace

    def test_an_override_may_go_on(self) -> None:
        """A handler that discards the frame gets the next one."""

        class Patient(Chat):
            def handle_frame_too_long(self, size: int) -> None:
                self.trace.append(f"too long: {size}")
                self.discard_frame()

        chat = Patient(b"\n")
        chat.max_frame_size = 5
        chat.read(b"012345", b"6\nab\n")

        assert ["too long: 6", b"ab", END] == chat.trace


class TestOutput:
    """``output_high_mark``, ``output_low_mark`` and ``max_output``."""

    def test_above_the_mark_reading_pauses(self) -> None:
        """With more queued than the high mark push says False, the program is told once, nothing more is read."""
        chat = limited(b"\n", Wire(takes=[0]), output_high_mark=10, output_low_mark=4)

        assert chat.push(b"x" * 10) is True
        assert chat.push(b"x") is False
        assert chat.push(b"x") is False
        assert ["paused"] == chat.trace
        assert not chat.readable()

    def test_at_the_low_mark_it_goes_on(self) -> None:
        """With no more queued than the low mark the program is told, and reading goes on."""
        chat = limited(b"\n", Wire(takes=[0, 6, 3]), output_high_mark=10, output_low_mark=4)
        chat.push(b"x" * 12)
        chat.handle_write()
        assert not chat.readable()

        chat.handle_write()
        assert ["paused", "resumed"] == chat.trace
        assert chat.readable()
        assert chat.push(b"x") is True

    def test_without_a_low_mark_it_waits_for_the_last_byte(self) -> None:
        """With a high mark only reading goes on when all is sent."""
        chat = limited(b"\n", Wire(takes=[0, 11]), output_high_mark=10)
        chat.push(b"x" * 12)
        chat.handle_write()
        assert ["paused"] == chat.trace

        chat.handle_write()
        assert ["paused", "resumed"] == chat.trace

    def test_frames_that_are_here_wait_too(self) -> None:
        """The frames of a read behind the one whose reply was too much come when there is room."""
        chat = limited(b"\n", Wire(takes=[0]), output_high_mark=10, output_low_mark=4)
        chat.frames_per_turn = 1
        chat.callbacks["found"] = lambda chat: chat.push(b"x" * 12)
        chat.read(b"a\nb\n")
        assert [b"a", END, "paused"] == chat.trace
        assert 0 == chat.reading_on

        chat.handle_write()
        assert "resumed" == chat.trace[3]
        assert 1 == chat.reading_on

    def test_a_push_in_the_middle_says_so_too(self) -> None:
        """While reading is paused and the queue between the marks, push says False."""
        chat = limited(b"\n", Wire(takes=[0, 6, 0]), output_high_mark=10, output_low_mark=4)
        chat.push(b"x" * 12)
        chat.handle_write()

        assert chat.push(b"x") is False
        assert chat.push_with_producer(b"x") is False

    def test_over_the_hard_limit_the_channel_is_given_up(self) -> None:
        """With more queued than max_output the channel is aborted, and that is logged."""
        chat = limited(b"\n", Wire(takes=[0]), output_high_mark=10, max_output=20)
        for _ in range(3):
            chat.push(b"x" * 8)

        assert ["paused", "close"] == chat.trace
        assert chat.logged[0].startswith("error: 24 bytes of output queued are over the limit of 20, closing <")

    def test_the_hard_limit_stands_alone(self) -> None:
        """max_output works without the marks."""
        chat = limited(b"\n", Wire(takes=[0]), max_output=20)
        chat.push(b"x" * 15)
        assert [] == chat.trace
        chat.push(b"x" * 15)

        assert ["close"] == chat.trace


class TestTime:
    """Time-outs, on a clock that is turned by hand."""

    @pytest.mark.parametrize(
        ("kind", "start"),
        [
            ("idle", lambda chat: chat.read(b"a\n")),
            ("frame", lambda chat: chat.read(b"a")),
            ("flush", lambda chat: (chat.push(b"a"), chat.close_when_done())),
        ],
    )
    def test_too_late_is_the_end(self, clock: Clock, kind: str, start: Callable[[Chat], object]) -> None:
        """When its time has passed handle_timeout is called with the kind, and by default the channel is aborted."""
        chat = limited(b"\n", Wire(takes=[0]), **{f"{kind}_timeout": 5.0})
        start(chat)
        clock.turn(chat, 4.9)
        assert f"time-out: {kind}" not in chat.trace

        clock.turn(chat, 0.2)
        assert [f"time-out: {kind}", "close"] == chat.trace[-2:]
        assert f"error: {kind} time-out after 5.0 s, closing" in chat.logged[-1]

    def test_input_and_output_keep_a_channel_from_being_idle(self, clock: Clock) -> None:
        """Each byte in either direction starts the idle time anew."""
        chat = limited(idle_timeout=5.0)
        chat.read(b"a\n")
        for _ in range(3):
            clock.turn(chat, 4)
            chat.read(b"a\n")
            clock.turn(chat, 4)
            chat.push(b"b")
        assert "time-out: idle" not in chat.trace

        clock.turn(chat, 5)
        assert "time-out: idle" in chat.trace

    def test_a_slow_frame_is_not_saved_by_its_bytes(self, clock: Clock) -> None:
        """Bytes of the same frame do not start its time anew."""
        chat = limited(frame_timeout=5.0)
        for _ in range(6):
            chat.read(b"a")
            clock.turn(chat, 1)

        assert [b"a"] * 5 + ["time-out: frame", "close"] == [event for event in chat.trace if event != "eof"][:7]

    def test_each_frame_has_its_own_time(self, clock: Clock) -> None:
        """A frame that ends, and one that begins then, start anew; between frames nothing runs."""
        chat = limited(frame_timeout=5.0)
        for _ in range(5):
            chat.read(b"a\nb")
            clock.turn(chat, 4)
        chat.read(b"\n")
        clock.turn(chat, 100)

        assert "time-out: frame" not in chat.trace

    def test_a_count_is_a_frame_from_the_start(self, clock: Clock) -> None:
        """A count that was set is awaited: its time runs before its first byte."""
        chat = limited(b"\n", frame_timeout=5.0)
        chat.callbacks["found"] = lambda chat: chat.set_terminator(10)
        chat.read(b"10\n")
        clock.turn(chat, 5)

        assert "time-out: frame" in chat.trace

    def test_progress_keeps_the_last_output_alive(self, clock: Clock) -> None:
        """While the peer takes something of the last output, the flush time starts anew."""
        chat = limited(b"\n", Wire(takes=[0, 1, 1, 1]), flush_timeout=5.0)
        chat.push(b"abcdef")
        chat.close_when_done()
        for _ in range(3):
            clock.turn(chat, 4)
            chat.handle_write()
        assert [] == chat.trace

        clock.turn(chat, 5)
        assert ["time-out: flush", "close"] == chat.trace

    def test_discarded_output_is_not_waited_for(self, clock: Clock) -> None:
        """discard_buffers takes back close_when_done, and its time."""
        chat = limited(b"\n", Wire(takes=[0]), flush_timeout=5.0)
        chat.push(b"a")
        chat.close_when_done()
        chat.discard_buffers()
        clock.turn(chat, 100)

        assert [] == chat.trace

    def test_an_override_may_keep_the_channel(self, clock: Clock) -> None:
        """A handler that does not close gets the next time-out of that kind when it is due again."""

        class Patient(Chat):
            def handle_timeout(self, kind: str) -> None:
                self.trace.append(kind)

        chat = Patient(b"\n")
        chat.idle_timeout = 5.0
        chat.read(b"a\n")
        clock.turn(chat, 6)
        assert "idle" == chat.trace[-1]
        chat.read(b"b\n")
        clock.turn(chat, 6)

        assert [b"a", END, "idle", b"b", END, "idle"] == chat.trace
        assert not chat.wire.closed

    def test_what_the_handler_raises_is_the_channel_s(self, clock: Clock) -> None:
        """An exception in handle_timeout goes to handle_error."""

        class Fails(Chat):
            def handle_timeout(self, kind: str) -> None:
                raise ValueError(kind)

        chat = Fails(b"\n")
        chat.idle_timeout = 5.0
        chat.read(b"a\n")
        clock.turn(chat, 6)

        assert "error: ValueError('idle')" == chat.trace[-1]

    def test_the_first_of_several_ends_it(self, clock: Clock) -> None:
        """When two are due at once, the channel that the first one closed gets no second."""
        chat = limited(idle_timeout=5.0, frame_timeout=5.0)
        chat.read(b"a")
        clock.turn(chat, 6)

        assert 1 == sum(str(event).startswith("time-out") for event in chat.trace)

    def test_the_shorter_one_comes_first(self, clock: Clock) -> None:
        """A time-out that begins later and is shorter is not missed."""
        chat = limited(b"\n", Wire(takes=[0]), idle_timeout=100.0, flush_timeout=5.0)
        chat.read(b"a\n")
        chat.push(b"a")
        chat.close_when_done()
        clock.turn(chat, 5)

        assert "time-out: flush" in chat.trace

    def test_a_limit_taken_away_is_none(self, clock: Clock) -> None:
        """A limit set to None while its time runs never comes."""
        chat = limited(b"\n", idle_timeout=5.0)
        chat.read(b"a\n")
        chat.idle_timeout = None
        clock.turn(chat, 100)

        assert [b"a", END] == chat.trace

    def test_closing_ends_all_times(self, clock: Clock) -> None:
        """A closed channel leaves no timer behind."""
        chat = limited(b"\n", idle_timeout=5.0)
        chat.read(b"a\n")
        assert chat.agenda
        chat.close()

        assert not chat.agenda

    def test_lingering_ends_quietly(self, clock: Clock) -> None:
        """A peer that still sends after the last reply is left when the linger time is over, without handle_timeout."""
        chat = limited(b"\n", linger_timeout=5.0)
        chat._ac_shut_write = lambda: True
        chat._ac_drain_input = lambda: 1
        chat.push(b"reply")
        chat.close_when_done()
        chat.handle_write()
        chat.read(b"more\n")
        assert [] == chat.trace

        clock.turn(chat, 5)
        assert ["close"] == chat.trace

    def test_a_connection_has_its_time(self, clock: Clock) -> None:
        """A connection that does not stand in time is given up; one that does starts the idle time."""

        class Connecting(Wire):
            def connect_ex(self, address: Any) -> int:
                return 115

            def getsockopt(self, *option: int) -> int:
                return 0

        chat = limited(b"\n", Connecting(), connect_timeout=5.0, idle_timeout=50.0)
        chat.connect(("127.0.0.1", 1))
        clock.turn(chat, 4)
        chat.handle_connect_event()
        clock.turn(chat, 40)
        assert [] == chat.trace
        clock.turn(chat, 10)
        assert ["time-out: idle", "close"] == chat.trace

        chat = limited(b"\n", Connecting(), connect_timeout=5.0)
        chat.connect(("127.0.0.1", 1))
        clock.turn(chat, 5)
        assert ["time-out: connect", "close"] == chat.trace

    @pytest.mark.parametrize("timeout", [None, 60])
    def test_a_connection_made_at_once_needs_none(self, clock: Clock, timeout: float | None) -> None:
        """Where connect() succeeds on the spot only the idle time runs, if there is one."""

        class Instant(Wire):
            def connect_ex(self, address: Any) -> int:
                return 0

            def getsockopt(self, *option: int) -> int:
                return 0

        chat = limited(b"\n", Instant(), connect_timeout=5, idle_timeout=timeout)
        chat.connect(("198.51.100.1", 7))
        clock.turn(chat, 30)
        assert chat.connected
        assert [] == chat.trace

        clock.turn(chat, 31)
        assert bool(timeout) == ("time-out: idle" in chat.trace)

    def test_a_peer_that_never_sends_is_idle(self, clock: Clock) -> None:
        """The idle time of a channel that was made connected runs from then on."""
        chat = limited(idle_timeout=60)
        chat._ac_begin_idle()
        clock.turn(chat, 61)

        assert ["time-out: idle", "close"] == chat.trace

    def test_without_a_limit_it_may_wait_for_ever(self, clock: Clock) -> None:
        """No limit, no clock."""
        chat = limited()
        chat._ac_begin_idle()
        clock.turn(chat, 1e6)

        assert [] == chat.trace


class TestDefaults:
    """Which limits there are at first."""

    def test_the_mixin_has_none(self) -> None:
        """Old programs get no limit that they did not set."""
        assert all(not getattr(ChatMixin, name) for name in SAFE_DEFAULTS)

    def test_the_safe_ones_are_a_class_too(self) -> None:
        """SafeLimits before the mixin gives a channel each of SAFE_DEFAULTS."""

        class Safe(SafeLimits, Chat):
            pass

        assert dict(SAFE_DEFAULTS) == {name: getattr(Safe, name) for name in SAFE_DEFAULTS}

    def test_they_agree_with_themselves(self) -> None:
        """The defaults pass their own check."""
        check_limits(dict(SAFE_DEFAULTS))

    @pytest.mark.parametrize(
        ("limits", "message"),
        [
            ({"max_frame_size": 0}, "max_frame_size = 0 is not a positive number of bytes; None turns the limit off"),
            ({"idle_timeout": -1}, "idle_timeout = -1 is not a positive number of seconds"),
            ({"max_output": "many"}, "max_output = 'many' is not"),
            ({"output_low_mark": 5, "output_high_mark": 4}, "output_low_mark = 5 is above output_high_mark = 4"),
        ],
    )
    def test_wrong_limits_are_refused(self, limits: dict[str, Any], message: str) -> None:
        """A limit that is not positive, or a low mark above the high one, is a ValueError that names them."""
        with pytest.raises(ValueError, match=message):
            check_limits(limits)

    def test_none_turns_a_limit_off(self) -> None:
        """None is a value for each of them."""
        check_limits(dict.fromkeys(SAFE_DEFAULTS))


def test_the_hooks_do_nothing_by_themselves() -> None:
    """A program defines only the hooks that it wants."""

    class Plain(Chat):
        handle_output_paused = ChatMixin.handle_output_paused
        handle_output_resumed = ChatMixin.handle_output_resumed
        eof_received = ChatMixin.eof_received

    chat = Plain(b"\r\n", Wire(takes=[0]))
    chat.output_high_mark = 1
    chat.push(b"ab")
    chat.handle_write()
    chat.read(b"a\r", b"")

    assert [b"a", "close"] == chat.trace


class TestShutdown:
    """``handle_shutdown``, and whether a channel is at rest when a server stops."""

    def test_it_closes_when_all_is_sent(self) -> None:
        """What is queued leaves before the channel closes; input that comes meanwhile is dropped."""
        chat = limited(b"\n", Wire(takes=[0]))
        chat.push(b"reply")
        chat.handle_shutdown()
        chat.read(b"late\n")
        assert [] == chat.trace

        chat.handle_write()
        assert b"reply" == chat.wire.output
        assert ["close"] == chat.trace

    @pytest.mark.parametrize(
        ("terminator", "data", "recently", "at_rest"),
        [
            (b"\n", b"", True, True),
            (b"\n", b"a\n", True, True),
            (b"\n", b"a\npart", True, False),
            (b"\r\n", b"a\r\n\r", True, False),
            (3, b"", True, True),
            (3, b"ab", False, False),
            (None, b"anything", True, True),
        ],
    )
    def test_between_two_frames_it_is_at_rest(
        self, terminator: Any, data: bytes, recently: bool, at_rest: bool
    ) -> None:
        """A channel is at rest unless a frame has begun; a stream without an end never has one."""
        chat = limited(terminator)
        chat.read(*([data] if data else []))
        assert at_rest is chat._ac_is_at_rest(chat._ac_frames_ended(), recently)

    def test_a_body_may_follow_its_header(self) -> None:
        """While a count is awaited after a frame it is not at rest, but for a moment only."""
        chat = limited(b"\n")
        chat.read(b"header\n")
        chat.set_terminator(10)
        assert not chat._ac_is_at_rest(1, True)
        assert chat._ac_is_at_rest(1, False)

    def test_a_frame_that_has_ended_since_is_enough(self) -> None:
        """With a frame ended since the stop began the next one is not waited for, but at the beginning of the stop."""
        chat = limited(b"\n")
        chat.read(b"a\npart")
        assert not chat._ac_is_at_rest(1, False)
        assert not chat._ac_is_at_rest(0, True)
        assert chat._ac_is_at_rest(0, False)

    def test_frames_that_wait_are_not_rest(self) -> None:
        """Frames that were read and not delivered are delivered first."""
        chat = limited(b"\n", frames_per_turn=1)
        chat.read(b"a\nb\nc\n")
        assert not chat._ac_is_at_rest(0, False)
