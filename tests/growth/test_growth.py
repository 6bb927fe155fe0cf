"""Twice the input may not cost more than three times the work, counted, not timed: linear is twice, quadratic four."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from asynchat_core import Framer, ProducerQueue, find_prefix_at_end, simple_producer

from .meters import Text, allocated, calls

_MOST = 3
_CRLF = b"\r\n"


def _grows_little(work: Callable[[int], int], size: int) -> None:
    small, large = work(size), work(2 * size)
    assert large <= _MOST * small, f"a size of {size} took {small}, twice that {large}"


# --- framing


class _Lines(Framer):
    too_long = 0

    def collect_incoming_data(self, data: bytes) -> None:
        Text.work += 1

    def found_terminator(self) -> None:
        Text.work += 1

    def handle_frame_too_long(self, size: int) -> None:
        self.too_long += 1
        super().handle_frame_too_long(size)


class _Whole(Framer):
    def frame_received(self, frame: bytes) -> None:
        Text.work += 1


class _Changing(_Lines):
    """Header lines and bodies of ten bytes by turns."""

    def found_terminator(self) -> None:
        Text.work += 1
        self.set_terminator(_CRLF if type(self.get_terminator()) is int else 10)


class _Discarding(_Lines):
    def collect_incoming_data(self, data: bytes) -> None:
        Text.work += 1
        self.discard_frame()


def _feeding(
    pattern: bytes, chunk: int | None, terminator: Any, kind: Any = _Lines, **limits: Any
) -> Callable[[int], int]:
    """Return what counts the work of a stream of so many patterns; ``chunk`` None is the whole in one."""

    def work(times: int) -> int:
        stream, framer = pattern * times, kind()
        for name, value in limits.items():
            setattr(framer, name, value)
        framer.set_terminator(terminator)
        Text.work = 0
        step = chunk or len(stream)
        for at in range(0, len(stream), step):
            framer.feed(Text(stream[at : at + step]))
        return Text.work

    return work


_STREAMS = {
    "short lines in one chunk": _feeding(b"x" * 14 + _CRLF, None, _CRLF),
    "short lines in one chunk, whole frames": _feeding(b"x" * 14 + _CRLF, None, _CRLF, _Whole),
    "long lines in one chunk": _feeding(b"x" * 998 + _CRLF, None, _CRLF),
    "lines in chunks": _feeding(b"x" * 62 + _CRLF, 1000, _CRLF),
    "lines byte by byte": _feeding(b"x" * 14 + _CRLF, 1, _CRLF),
    "lines with a limit in one chunk": _feeding(b"x" * 14 + _CRLF, None, _CRLF, max_frame_size=100),
    "lines over a limit": _feeding(b"x" * 198 + _CRLF, None, _CRLF, max_frame_size=100),
    "lines that are discarded": _feeding(b"x" * 14 + _CRLF, None, _CRLF, _Discarding),
    "headers and bodies in one chunk": _feeding(b"h" * 5 + _CRLF + b"b" * 10, None, _CRLF, _Changing),
    "no terminator": _feeding(b"x" * 100, 100, _CRLF),
    "CRLF and no CRLF.CRLF": _feeding(b"x" * 10 + _CRLF, None, b"\r\n.\r\n"),
    "CRLF and no CRLF.CRLF, in chunks": _feeding(b"x" * 10 + _CRLF, 100, b"\r\n.\r\n"),
    "chunks that end in CR": _feeding(b"x" * 99 + b"\r", 100, b"\r\n" + b"b" * 62),
    "nothing but CR": _feeding(b"\r" * 10, 10, b"\r" * 63 + b"\n"),
    "nothing but CR, byte by byte": _feeding(b"\r" * 10, 1, b"\r" * 63 + b"\n"),
    "nothing but CR in one chunk": _feeding(b"\r" * 10, None, b"\r" * 63 + b"\n"),
    "a count, byte by byte": _feeding(b"x" * 100, 1, 1 << 30),
    "no end at all": _feeding(b"x" * 100, 10, None),
}


@pytest.mark.parametrize("work", _STREAMS.values(), ids=_STREAMS)
def test_twice_the_stream_is_twice_the_work(work: Callable[[int], int]) -> None:
    """Callbacks, bytes searched and bytes copied grow with the stream, not with its square."""
    _grows_little(work, 500)


def test_a_terminator_that_is_almost_there_costs_no_more_for_its_length() -> None:
    """Twice the length of the prefix that is held back is not four times the work, byte by byte."""

    def work(length: int) -> int:
        return _feeding(b"\r", 1, b"\r" * length + b"\n")(length)

    _grows_little(lambda length: work(length) // length, 100)


def test_a_prefix_is_found_in_linear_time() -> None:
    """``find_prefix_at_end`` makes a bounded number of passes, also over one repeated byte."""

    def work(length: int) -> int:
        Text.work = 0
        assert not find_prefix_at_end(Text(b"a" * length + b"c"), b"a" * length + b"b")
        assert find_prefix_at_end(Text(b"a" * length), b"a" * length + b"b") == length
        return Text.work

    _grows_little(work, 1000)


# --- output


def _drained(queue: ProducerQueue, most: int, taken: int) -> Iterator[Callable[[], object]]:
    """Yield the steps that send a queue, of each chunk of ``most`` bytes no more than ``taken``."""

    def step() -> None:
        chunk = queue.next_chunk(most)
        assert isinstance(chunk, bytes)
        queue.sent(min(len(chunk), taken))

    while queue:
        yield step


def _pushed(count: int, size: int) -> ProducerQueue:
    queue = ProducerQueue()
    for number in range(count):
        queue.push(b"%d" % (number % 10) * size)
    return queue


@pytest.mark.parametrize("taken", [100, 1000, 4096])
def test_twice_the_pushes_allocate_twice(taken: int) -> None:
    """Small pushes are joined once or a few times, however little of each chunk the socket takes."""
    _grows_little(lambda count: allocated(_drained(_pushed(count, 20), 4096, taken)), 2000)


def test_twice_the_pushes_are_twice_the_calls() -> None:
    """Small pushes cost calls in proportion."""
    _grows_little(lambda count: calls(lambda: [step() for step in _drained(_pushed(count, 20), 4096, 1000)]), 2000)


def test_a_large_push_is_not_copied_for_each_send() -> None:
    """What is left of a large piece of data is not copied when a part of it was sent."""
    _grows_little(lambda size: allocated(_drained(_pushed(1, size), 512, 512)), 200_000)


def test_simple_producer_does_not_copy_its_rest() -> None:
    """A piece costs its own length."""

    def work(size: int) -> int:
        producer = simple_producer(b"x" * size)
        return allocated([producer.more] * (size // 512))

    _grows_little(work, 100_000)


# --- channels and their loops


class _Pairs:
    """Channels of one backend in a map of their own, each with the other end of its connection."""

    def __init__(self, backend: str) -> None:
        self.module: Any = importlib.import_module(f"asynchat_{backend}")
        self.map = self.module.ChannelMap()
        self.peers: list[socket.socket] = []

    def add(self, **methods: Any) -> tuple[Any, socket.socket]:
        ours, peer = socket.socketpair()
        channel = type("Channel", (self.module.asynchat.async_chat,), methods)(ours, self.map)
        channel.set_terminator(b"\n")
        self.peers.append(peer)
        return channel, peer

    def poll(self) -> None:
        self.module.poll_once(1.0, self.map)

    def close(self) -> None:
        self.map.close()
        for peer in self.peers:
            peer.close()


@pytest.fixture(params=["selectors", "uvloop"])
def pairs(request: pytest.FixtureRequest) -> Iterator[_Pairs]:
    pairs = _Pairs(request.param)
    yield pairs
    pairs.close()


def _idle(channel: Any) -> None:
    """Do nothing with a frame."""


def test_idle_channels_add_no_call_to_a_turn(pairs: _Pairs) -> None:
    """A turn with one active channel makes the same calls beside 20 idle ones and beside 120."""
    _, peer = pairs.add(collect_incoming_data=lambda channel, data: None, found_terminator=_idle)

    def work(idle: int) -> int:
        while len(pairs.map) <= idle:
            pairs.add()
        pairs.poll()
        return min(calls(turn) for _ in range(5))

    def turn() -> None:
        peer.send(b"a\n")
        pairs.poll()

    few, many = work(20), work(120)

    assert many == few


def test_pipelined_replies_leave_in_few_sends(pairs: _Pairs) -> None:
    """The sends for the replies to one read are not one for each."""
    sends = 0

    def send(channel: Any, data: bytes) -> int:
        nonlocal sends
        sends += 1
        return int(pairs.module.asynchat.async_chat.send(channel, data))

    methods = {"collect_incoming_data": lambda channel, data: None, "ac_in_buffer_size": 4096, "send": send}
    _, peer = pairs.add(found_terminator=lambda channel: channel.push(b"b\n"), **methods)

    peer.send(b"a\n" * 1000)
    pairs.poll()

    assert peer.recv(4096, socket.MSG_WAITALL | socket.MSG_DONTWAIT) == b"b\n" * 1000
    assert sends <= 3


def test_a_push_to_a_full_socket_asks_the_kernel_no_more(pairs: _Pairs) -> None:
    """After a send that took less than it was given, pushes are queued without another one."""
    sends = 0

    def send(channel: Any, data: bytes) -> int:
        nonlocal sends
        sends += 1
        return int(pairs.module.asynchat.async_chat.send(channel, data))

    channel, _ = pairs.add(send=send)
    channel.push(b"x" * (1 << 23))
    before = sends
    for _ in range(1000):
        channel.push(b"twenty bytes of data")

    assert sends == before


def test_twice_the_receivers_are_twice_the_calls(pairs: _Pairs) -> None:
    """A line to everyone costs calls in proportion to those who receive it."""

    def work(members: int) -> int:
        while len(channels) < members:
            channels.append(pairs.add(**methods)[0])
        speaker = pairs.peers[0]

        def turn() -> None:
            speaker.send(b"a\n")
            pairs.poll()
            for peer in pairs.peers:
                assert peer.recv(100) == b"a\n"

        turn()
        return calls(turn)

    methods = {
        "collect_incoming_data": lambda channel, data: None,
        "found_terminator": lambda channel: [member.push(b"a\n") for member in channels],
    }
    channels: list[Any] = []
    _grows_little(work, 40)
