"""FRM: terminators of bytes."""

from __future__ import annotations

import time
from collections.abc import Callable

from .._events import DATA, END, Event, frames
from .._registry import Capability, Level, check
from .._rig import Rig

MIB = 1 << 20


def _lines(*lines: bytes) -> list[Event]:
    return [event for line in lines for event in ((DATA(line), END) if line else (END,))]


@check("FRM-001", Level.MUST)
def one_byte(rig: Rig) -> None:
    """A one-byte terminator ends a frame and is not delivered."""
    rig.expect(rig.feed(rig.chat(b"\n"), b"line\n"), _lines(b"line"))


@check("FRM-002", Level.MUST)
def many_bytes(rig: Rig) -> None:
    """A terminator of several bytes ends a frame."""
    rig.expect(rig.feed(rig.chat(b"\r\n.\r\n"), b"text\r\nmore\r\n.\r\n"), _lines(b"text\r\nmore"))


@check("FRM-003", Level.MUST)
def several_frames(rig: Rig) -> None:
    """Several frames in one read give one found_terminator each, in order."""
    rig.expect(rig.feed(rig.chat(b"\r\n"), b"a\r\nbb\r\nccc\r\n"), _lines(b"a", b"bb", b"ccc"))


@check("FRM-004", Level.MUST)
def data_before_its_end(rig: Rig) -> None:
    """All data of a frame is delivered before its found_terminator."""
    rig.expect(rig.feed(rig.chat(b"\n"), b"on", b"e", b" li", b"ne\ntwo\n"), _lines(b"one line", b"two"))


@check("FRM-005", Level.MUST)
def empty_frame(rig: Rig) -> None:
    """An empty frame calls found_terminator and no collect_incoming_data."""
    channel = rig.chat(b"\r\n")
    rig.feed(channel, b"\r\n\r\na\r\n\r\n")

    rig.expect(channel.events, [END, END, DATA(b"a"), END, END])


@check("FRM-006", Level.MUST)
def never_empty_data(rig: Rig) -> None:
    """collect_incoming_data is never called with empty data."""
    for terminator in (b"\n", b"\r\n", 3, None):
        channel = rig.chat(terminator)
        rig.feed(channel, b"\r", b"\n", b"\r\n\r\n", b"ab", b"c", b"\r")
        assert DATA(b"") not in channel.events, channel.events


@check("FRM-007", Level.MUST)
def nothing_is_held_without_need(rig: Rig) -> None:
    """Data that cannot be part of the terminator is delivered without waiting."""
    rig.expect(rig.feed(rig.chat(b"\r\n"), b"no end yet\r"), [DATA(b"no end yet")])


@check("FRM-008", Level.MUST)
def a_false_begin(rig: Rig) -> None:
    """A held prefix that turns out not to be the terminator is delivered, nothing lost or reordered."""
    rig.expect(rig.feed(rig.chat(b"\r\n\r\n"), b"a\r\n", b"\r", b"b\r\n\r\n"), _lines(b"a\r\n\rb"))


@check("FRM-009", Level.MUST)
def overlap_with_itself(rig: Rig) -> None:
    """A terminator that overlaps itself is found at its first occurrence: aab in aaab."""
    for cuts in ((b"aaab",), (b"a", b"a", b"a", b"b"), (b"aa", b"ab")):
        rig.expect(rig.feed(rig.chat(b"aab"), *cuts), _lines(b"a"))


@check("FRM-010", Level.MUST)
def overlap_of_two(rig: Rig) -> None:
    """In ababab the terminator abab ends one frame, and ab is held."""
    rig.expect(rig.feed(rig.chat(b"abab"), b"ababab"), [END])


@check("FRM-011", Level.MUST)
def all_byte_values(rig: Rig) -> None:
    """All 256 byte values pass through, NUL included."""
    stream = bytes(range(256))

    rig.expect(rig.feed(rig.chat(b"\xff\x00"), stream + b"\xff\x00"), _lines(stream))


@check("FRM-012", Level.MUST)
def longer_than_a_read(rig: Rig) -> None:
    """A terminator longer than ac_in_buffer_size works."""
    channel = rig.chat(b"--boundary--", attributes={"ac_in_buffer_size": 4})

    rig.expect(rig.feed(channel, b"body--boundary--next--boundary--"), _lines(b"body", b"next"))


@check("FRM-013", Level.MUST)
def a_long_terminator(rig: Rig) -> None:
    """A terminator of 1 KiB works."""
    end = bytes(index * 7 % 251 for index in range(1024))

    rig.expect(rig.feed(rig.chat(end), b"body" + end[:700], end[700:]), _lines(b"body"))


@check("FRM-014", Level.MUST, slow=True)
def a_long_frame(rig: Rig) -> None:
    """A frame of 16 MiB arrives whole."""
    stream = b"0123456789abcdef" * MIB
    channel = rig.chat(b"\n")
    rig.send_all(channel, stream + b"\n")

    assert frames(channel.events) == [stream]


@check("FRM-015", Level.SHOULD)
def other_buffers(rig: Rig) -> None:
    """A bytearray or a memoryview works as a terminator."""
    for terminator in (bytearray(b"\r\n"), memoryview(b"\r\n")):
        rig.expect(rig.feed(rig.chat(terminator), b"a\r\n"), _lines(b"a"))


@check("FRM-016", Level.SHOULD)
def a_copy_is_kept(rig: Rig) -> None:
    """Changing a bytearray after set_terminator changes nothing."""
    terminator = bytearray(b"\n")
    channel = rig.chat(terminator)
    terminator[:] = b";"

    rig.expect(rig.feed(channel, b"a;b\n"), _lines(b"a;b"))


@check("FRM-017", Level.MUST)
def data_stays_valid(rig: Rig) -> None:
    """The object given to collect_incoming_data stays valid after the callback."""
    kept: list[bytes] = []
    channel = rig.chat(b"\n", collect=lambda ch, data: kept.append(data))
    rig.feed(channel, b"one\ntwo\n", b"three\n")

    rig.expect([bytes(data) for data in kept], [b"one", b"two", b"three"])


@check("FRM-018", Level.SHOULD)
def data_is_bytes(rig: Rig) -> None:
    """The object given to collect_incoming_data is bytes."""
    kinds: list[type] = []
    channel = rig.chat(b"\n", collect=lambda ch, data: kinds.append(type(data)))
    rig.feed(channel, b"one\nt", b"wo\n")

    rig.expect(set(kinds), {bytes})


def _processor_time(work: Callable[[], object]) -> float:
    """Return the seconds that this process itself took for the work."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


@check("FRM-019", Level.SHOULD, needs=[Capability.READINESS], slow=True)
def prefixes_cost_linear_time(rig: Rig) -> None:
    """Possible begins of the terminator (CR, with CRLF) take linear time."""

    class Flooded(rig.backend.async_chat):  # type: ignore[misc, name-defined]
        size = 0

        def recv(self, size: int) -> bytes:
            return b"\r" * self.size if super().recv(size) else b""

    def measure(size: int) -> float:
        channel = rig.chat(b"\r\n", base=Flooded, attributes={"size": size})
        return _processor_time(lambda: rig.feed(channel, b"."))

    measure(1 << 15)
    small = min(measure(1 << 15) for _ in range(3))
    large = min(measure(1 << 19) for _ in range(2))
    # Linear work takes 16 times as long, quadratic work up to 256 times.
    assert large < 30 * small + 0.02, f"32 KiB took {small:.4f} s, 512 KiB {large:.4f} s"


@check("FRM-020", Level.SHOULD, slow=True)
def single_bytes_cost_linear_time(rig: Rig) -> None:
    """A frame that comes byte by byte takes linear time: a byte costs the same however much of the frame was before."""
    channel = rig.chat(b"\r\n", collect=lambda ch, data: ch.events.clear(), attributes={"ac_in_buffer_size": MIB})

    def measure() -> float:
        channel.ac_in_buffer_size = 1
        return _processor_time(lambda: rig.send_all(channel, b"x" * 500))

    measure()
    early = min(measure() for _ in range(3))
    channel.ac_in_buffer_size = MIB
    rig.send_all(channel, b"x" * (16 * MIB))
    late = min(measure() for _ in range(3))

    assert late < 4 * early + 0.02, f"500 bytes took {early:.3f} s at first, {late:.3f} s after 16 MiB"


@check("FRM-021", Level.MUST, slow=True)
def many_frames_do_not_recurse(rig: Rig) -> None:
    """100 000 empty frames, in one read where the kernel holds so many, do not recurse."""
    channel = rig.chat(b"\n", attributes={"ac_in_buffer_size": MIB})
    rig.send_all(channel, b"\n" * 100_000)
    rig.until(lambda: len(channel.events) == 100_000, "100 000 frames")

    assert set(channel.events) == {END}
