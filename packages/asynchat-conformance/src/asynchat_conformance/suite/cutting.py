"""SPL: cutting the stream."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise
from typing import Any

from .._events import DATA, END, Event
from .._registry import Capability, Level, check
from .._rig import Rig


def _cuts(stream: bytes, places: int) -> Iterator[list[bytes]]:
    """Yield the stream cut at each choice of so many places."""
    for chosen in combinations(range(1, len(stream)), places):
        edges = [0, *chosen, len(stream)]
        yield [stream[begin:end] for begin, end in pairwise(edges)]


def _same(rig: Rig, terminator: Any, cuttings: Iterable[list[bytes]], expected: list[Event], **options: Any) -> None:
    """Expect the same merged trace for each cutting."""
    for cutting in cuttings:
        channel = rig.chat(terminator, **options)
        trace = rig.feed(channel, *cutting)
        channel.close()
        if trace != expected:
            raise AssertionError(f"cut as {cutting!r} the trace is {trace!r}, not {expected!r}")


def _lines(stream: bytes) -> list[Event]:
    return [event for line in stream.split(b"\r\n")[:-1] for event in ((DATA(line), END) if line else (END,))]


_CRLF = b"GET /\r\nHost: a\r\n\r\nx\r\n"


@check("SPL-001", Level.MUST)
def two_pieces(rig: Rig) -> None:
    """Every cut of a CRLF stream in two gives the same frames."""
    _same(rig, b"\r\n", _cuts(_CRLF, 1), _lines(_CRLF))


@check("SPL-002", Level.MUST, slow=True)
def three_pieces(rig: Rig) -> None:
    """Every cut of a short stream in three gives the same frames."""
    stream = b"ab\r\n\r\nc\r\n"
    _same(rig, b"\r\n", _cuts(stream, 2), _lines(stream))


@check("SPL-003", Level.MUST)
def single_bytes(rig: Rig) -> None:
    """One byte at a time gives the same frames."""
    _same(rig, b"\r\n", [[bytes([byte]) for byte in _CRLF]], _lines(_CRLF))


@check("SPL-004", Level.MUST)
def inside_the_terminator(rig: Rig) -> None:
    """A cut inside a terminator of four bytes, after each of them, changes nothing."""
    stream = b"head\r\n\r\nbody\r\n\r\n"
    cuttings = [[stream[:at], stream[at:]] for at in range(5, 9)]
    _same(rig, b"\r\n\r\n", cuttings, [DATA(b"head"), END, DATA(b"body"), END])


@check("SPL-005", Level.MUST)
def counts(rig: Rig) -> None:
    """Every cut of a stream of counted records gives the same frames."""
    expected = [DATA(b"aaaa"), END, DATA(b"bbbb"), END, DATA(b"cc")]
    _same(rig, 4, _cuts(b"aaaabbbbcc", 1), expected, found=lambda ch: ch.set_terminator(4))


@check("SPL-006", Level.MUST)
def headers_count_and_rest(rig: Rig) -> None:
    """Every cut of headers, a counted body and the rest, the documented HTTP example, gives the same trace."""

    def found(channel: Any) -> None:
        channel.set_terminator(5 if channel.get_terminator() == b"\r\n\r\n" else None)

    expected = [DATA(b"H: 1\r\nI: 2"), END, DATA(b"12345"), END, DATA(b"rest\r\n\r\n")]
    _same(rig, b"\r\n\r\n", _cuts(b"H: 1\r\nI: 2\r\n\r\n12345rest\r\n\r\n", 1), expected, found=found)


@check("SPL-007", Level.MUST)
def read_sizes(rig: Rig) -> None:
    """ac_in_buffer_size from 1 to 8 gives the same merged trace."""
    for size in range(1, 9):
        _same(rig, b"\r\n", [[_CRLF]], _lines(_CRLF), attributes={"ac_in_buffer_size": size})


@check("SPL-008", Level.MUST)
def more_than_one_read(rig: Rig) -> None:
    """A send larger than ac_in_buffer_size needs no further traffic of the peer to be read."""
    channel = rig.chat(b"\n", attributes={"ac_in_buffer_size": 16})
    stream = b"x" * 1000

    rig.expect(rig.feed(channel, stream + b"\n"), [DATA(stream), END])


@check("SPL-009", Level.MUST, needs=[Capability.READINESS])
def spurious_readiness(rig: Rig) -> None:
    """A spurious wake-up between two cuts does nothing."""
    channel = rig.chat(b"\r\n")
    rig.feed(channel, b"a\r")
    for _ in range(3):
        channel.handle_read()

    rig.expect(rig.feed(channel, b"\nb\r\n"), [DATA(b"a"), END, DATA(b"b"), END])


@check("SPL-010", Level.MUST, slow=True)
def random_cuts(rig: Rig) -> None:
    """Random cuts of 1 MiB of lines and counted bodies give what was sent."""
    source = random.Random(7)
    sent, stream = [], b""
    while len(stream) < 1 << 20:
        body = source.randbytes(source.randrange(1, 20000))
        header = b"%d" % len(body)
        sent += [header, body]
        stream += header + b"\r\n" + body
    received: list[bytes] = []
    pieces: list[bytes] = []

    def found(channel: Any) -> None:
        data = b"".join(pieces)
        pieces.clear()
        received.append(data)
        channel.set_terminator(int(data) if len(received) % 2 else b"\r\n")

    channel = rig.chat(b"\r\n", found=found, collect=lambda ch, data: pieces.append(data))
    at = 0
    while at < len(stream):
        size = source.choice([1, 2, 100, 5000, 60000])
        rig.send_all(channel, stream[at : at + size])
        at += size

    assert received == sent
