"""Channels on an asyncio loop that somebody else runs: asyncio's own, or uvloop."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

import asynchat_uvloop
from asynchat_uvloop import ChannelMap, ExitNow

FACTORIES = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=FACTORIES)
def new_loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    """Make a loop, of each kind."""
    return FACTORIES[request.param]


@pytest.fixture
def run(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> Run:
    """Run a coroutine as asyncio.run does, on a loop of each kind; debug checks who calls what."""

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=new_loop, debug=True) as runner:
            return runner.run(main)

    return run


@pytest.fixture
def channels() -> Iterator[ChannelMap]:
    """A map for the test."""
    channels = ChannelMap()
    yield channels
    channels.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets: a channel's, and its peer's."""
    ours, peer = socket.socketpair()
    with ours, peer:
        yield ours, peer


class Lines(asynchat_uvloop.async_chat):
    """A channel that answers each line, and tells of it."""

    def __init__(self, sock: Any = None, map: Any = None) -> None:
        super().__init__(sock, map)
        self.set_terminator(b"\n")
        self.lines: list[bytes] = []
        self.news = asyncio.Event()

    def collect_incoming_data(self, data: bytes) -> None:
        self._collect_incoming_data(data)

    def found_terminator(self) -> None:
        self.lines.append(self._get_data())
        self.push(b"<" + self.lines[-1] + b">")
        self.news.set()

    async def until(self, count: int) -> list[bytes]:
        """Wait for so many lines."""
        while len(self.lines) < count:
            # A new one each time: an event belongs to one loop.
            self.news = asyncio.Event()
            await asyncio.wait_for(self.news.wait(), 10)
        return self.lines


def test_channels_are_served_inside_a_running_loop(
    run: Run, channels: ChannelMap, pair: tuple[socket.socket, socket.socket]
) -> None:
    """A channel made in a coroutine is served by the loop that runs it, without loop() or poll_once()."""
    ours, peer = pair

    async def main() -> list[bytes]:
        channel = Lines(ours, channels)
        peer.send(b"a\nb\n")
        await channel.until(2)
        peer.send(b"c\n")
        return await channel.until(3)

    assert [b"a", b"b", b"c"] == run(main())
    assert b"<a><b><c>" == peer.recv(100)


def test_the_default_map_is_served_by_each_loop_in_turn(run: Run, pair: tuple[socket.socket, socket.socket]) -> None:
    """
    A map goes on with the next loop when one has been closed: another asyncio.run, and then one of its own.

    Something must happen in the map for the new loop to learn of it: here a call.
    """
    ours, peer = pair

    async def first() -> Lines:
        channel = Lines(ours)
        peer.send(b"a\n")
        await channel.until(1)
        return channel

    async def second(channel: Lines) -> None:
        asynchat_uvloop.call_soon_threadsafe(channel.push, b"again")
        peer.send(b"b\n")
        await channel.until(2)

    channel = run(first())
    run(second(channel))
    peer.send(b"c\n")
    while len(channel.lines) < 3:
        asynchat_uvloop.poll_once(5.0)
    asynchat_uvloop.close_all()
    asynchat_uvloop.socket_map.close()

    assert [b"a", b"b", b"c"] == channel.lines


def test_a_server_and_its_client_in_one_loop(run: Run, channels: ChannelMap) -> None:
    """A listener, what it accepts, and a client that connects, beside a coroutine."""
    served: list[Lines] = []

    class Listener(asynchat_uvloop.dispatcher):
        def handle_accepted(self, sock: Any, addr: Any) -> None:
            served.append(Lines(sock, channels))

    class Client(Lines):
        def handle_connect(self) -> None:
            self.push(b"hello\n")
            self.set_terminator(b">")

        def found_terminator(self) -> None:
            self.lines.append(self._get_data())
            self.news.set()

    async def main() -> list[bytes]:
        listener = Listener(map=channels)
        listener.create_socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        client = Client(map=channels)
        client.create_socket()
        client.connect(listener.socket.getsockname())
        return await client.until(1)

    assert [b"<hello"] == run(main())
    assert [b"hello"] == served[0].lines


def test_timers_are_served(run: Run, channels: ChannelMap) -> None:
    """call_later and call_every call from the running loop, with no channel in the map."""
    calls: list[str] = []

    async def main() -> None:
        done = asyncio.Event()
        asynchat_uvloop.call_later(0.02, done.set, map=channels)
        asynchat_uvloop.call_later(0.01, calls.append, "once", map=channels)
        every = asynchat_uvloop.call_every(0.004, calls.append, "every", map=channels)
        await asyncio.wait_for(done.wait(), 10)
        every.cancel()

    run(main())

    assert 1 == calls.count("once")
    assert "every" in calls


def test_calls_from_a_thread_are_served(
    run: Run, channels: ChannelMap, pair: tuple[socket.socket, socket.socket]
) -> None:
    """call_soon_threadsafe wakes the running loop, and asyncio's debug mode has nothing against it."""
    ours, peer = pair

    async def main() -> list[int]:
        channel = Lines(ours, channels)
        done = asyncio.Event()
        calls: list[int] = []

        def finish() -> None:
            calls.append(threading.get_ident())
            done.set()

        await asyncio.to_thread(asynchat_uvloop.call_soon_threadsafe, finish, map=channels)
        await asyncio.wait_for(done.wait(), 10)
        peer.send(b"a\n")
        await channel.until(1)
        return calls

    assert [threading.get_ident()] == run(main())


def test_a_thread_may_begin(run: Run, channels: ChannelMap) -> None:
    """The first thing that happens in a map may come from a thread, when the loop has served it before."""

    async def main() -> None:
        done = asyncio.Event()
        asynchat_uvloop.call_later(0, int, map=channels)
        await asyncio.to_thread(asynchat_uvloop.call_soon_threadsafe, done.set, map=channels)
        await asyncio.wait_for(done.wait(), 10)

    run(main())


@pytest.mark.parametrize("call", [asynchat_uvloop.loop, asynchat_uvloop.poll_once])
def test_loop_inside_a_running_loop_is_refused(
    run: Run, channels: ChannelMap, pair: tuple[socket.socket, socket.socket], call: Callable[..., None]
) -> None:
    """loop() and poll_once() where the loop runs already are a RuntimeError that says what to do."""

    async def main() -> None:
        Lines(pair[0], channels)
        with pytest.raises(RuntimeError, match="await instead"):
            call(1.0, map=channels)

    run(main())


def test_close_is_seen_at_once(run: Run, channels: ChannelMap, pair: tuple[socket.socket, socket.socket]) -> None:
    """A channel that is closed is out of the loop then: its peer sees the end before the loop turns (CLS-002)."""
    ours, peer = pair
    peer.settimeout(0)

    async def main() -> bytes:
        channel = Lines(ours, channels)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        channel.close()
        return peer.recv(1)

    assert b"" == run(main())


def test_a_push_from_a_coroutine_is_sent(
    run: Run, channels: ChannelMap, pair: tuple[socket.socket, socket.socket]
) -> None:
    """What a coroutine pushes is sent, also more than the socket takes at once."""
    ours, peer = pair
    data = bytes(1_000_000)

    async def main() -> int:
        channel = Lines(ours, channels)
        channel.output_high_mark = None
        channel.max_output = None
        channel.push(data)
        channel.close_when_done()
        reader, writer = await asyncio.open_connection(sock=peer.dup())
        received = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return len(received)

    assert len(data) == run(main())


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_ends_the_loop(
    run: Run, channels: ChannelMap, pair: tuple[socket.socket, socket.socket], error: type[BaseException]
) -> None:
    """KeyboardInterrupt and SystemExit in a callback come out of asyncio.run."""
    ours, peer = pair

    class Leaves(Lines):
        def found_terminator(self) -> None:
            raise error

    async def main() -> None:
        Leaves(ours, channels)
        peer.send(b"a\n")
        await asyncio.sleep(10)

    with pytest.raises(error):
        run(main())


def test_exit_now_goes_to_the_loop_s_exception_handler(
    run: Run, channels: ChannelMap, pair: tuple[socket.socket, socket.socket]
) -> None:
    """ExitNow has no loop() to come out of: asyncio's exception handler gets it, and the channels are served on."""
    ours, peer = pair
    contexts: list[dict[str, Any]] = []

    class Leaves(Lines):
        def found_terminator(self) -> None:
            super().found_terminator()
            if self.lines == [b"leave"]:
                raise ExitNow

    async def main() -> list[bytes]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: contexts.append(context))
        channel = Leaves(ours, channels)
        peer.send(b"leave\n")
        await channel.until(1)
        peer.send(b"b\n")
        return await channel.until(2)

    assert [b"leave", b"b"] == run(main())
    assert [ExitNow] == [type(context["exception"]) for context in contexts]


class TestGivenLoop:
    """``ChannelMap(loop=...)``: a loop that is not running yet."""

    @pytest.fixture
    def loop(self, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[asyncio.AbstractEventLoop]:
        """A loop of each kind."""
        loop = new_loop()
        yield loop
        loop.close()

    def test_it_serves_what_was_added_before_it_ran(
        self, loop: asyncio.AbstractEventLoop, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        """Channels and timers from before the loop runs are served when it does."""
        ours, peer = pair
        channels = ChannelMap(loop=loop)
        channel = Lines(ours, channels)
        fired: list[int] = []
        asynchat_uvloop.call_later(0, fired.append, 1, map=channels)
        peer.send(b"a\n")

        assert [b"a"] == loop.run_until_complete(channel.until(1))
        assert [1] == fired
        channels.close()
        assert not loop.is_closed()

    def test_it_may_be_driven_by_poll_once(
        self, loop: asyncio.AbstractEventLoop, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        """Where nobody runs the loop, loop() and poll_once() do, and what else is on it goes on too."""
        ours, peer = pair
        channels = ChannelMap(loop=loop)
        channel = Lines(ours, channels)
        others: list[int] = []
        loop.call_soon(others.append, 1)
        peer.send(b"a\n")
        while not channel.lines:
            asynchat_uvloop.poll_once(5.0, channels)
        peer.close()
        asynchat_uvloop.loop(5.0, map=channels)

        assert [b"a"] == channel.lines
        assert [1] == others
        channels.close()
        assert not loop.is_closed()
