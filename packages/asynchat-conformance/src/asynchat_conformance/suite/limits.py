"""LIM: limits on input, output and time, and an end that loses nothing."""

from __future__ import annotations

import socket
from time import monotonic
from typing import Any

from .._events import CLOSE, CONNECT, DATA, END, ERROR, Event
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import raises
from .._sockets import tcp_pair

_LIMITS = [Capability.LIMITS]
_TIMED = [Capability.LIMITS, Capability.TIMERS]

_MIB = 1 << 20


def _class(rig: Rig, hooks: dict[str, Any] | None = None, **members: Any) -> Any:
    """Return a recording class with these limits and methods; a recorder has no limits of its own."""
    methods = {name: value for name, value in members.items() if callable(value)}
    recorder = rig.recorder(type("Limited", (rig.backend.async_chat,), methods), **hooks or {})
    recorder.strict_close = False
    for name in members.keys() - methods.keys():
        setattr(recorder, name, members[name])
    return recorder


def _limited(rig: Rig, terminator: Any = b"\n", *, tcp: bool = False, **members: Any) -> Any:
    """Make a recording channel with these limits and methods, and no others."""
    ours, theirs = tcp_pair() if tcp else socket.socketpair()
    channel = _class(rig, **members)(ours, rig.map)
    channel.peer = rig.peer(theirs)
    channel.set_terminator(terminator)
    return channel


def _note(name: str) -> Any:
    """Return a method that records ``name`` and what it was given, as one event."""

    def method(channel: Any, *args: Any) -> None:
        channel.events.append(Event(name, *args))

    return method


def _until_in_spite_of_input(rig: Rig, channel: Any, event: Event) -> None:
    """Poll until the channel is told of ``event``, for some seconds, while its peer sends a byte now and then."""
    end = monotonic() + 5
    while event not in channel.events:
        assert monotonic() < end, f"{event!r} has not come"
        channel.peer.send(b"x")
        rig.poll(0.005)


@check("LIM-001", Level.MUST, needs=_LIMITS)
def a_frame_too_long(rig: Rig) -> None:
    """A frame over max_frame_size is told to handle_frame_too_long at once, before its terminator comes."""
    channel = _limited(rig, max_frame_size=10, handle_frame_too_long=_note("TOO LONG"))

    trace = rig.feed(channel, b"0123456789", b"x")

    rig.expect(trace, [DATA(b"0123456789"), Event("TOO LONG", 11)])


@check("LIM-002", Level.MUST, needs=_LIMITS)
def too_long_closes(rig: Rig) -> None:
    """By default a frame that is too long closes the channel when its output is sent; no more input is delivered."""
    channel = _limited(rig, max_frame_size=10)
    channel.push(b"an answer")

    trace = rig.feed(channel, b"0123456789x\nnext\n")

    rig.expect(trace, [CLOSE])
    rig.expect((rig.drain(channel), channel.peer.at_eof), (b"an answer", True))


@check("LIM-003", Level.MUST, needs=_LIMITS)
def going_on_after_a_frame_too_long(rig: Rig) -> None:
    """A handle_frame_too_long that calls discard_frame() gets the next frame, wherever the stream was cut."""

    def drop(channel: Any, size: int) -> None:
        channel.events.append(Event("TOO LONG"))
        channel.discard_frame()

    for cuts in ([b"0123456789x\nnext\n"], [b"0123456", b"789x", b"yz\nne", b"xt\n"]):
        channel = _limited(rig, max_frame_size=10, handle_frame_too_long=drop)
        rig.expect(rig.feed(channel, *cuts)[-3:], [Event("TOO LONG"), DATA(b"next"), END])
        rig.expect(channel.events.count(END), 1)


@check("LIM-004", Level.MUST, needs=_LIMITS)
def a_frame_of_the_limit(rig: Rig) -> None:
    """A frame of just max_frame_size bytes is no violation, also with None over it, which turns the limit off."""
    for limit in (10, None):
        channel = _limited(rig, max_frame_size=limit)
        trace = rig.feed(channel, b"0123456789\n", b"01234", b"56789", b"\n")
        rig.expect(trace, [DATA(b"0123456789"), END] * 2)


@check("LIM-005", Level.MUST, needs=_LIMITS)
def a_count_too_large(rig: Rig) -> None:
    """A count over max_count is told to handle_frame_too_long, whose default closes; one of just max_count is not."""
    allowed = _limited(rig, 10, max_count=10)
    rig.expect(rig.feed(allowed, b"0123456789"), [DATA(b"0123456789"), END])
    channel = _limited(rig, 11, max_count=10)

    rig.expect(rig.feed(channel, b"0"), [CLOSE])


@check("LIM-006", Level.MUST, needs=_LIMITS)
def the_high_mark(rig: Rig) -> None:
    """push returns False above output_high_mark, where handle_output_paused is called once, and True below it."""
    channel = _limited(
        rig,
        output_high_mark=1000,
        output_low_mark=500,
        handle_output_paused=_note("PAUSED"),
        handle_output_resumed=_note("RESUMED"),
    )
    results = [channel.push(b"x" * 10), channel.push(b"x" * (4 * _MIB)), channel.push(b"x")]
    rig.expect((results, channel.events), ([True, False, False], [Event("PAUSED")]))

    received = rig.drain(channel)

    rig.expect((len(received), channel.events), (4 * _MIB + 11, [Event("PAUSED"), Event("RESUMED")]))
    rig.expect(channel.push(b"x"), True)


@check("LIM-007", Level.MUST, needs=_LIMITS, slow=True)
def a_peer_that_does_not_read(rig: Rig) -> None:
    """Above the high mark nothing is read from the peer; at the low mark reading goes on, and nothing is lost."""
    hooks = {"found": lambda ch: ch.push(b"x" * (4 * _MIB))}
    channel = _limited(rig, output_high_mark=1000, output_low_mark=500, hooks=hooks)
    rig.feed(channel, b"a\n")
    channel.peer.send(b"b\nc\n")
    for _ in range(10):
        rig.poll()
    rig.expect(rig.trace(channel), [DATA(b"a"), END])

    received = rig.drain(channel)

    rig.expect((channel.events.count(END), len(received)), (3, 12 * _MIB))


@check("LIM-008", Level.MUST, needs=_LIMITS)
def too_much_output(rig: Rig) -> None:
    """With more than max_output queued the channel is aborted: one handle_close, and nothing more is kept."""
    channel = _limited(rig, max_output=8 * _MIB)

    for _ in range(20):
        channel.push(b"x" * _MIB)
    rig.settle()

    rig.expect((channel.events, len(rig.map)), ([CLOSE], 0))


@check("LIM-009", Level.MUST, needs=_LIMITS)
def pausing(rig: Rig) -> None:
    """After pause_reading nothing more is read; resume_reading brings it without new peer traffic."""
    channel = _limited(rig, hooks={"found": lambda ch: ch.events.count(END) > 1 or ch.pause_reading()})
    rig.feed(channel, b"a\n")
    channel.peer.send(b"b\nc\n")
    for _ in range(10):
        rig.poll()
    rig.expect(rig.trace(channel), [DATA(b"a"), END])

    channel.resume_reading()
    rig.settle()

    rig.expect(rig.trace(channel), [DATA(b"a"), END, DATA(b"b"), END, DATA(b"c"), END])


@check("LIM-010", Level.MUST, needs=_LIMITS)
def pausing_does_not_spin(rig: Rig) -> None:
    """A channel whose reading is paused still sends, and closes when told to."""
    channel = _limited(rig)
    channel.pause_reading()
    channel.peer.send(b"unread\n")
    channel.push(b"an answer")
    channel.close_when_done()

    rig.expect((rig.drain(channel), channel.peer.at_eof, channel.events), (b"an answer", True, [CLOSE]))


@check("LIM-011", Level.MUST, needs=_LIMITS)
def a_strict_close(rig: Rig) -> None:
    """With strict_close, push on a channel that is closed or closing raises; without it, it returns False."""
    for strict in (True, False):
        closed, closing = (_limited(rig, strict_close=strict) for _ in range(2))
        closed.close()
        closing.push(b"x" * _MIB)
        closing.close_when_done()
        for channel in (closed, closing):
            try:
                refused = channel.push(b"too late") is False
            except Exception:
                rig.expect(strict, True)
            else:
                rig.expect((strict, refused), (False, True))


@check("LIM-012", Level.MUST, needs=_LIMITS)
def a_refused_reply_costs_nothing(rig: Rig) -> None:
    """With strict_close, a reply after the last one, in a callback, does not cost the peer what was queued before."""

    def reply(channel: Any) -> None:
        channel.push(b"bye ")
        channel.close_when_done()

    channel = _limited(rig, strict_close=True, hooks={"found": reply})

    rig.feed(channel, b"quit\nmore\n")

    rig.expect((rig.drain(channel), channel.peer.at_eof), (b"bye ", True))


@check("LIM-013", Level.MUST, needs=_LIMITS)
def aborting(rig: Rig) -> None:
    """abort() drops queued output, resets a TCP connection and calls handle_close once; again it is harmless."""
    channel = _limited(rig, tcp=True)
    channel.push(b"x" * (8 * _MIB))

    channel.abort()
    channel.abort()
    rig.settle()
    channel.peer.receive(16 * _MIB)

    rig.expect((channel.events, channel.peer.was_reset, len(rig.map)), ([CLOSE], True, 0))


@check("LIM-014", Level.MUST, needs=_LIMITS)
def the_end_within_a_frame(rig: Rig) -> None:
    """eof_received is told, before handle_close, of an end within a frame, with the bytes that no callback has seen."""
    channel = _limited(rig, b"\r\n", eof_received=_note("EOF"))
    channel.peer.send(b"half a line\r")
    channel.peer.close()

    rig.settle()

    rig.expect(rig.trace(channel), [DATA(b"half a line"), Event("EOF", b"\r"), CLOSE])


@check("LIM-015", Level.MUST, needs=_LIMITS)
def the_end_between_frames(rig: Rig) -> None:
    """eof_received is not called for an end between two frames."""
    channel = _limited(rig, b"\r\n", eof_received=_note("EOF"))
    channel.peer.send(b"a line\r\n")
    channel.peer.close()

    rig.settle()

    rig.expect(rig.trace(channel), [DATA(b"a line"), END, CLOSE])


@check("LIM-016", Level.MUST, needs=_TIMED, slow=True)
def the_idle_time(rig: Rig) -> None:
    """idle_timeout ends a channel without a byte in either direction, one that never had any too."""
    silent = _limited(rig, idle_timeout=0.03, handle_timeout=_note("TIMEOUT"))
    spoken = _limited(rig, idle_timeout=0.03)
    rig.feed(spoken, b"a\n")

    rig.until(lambda: silent.events and CLOSE in spoken.events, "the time-outs")

    rig.expect(silent.events, [Event("TIMEOUT", "idle")])
    rig.expect(rig.trace(spoken), [DATA(b"a"), END, CLOSE])


@check("LIM-017", Level.MUST, needs=_TIMED, slow=True)
def the_time_of_a_frame(rig: Rig) -> None:
    """frame_timeout ends a channel whose peer sends a byte of one frame now and then."""
    channel = _limited(rig, frame_timeout=0.05, idle_timeout=10, handle_timeout=_note("TIMEOUT"))

    _until_in_spite_of_input(rig, channel, Event("TIMEOUT", "frame"))

    assert Event("TIMEOUT", "idle") not in channel.events


@check("LIM-018", Level.MUST, needs=_TIMED, slow=True)
def whole_frames_have_time(rig: Rig) -> None:
    """frame_timeout does not run between two frames."""
    channel = _limited(rig, frame_timeout=0.02, handle_timeout=_note("TIMEOUT"))
    other = _limited(rig, idle_timeout=0.08, handle_timeout=_note("TIMEOUT"))
    rig.feed(channel, b"a\n")
    rig.feed(other, b"a\n")

    rig.until(lambda: Event("TIMEOUT", "idle") in other.events, "the other channel's time-out")

    rig.expect(rig.trace(channel), [DATA(b"a"), END])


@check("LIM-019", Level.MUST, needs=_TIMED, slow=True)
def the_time_of_the_last_output(rig: Rig) -> None:
    """flush_timeout ends a channel that is closing while its peer takes nothing."""
    channel = _limited(rig, flush_timeout=0.03)
    channel.push(b"x" * (8 * _MIB))
    channel.close_when_done()

    rig.until(lambda: CLOSE in channel.events, "the time-out")

    rig.expect((channel.events, len(rig.map)), ([CLOSE], 0))


@check("LIM-020", Level.MUST, needs=[*_TIMED, Capability.CONNECT], slow=True)
def the_time_to_connect(rig: Rig) -> None:
    """connect_timeout gives up a connection that does not stand in time, and lets one be that does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        early = _unconnected(rig)
        early.connect(listener.getsockname())
        rig.until(lambda: CONNECT in early.events, "the connection")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        for _ in range(3):
            sock = socket.socket()
            rig.peer(sock)
            sock.connect_ex(full.getsockname())
        late = _unconnected(rig)
        late.connect(full.getsockname())
        rig.until(lambda: CLOSE in late.events, "the time-out")

    rig.expect((late.events, CLOSE in early.events[:1]), ([CLOSE], False))


def _unconnected(rig: Rig) -> Any:
    channel = _class(rig, connect_timeout=0.03)(None, rig.map)
    channel.create_socket(socket.AF_INET, socket.SOCK_STREAM)
    return channel


@check("LIM-021", Level.MUST, needs=_TIMED, slow=True)
def a_time_out_may_be_survived(rig: Rig) -> None:
    """A handle_timeout that keeps the channel loses nothing; what it raises goes to handle_error."""
    kept = _limited(rig, idle_timeout=0.02, handle_timeout=_note("TIMEOUT"))
    failing = _limited(rig, idle_timeout=0.02, handle_timeout=raises(ValueError("x")))
    for channel in (kept, failing):
        rig.feed(channel, b"a\n")
    rig.until(lambda: Event("TIMEOUT", "idle") in kept.events and CLOSE in failing.events, "the time-outs")

    rig.expect(failing.events[-2:], [ERROR(ValueError), CLOSE])
    rig.expect([event for event in rig.feed(kept, b"b\n") if event != Event("TIMEOUT", "idle")][-2:], [DATA(b"b"), END])


@check("LIM-022", Level.MUST, needs=_TIMED)
def lingering(rig: Rig) -> None:
    """With linger_timeout a peer that goes on sending after the last reply gets all of it, and then the end."""
    channel = _limited(rig, tcp=True, linger_timeout=5)
    channel.push(b"x" * _MIB)
    channel.close_when_done()
    for _ in range(20):
        channel.peer.send(b"chatter\n" * 1000)
        rig.poll()
        channel.peer.receive(_MIB // 8)
    received = rig.drain(channel)
    before = len(channel.events)
    channel.peer.send(b"chatter\n")
    rig.settle()

    rig.expect((len(received), channel.peer.at_eof, channel.peer.was_reset), (_MIB, True, False))
    rig.expect(channel.events[before:].count(END), 0)
    channel.peer.close()
    rig.until(lambda: CLOSE in channel.events, "handle_close")


@check("LIM-023", Level.MUST, needs=_TIMED, slow=True)
def lingering_ends(rig: Rig) -> None:
    """linger_timeout ends the wait for a peer that never stops."""
    channel = _limited(rig, tcp=True, linger_timeout=0.05)
    channel.peer.send(b"unread\n" * 1000)
    channel.push(b"bye")
    channel.close_when_done()

    _until_in_spite_of_input(rig, channel, CLOSE)

    rig.expect(channel.events.count(CLOSE), 1)


@check("LIM-024", Level.MUST, needs=_TIMED, slow=True)
def closing_ends_the_times(rig: Rig) -> None:
    """A closed channel leaves no time-out behind."""
    channels = [_limited(rig, idle_timeout=0.06, frame_timeout=0.06, handle_timeout=_note("TIMEOUT")) for _ in range(2)]
    other = _limited(rig, idle_timeout=0.15, handle_timeout=_note("TIMEOUT"))
    for channel in (*channels, other):
        channel.peer.send(b"half")
    while not all(channel.events for channel in (*channels, other)):
        rig.poll()
    for channel in channels:
        channel.close()

    rig.until(lambda: Event("TIMEOUT", "idle") in other.events, "the other channel's time-out")

    rig.expect([rig.trace(channel) for channel in channels], [[DATA(b"half")]] * 2)
