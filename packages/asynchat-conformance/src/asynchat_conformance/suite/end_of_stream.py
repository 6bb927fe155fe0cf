"""EOF and HCL: the peer leaves, wholly or by half."""

from __future__ import annotations

import socket

from .._events import CLOSE, DATA, END
from .._registry import Capability, Level, check
from .._rig import Rig


@check("EOF-001", Level.MUST)
def end_within_a_frame(rig: Rig) -> None:
    """At an end of the stream within a frame its data is delivered, no found_terminator, and one handle_close."""
    channel = rig.chat(b"\n")
    channel.peer.send(b"half a line")
    channel.peer.close()

    rig.settle()

    rig.expect(rig.trace(channel), [DATA(b"half a line"), CLOSE])


@check("EOF-002", Level.MUST)
def end_within_a_count(rig: Rig) -> None:
    """At an end of the stream within a count its data is delivered, no found_terminator, and one handle_close."""
    channel = rig.chat(10)
    channel.peer.send(b"half")
    channel.peer.close()

    rig.settle()

    rig.expect(rig.trace(channel), [DATA(b"half"), CLOSE])


@check("EOF-003", Level.MUST)
def end_after_a_frame(rig: Rig) -> None:
    """At an end of the stream right after a terminator the frame comes first, then handle_close."""
    channel = rig.chat(b"\n")
    channel.peer.send(b"line\n")
    channel.peer.close()

    rig.settle()

    rig.expect(rig.trace(channel), [DATA(b"line"), END, CLOSE])


@check("EOF-004", Level.MUST)
def end_before_any_byte(rig: Rig) -> None:
    """A stream without a byte ends in one handle_close."""
    channel = rig.chat()
    channel.peer.close()

    rig.settle()

    rig.expect(rig.trace(channel), [CLOSE])


@check("EOF-005", Level.MUST)
def every_byte_is_delivered(rig: Rig) -> None:
    """Every byte that the peer sent before it closed is delivered, for any ac_in_buffer_size."""
    stream = bytes(range(256)) * 40
    for size in (1, 7, 4096, 65536):
        for tcp in (False, True):
            channel = rig.chat(None, tcp=tcp, attributes={"ac_in_buffer_size": size})
            rest = stream[: 300 if size < 10 else None]
            channel.peer.send(rest)
            channel.peer.close()
            rig.until(lambda: CLOSE in channel.events, "handle_close")  # noqa: B023
            rig.expect(rig.trace(channel), [DATA(rest), CLOSE])


@check("EOF-006", Level.MUST)
def handle_close_runs_once(rig: Rig) -> None:
    """handle_close runs exactly once when the peer has gone."""
    for leave in ("close", "shut_write", "reset"):
        channel = rig.chat(tcp=True)
        channel.peer.send(b"a\n")
        rig.settle()
        getattr(channel.peer, leave)()
        rig.settle()
        rig.settle()
        rig.expect(rig.trace(channel).count(CLOSE), 1)


@check("EOF-007", Level.MUST)
def a_reset_is_no_error(rig: Rig) -> None:
    """A reset by the peer leads to handle_close, not to handle_error."""
    channel = rig.chat(tcp=True)
    rig.settle()
    channel.peer.reset()

    rig.settle()

    rig.expect(rig.trace(channel), [CLOSE])


@check("EOF-008", Level.MUST)
def nothing_after_handle_close(rig: Rig) -> None:
    """No callback runs after handle_close returned."""
    channel = rig.chat(tcp=True)
    channel.push(b"x" * (4 << 20))
    channel.peer.send(b"a\nb\nc")
    channel.peer.reset()

    rig.settle()
    rig.settle()

    rig.expect(channel.events[-1:], [CLOSE])
    rig.expect(channel.events.count(CLOSE), 1)


@check("EOF-009", Level.COMPAT)
def a_held_prefix_is_not_delivered(rig: Rig) -> None:
    """Bytes held back as the possible begin of a terminator are not delivered at the end of the stream."""
    channel = rig.chat(b"\r\n")
    channel.peer.send(b"line\r")
    channel.peer.close()

    rig.settle()

    rig.expect(rig.trace(channel), [DATA(b"line"), CLOSE])


@check("EOF-010", Level.COMPAT)
def queued_output_is_dropped(rig: Rig) -> None:
    """Queued output is dropped at the end of the peer's stream, unless half_close is set."""
    channel = rig.chat(tcp=True, attributes={"half_close": False})
    channel.push(b"x" * (8 << 20))
    channel.peer.shut_write()

    rig.settle()

    rig.expect(rig.trace(channel), [CLOSE])
    assert len(rig.drain(channel)) < 8 << 20


@check("EOF-011", Level.SHOULD)
def a_channel_that_is_kept_does_not_spin(rig: Rig) -> None:
    """A handle_close that keeps the channel is not called again in each poll."""
    channel = rig.chat(close=lambda ch: None)
    channel.peer.close()

    for _ in range(10):
        rig.poll()

    rig.expect(channel.events, [CLOSE])


@check("HCL-001", Level.MUST)
def the_default_closes(rig: Rig) -> None:
    """By default the peer's end of stream leads to handle_close."""
    channel = rig.chat(tcp=True)
    channel.peer.shut_write()

    rig.settle()

    rig.expect(rig.trace(channel), [CLOSE])


@check("HCL-002", Level.SHOULD, needs=[Capability.HALF_CLOSE])
def output_is_still_sent(rig: Rig) -> None:
    """With half_close, queued output is still sent after the peer's end of stream; then the channel closes."""
    channel = rig.chat(tcp=True, attributes={"half_close": True})
    channel.push(b"x" * (4 << 20))
    channel.peer.shut_write()

    received = rig.drain(channel)

    rig.expect(len(received), 4 << 20)
    rig.until(lambda: CLOSE in channel.events, "handle_close")


@check("HCL-003", Level.SHOULD, needs=[Capability.HALF_CLOSE])
def our_end_still_lets_us_receive(rig: Rig) -> None:
    """After our own end of output we still receive."""
    channel = rig.chat(tcp=True, attributes={"half_close": True})
    channel.push(b"last words")
    rig.settle()
    channel.socket.shutdown(socket.SHUT_WR)

    trace = rig.feed(channel, b"an answer\n")

    rig.expect(trace, [DATA(b"an answer"), END])
    rig.expect((rig.drain(channel), channel.peer.at_eof), (b"last words", True))


@check("HCL-004", Level.SHOULD, needs=[Capability.HALF_CLOSE])
def both_ends_close_once(rig: Rig) -> None:
    """When both directions have ended, handle_close runs once."""
    channel = rig.chat(tcp=True, attributes={"half_close": True})
    rig.settle()
    channel.socket.shutdown(socket.SHUT_WR)
    channel.peer.shut_write()

    rig.settle()
    rig.settle()

    rig.expect(rig.trace(channel), [CLOSE])


@check("HCL-005", Level.SHOULD, needs=[Capability.HALF_CLOSE])
def half_close_then_reset(rig: Rig) -> None:
    """A reset after the peer's end of stream closes once."""
    channel = rig.chat(tcp=True, attributes={"half_close": True})
    channel.push(b"x" * (8 << 20))
    channel.peer.shut_write()
    rig.settle()
    channel.peer.reset()

    rig.until(lambda: CLOSE in channel.events, "handle_close")
    rig.settle()

    rig.expect(rig.trace(channel), [CLOSE])
