"""ERR: what callbacks raise."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

from .._events import CLOSE, DATA, END, ERROR
from .._registry import Capability, Level, check
from .._rig import Rig
from .._scripts import raises

_DISCONNECTED = (
    errno.ECONNRESET,
    errno.ENOTCONN,
    errno.ESHUTDOWN,
    errno.ECONNABORTED,
    errno.EPIPE,
    errno.EBADF,
)


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _keep(channel: Any) -> None:
    """A handle_error that keeps the channel."""


def _once(error: Exception) -> Any:
    """Return a callback that raises the first time only."""
    errors = [error]

    def callback(*args: Any) -> None:
        if errors:
            raise errors.pop()

    return callback


@check("ERR-001", Level.MUST)
def found_raising(rig: Rig) -> None:
    """found_terminator raising reaches handle_error once; the default closes."""
    channel = rig.chat(b"\n", found=raises(ValueError("x")))

    rig.expect(rig.feed(channel, b"a\n"), [DATA(b"a"), END, ERROR(ValueError), CLOSE])
    assert len(rig.map) == 0


@check("ERR-002", Level.MUST)
def collect_raising(rig: Rig) -> None:
    """collect_incoming_data raising reaches handle_error once; the default closes."""
    channel = rig.chat(b"\n", collect=raises(ValueError("x")))

    rig.expect(rig.feed(channel, b"a\n"), [DATA(b"a"), ERROR(ValueError), CLOSE])


@check("ERR-003", Level.MUST, needs=[Capability.CONNECT, Capability.LISTEN])
def other_handlers_raising(rig: Rig) -> None:
    """handle_connect, handle_write and handle_expt raising reach handle_error once."""
    listener = rig.listener(accepted=lambda ch, sock, addr: sock.close())
    client = rig.client(connect=raises(ValueError("x")))
    client.connect(listener.address)
    rig.until(lambda: ERROR(ValueError) in client.events, "the error of handle_connect")
    writer = rig.plain(write=raises(KeyError("x")), writable=lambda ch: True)
    rig.until(lambda: ERROR(KeyError) in writer.events, "the error of handle_write")
    rig.settle()

    rig.expect(client.events.count(ERROR(ValueError)), 1)
    rig.expect(writer.events.count(ERROR(KeyError)), 1)


@check("ERR-004", Level.MUST)
def the_exception_is_at_hand(rig: Rig) -> None:
    """Inside handle_error, sys.exc_info() is the original exception."""
    error, seen = ValueError("x"), []
    channel = rig.chat(b"\n", found=raises(error), error=lambda ch: seen.append(sys.exc_info()[1]))

    rig.feed(channel, b"\n")

    assert seen == [error]


@check("ERR-005", Level.MUST)
def other_channels_go_on(rig: Rig) -> None:
    """One failing channel does not stop the others in the same poll."""
    channels = [rig.chat(b"\n", found=raises(ValueError("x")) if number % 2 else None) for number in range(6)]
    for channel in channels:
        channel.peer.send(b"a\n")

    rig.settle()

    rig.expect([END in channel.events for channel in channels], [True] * 6)


@check("ERR-006", Level.MUST)
def what_ends_the_program_leaves_poll(rig: Rig) -> None:
    """KeyboardInterrupt and SystemExit leave poll at once, and the map stays usable."""
    for kind in (KeyboardInterrupt, SystemExit):
        channel = rig.chat(b"\n", found=_once(kind()))  # type: ignore[arg-type]
        channel.peer.send(b"a\n")
        try:
            rig.settle()
        except kind:
            pass
        else:
            raise AssertionError(f"{kind.__name__} did not leave poll")
        rig.expect(rig.feed(channel, b"b\n")[-2:], [DATA(b"b"), END])


@check("ERR-007", Level.COMPAT, needs=["ExitNow"])
def exit_now_leaves_poll(rig: Rig) -> None:
    """ExitNow leaves poll."""
    channel = rig.chat(b"\n", found=raises(rig.backend.ExitNow("x")))
    channel.peer.send(b"a\n")

    try:
        rig.settle()
    except rig.backend.ExitNow:
        return
    raise AssertionError("ExitNow did not leave poll")


@check("ERR-008", Level.MUST, needs=[Capability.READINESS])
def a_lost_connection_is_no_error(rig: Rig) -> None:
    """recv failing with ECONNRESET, ENOTCONN, ESHUTDOWN, ECONNABORTED, EPIPE or EBADF goes to handle_close."""
    for number in _DISCONNECTED:
        channel = rig.chat(recvs=[_os_error(number)])
        channel.peer.send(b"a")
        rig.settle()
        rig.expect(rig.trace(channel), [CLOSE])


@check("ERR-009", Level.MUST, needs=[Capability.READINESS])
def another_failure_of_recv_is_an_error(rig: Rig) -> None:
    """recv failing with EIO goes to handle_error."""
    channel = rig.chat(recvs=[_os_error(errno.EIO)])
    channel.peer.send(b"a")

    rig.settle()

    rig.expect(rig.trace(channel), [ERROR(OSError), CLOSE])


@check("ERR-010", Level.MUST, needs=[Capability.READINESS])
def nothing_to_read_is_ignored(rig: Rig) -> None:
    """BlockingIOError from recv is ignored."""
    channel = rig.chat(recvs=[BlockingIOError(errno.EAGAIN, "x")])

    rig.expect(rig.feed(channel, b"a\n"), [DATA(b"a"), END])


@check("ERR-011", Level.MUST, needs=[Capability.READINESS])
def a_broken_pipe_closes_once(rig: Rig) -> None:
    """send failing with EPIPE leads to one handle_close."""
    channel = rig.chat(sends=[_os_error(errno.EPIPE)])

    channel.push(b"a")
    rig.settle()

    rig.expect(rig.trace(channel), [CLOSE])


@check("ERR-012", Level.MUST, needs=[Capability.READINESS])
def another_failure_of_send_is_an_error(rig: Rig) -> None:
    """send failing with EIO goes to handle_error."""
    channel = rig.chat(sends=[_os_error(errno.EIO)])

    channel.push(b"a")
    rig.settle()

    rig.expect(rig.trace(channel), [ERROR(OSError), CLOSE])


@check("ERR-013", Level.SHOULD)
def no_byte_comes_twice(rig: Rig) -> None:
    """A kept channel does not get the same bytes again after collect_incoming_data raised."""
    channel = rig.chat(b"\n", collect=_once(ValueError("x")), error=_keep)

    trace = rig.feed(channel, b"a\n", b"b\n")

    rig.expect([event for event in trace if event.name == "DATA"], [DATA(b"a"), DATA(b"b")])


@check("ERR-014", Level.SHOULD)
def later_frames_still_come(rig: Rig) -> None:
    """A kept channel gets its remaining frames without new peer traffic after found_terminator raised."""
    channel = rig.chat(b"\n", found=_once(ValueError("x")), error=_keep)

    rig.expect(
        rig.feed(channel, b"a\nb\nc\n"),
        [DATA(b"a"), END, ERROR(ValueError), DATA(b"b"), END, DATA(b"c"), END],
    )


@check("ERR-015", Level.SHOULD)
def predicates_raising(rig: Rig) -> None:
    """readable() or writable() raising hurts only its channel."""
    healthy = rig.chat()
    broken = [rig.plain(readable=raises(ValueError("x"))), rig.plain(writable=raises(ValueError("x")))]

    trace = rig.feed(healthy, b"a\n")

    rig.expect(trace, [DATA(b"a"), END])
    rig.expect([ERROR(ValueError) in channel.events for channel in broken], [True, True])


@check("ERR-016", Level.COMPAT)
def handle_error_raising_leaves_poll(rig: Rig) -> None:
    """handle_error raising leaves poll, and the map stays usable."""
    channel = rig.chat(b"\n", found=_once(ValueError("x")), error=raises(KeyError("y")))
    channel.peer.send(b"a\n")

    try:
        rig.settle()
    except KeyError:
        pass
    else:
        raise AssertionError("the exception of handle_error did not leave poll")

    rig.expect(rig.feed(channel, b"b\n")[-1:], [END])


@check("ERR-017", Level.MUST)
def handle_close_raising(rig: Rig) -> None:
    """handle_close raising is contained, and other channels live."""
    closes = [ValueError("x")]

    def fail_once(channel: Any) -> None:
        if closes:
            raise closes.pop()
        channel.close()

    failing = rig.chat(close=fail_once)
    healthy = rig.chat()
    failing.peer.close()

    trace = rig.feed(healthy, b"a\n")

    rig.expect(trace, [DATA(b"a"), END])


@check("ERR-018", Level.SHOULD, needs=[Capability.LISTEN])
def a_failing_handler_keeps_the_listener(rig: Rig) -> None:
    """handle_accepted raising does not close the listener."""
    taken: list[Any] = []

    def take(listener: Any, sock: Any, addr: Any) -> None:
        sock.close()
        taken.append(addr)
        if len(taken) == 1:
            raise ValueError("x")

    listener = rig.listener(accepted=take)
    rig.dial(listener)
    rig.until(lambda: taken, "the first connection")
    rig.settle()
    rig.dial(listener)
    rig.until(lambda: len(taken) == 2, "a connection after the handler failed")


@check("ERR-019", Level.MUST)
def the_default_logs_what_happened(rig: Rig) -> None:
    """The default handle_error logs type, value and place through log_info(message, "error")."""
    channel = rig.chat(b"\n", found=raises(ValueError("a reason")))

    rig.feed(channel, b"\n")

    messages = [message for kind, message in channel.logs if kind == "error"]
    assert len(messages) == 1, channel.logs
    assert all(part in messages[0] for part in ("ValueError", "a reason", "_scripts.py")), messages[0]


@check("ERR-020", Level.MUST)
def a_crashing_repr_is_survived(rig: Rig) -> None:
    """A crashing __repr__ does not stop handle_error."""
    channel = rig.chat(b"\n", found=raises(ValueError("x")))
    type(channel).__repr__ = raises(KeyError("no name"))

    trace = rig.feed(channel, b"\n")

    rig.expect(trace[-2:], [ERROR(ValueError), CLOSE])


@check("ERR-021", Level.MUST)
def no_exception_is_lost(rig: Rig) -> None:
    """No exception is lost: each one shows in handle_error, in a log line, or leaves poll."""
    seen = []
    for hook in ("collect", "found"):
        channel = rig.chat(b"\n", **{hook: raises(ValueError("x"))})
        seen.append(ERROR(ValueError) in rig.feed(channel, b"a\n"))
    channel = rig.chat(close=raises(ValueError("x")))
    channel.peer.close()
    try:
        rig.settle()
        seen.append(ERROR(ValueError) in channel.events or bool(channel.logs))
    except ValueError:
        seen.append(True)
    channel.__class__.handle_close = lambda self: self.close()

    rig.expect(seen, [True, True, True])


@check("ERR-022", Level.MUST)
def the_program_is_told(rig: Rig) -> None:
    """No exception is routed only to the loop's own exception handler: handle_error is told of each."""
    channel = rig.chat(b"\n", found=raises(ValueError("x")), error=_keep)

    trace = rig.feed(channel, b"\n", b"\n", b"\n")

    rig.expect(trace.count(ERROR(ValueError)), 3)


@check("ERR-023", Level.SHOULD)
def errors_in_log_info(rig: Rig) -> None:
    """An error in log_info does not stop the close."""
    channel = rig.chat(b"\n", found=raises(ValueError("x")))
    type(channel).log_info = raises(KeyError("no log"))
    channel.peer.send(b"\n")

    rig.settle()

    assert len(rig.map) == 0
