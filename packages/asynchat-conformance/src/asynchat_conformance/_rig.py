'''
The world of one check: a fresh map, channels that record what they are told, peers driven by hand.

A check is a function of a ``Rig``. Nothing in it sleeps: a step polls until nothing moves any more, a wait ends when
its condition holds, or fails when nothing has moved for some time.

    @check("TRM-001", MUST)
    def new_terminator_applies_to_buffered_bytes(rig: Rig) -> None:
        """A terminator set in found_terminator applies to bytes already buffered."""
        channel = rig.chat(b"\\n", found=lambda ch: ch.set_terminator(b";"))

        trace = rig.feed(channel, b"a\\nb;c")

        rig.expect(trace, [DATA(b"a"), END, DATA(b"b"), END, DATA(b"c")])

* ``rig.chat(terminator, ...)`` makes a recording async_chat on one end of a socketpair (``tcp=True``: loopback TCP),
  with ``channel.peer`` on the other. ``collect=``, ``found=``, ``close=``, ``error=`` run in the callbacks, after
  recording; without ``close`` and ``error`` the base class acts. ``sends=``/``recvs=`` script the socket
  (``channel.script``).
* ``rig.feed(channel, cut, cut, ...)`` sends each cut so that it is a read of its own, and returns the merged trace.
* ``rig.settle()`` polls until nothing moves. ``rig.until(lambda: ...)`` polls until it holds.
  ``rig.drain(channel)`` polls and reads at the peer until nothing comes, and returns all that it received.
* ``rig.listener(accepted=...)`` listens; ``rig.connect(listener)`` makes a recording client channel.
* ``rig.expect(actual, expected)`` fails with both; plain ``assert`` works too.
'''

from __future__ import annotations

import gc
import random
import socket
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from ._adapter import Backend
from ._events import ACCEPTED, CLOSE, CONNECT, DATA, END, EXPT, READ, WRITE, Event, merged
from ._sockets import Peer, ScriptedSocket, tcp_pair, unread

# Polls in a row without any progress after which nothing moves any more.
_QUIET_POLLS = 3

# What a backend may have by default for the open internet; off here, unless a check asks for it.
_LIMITS = (
    "max_frame_size max_count output_high_mark output_low_mark max_output connect_timeout idle_timeout frame_timeout"
    " flush_timeout linger_timeout strict_close"
)

Hook = Callable[..., Any]


class Mismatch(AssertionError):
    """What came is not what was to come."""

    def __init__(self, actual: Any, expected: Any) -> None:
        super().__init__(f"expected {expected!r}, got {actual!r}")
        self.actual = actual
        self.expected = expected


class Stalled(AssertionError):
    """Nothing moves, and what was waited for has not come."""


class Rig:
    """The world of one check."""

    #: Seconds without progress after which a wait has failed.
    patience = 3.0

    def __init__(self, backend: Backend, seed: int = 0) -> None:
        self.backend = backend
        self.random = random.Random(seed)
        self.map = backend.new_map()
        self.channels: list[weakref.ref[Any]] = []
        self.progress = 0
        self._peers: list[Any] = []
        self._traces: list[list[Event]] = []
        self._classes: dict[Any, type] = {}

    # --- making channels

    def chat(self, terminator: Any = b"\n", **options: Any) -> Any:
        """Make a recording async_chat; see the module's docstring for the options."""
        pair = tcp_pair if options.pop("tcp", False) else socket.socketpair
        ours, theirs = pair()
        return self.adopt(ours, theirs, terminator, **options)

    def adopt(self, ours: Any, theirs: Any, terminator: Any = b"\n", **options: Any) -> Any:
        """Make a recording async_chat on the socket ``ours``, with ``theirs`` as its peer's."""
        script = None
        if "sends" in options or "recvs" in options:
            ours = script = ScriptedSocket(ours, options.pop("sends", ()), options.pop("recvs", ()))
        attributes = options.pop("attributes", {})
        base = options.pop("base", self.backend.async_chat)
        channel = self.recorder(base, **options)(ours, self.map)
        channel.peer = self.peer(theirs)
        channel.script = script
        for name, value in attributes.items():
            setattr(channel, name, value)
        if terminator is not NotImplemented:
            channel.set_terminator(terminator)
        return channel

    def recorder(self, base: Any, **hooks: Hook | None) -> Any:
        """Return a subclass of ``base`` that records its callbacks and runs ``hooks`` in them."""
        rig = self

        class Recorder(base):  # type: ignore[misc]
            peer: Peer
            script: Any = None

            def __init__(self, *args: Any, **kwargs: Any) -> None:
                if not hasattr(self, "events"):
                    self.events: list[Event] = []
                    self.logs: list[tuple[str, str]] = []
                    rig._traces.append(self.events)
                    rig.channels.append(weakref.ref(self))
                super().__init__(*args, **kwargs)

            def __repr__(self) -> str:
                return "<channel>"

            def collect_incoming_data(self, data: bytes) -> None:
                self._record(DATA(data), "collect", data)

            def found_terminator(self) -> None:
                self._record(END, "found")

            def handle_connect(self) -> None:
                self._record(CONNECT, "connect")

            def handle_expt(self) -> None:
                self._record(EXPT, "expt")

            def handle_accepted(self, sock: Any, addr: Any) -> None:
                if hooks.get("accepted") is None:
                    super().handle_accepted(sock, addr)
                self._record(ACCEPTED, "accepted", sock, addr)

            def handle_close(self) -> None:
                self._record(CLOSE, "close")
                if hooks.get("close") is None:
                    super().handle_close()

            def handle_error(self) -> None:
                self._record(Event("ERROR", sys.exc_info()[0].__name__), "error")  # type: ignore[union-attr]
                if hooks.get("error") is None:
                    super().handle_error()

            def log_info(self, message: Any, type: str = "info") -> None:
                self.logs.append((str(type), str(message)))

            def _record(self, event: Event, hook: str, *args: Any) -> None:
                self.events.append(event)
                act = hooks.get(hook)
                if act is not None:
                    act(self, *args)

        if not issubclass(base, self.backend.async_chat):
            self._record_plain(Recorder, hooks)
        for name in _LIMITS.split():
            if hasattr(base, name):
                setattr(Recorder, name, None)
        return Recorder

    def _record_plain(self, recorder: Any, hooks: dict[str, Hook | None]) -> None:
        """A plain dispatcher is told of readiness itself."""

        def handle_read(channel: Any) -> None:
            channel._record(READ, "read")

        def handle_write(channel: Any) -> None:
            channel._record(WRITE, "write")

        recorder.handle_read = handle_read
        if hooks.get("write") is not None:
            recorder.handle_write = handle_write
        if hooks.get("writable") is not None:
            recorder.writable = hooks["writable"]
        if hooks.get("readable") is not None:
            recorder.readable = hooks["readable"]

    def peer(self, sock: Any) -> Peer:
        """Drive ``sock`` by hand; it is closed with the rig."""
        peer = Peer(sock)
        self._peers.append(sock)
        return peer

    def plain(self, **hooks: Any) -> Any:
        """Make a recording plain dispatcher on one end of a socketpair, with ``peer`` on the other."""
        ours, theirs = socket.socketpair()
        channel = self.recorder(self.backend.dispatcher, **hooks)(ours, self.map)
        channel.peer = self.peer(theirs)
        return channel

    def listener(
        self, family: int = socket.AF_INET, address: Any = ("127.0.0.1", 0), reuse: bool = False, **hooks: Any
    ) -> Any:
        """Make a recording dispatcher that listens; ``listener.address`` is where."""
        listener = self.recorder(self.backend.dispatcher, **hooks)(None, self.map)
        listener.create_socket(family, socket.SOCK_STREAM)
        if reuse:
            listener.set_reuse_addr()
        listener.bind(address)
        listener.listen(128)
        listener.address = listener.socket.getsockname()
        return listener

    def client(self, terminator: Any = b"\n", family: int = socket.AF_INET, **hooks: Any) -> Any:
        """Make a recording async_chat with a socket of its own, to be connected."""
        channel = self.recorder(self.backend.async_chat, **hooks)(None, self.map)
        channel.create_socket(family, socket.SOCK_STREAM)
        channel.set_terminator(terminator)
        return channel

    def dial(self, listener: Any) -> Peer:
        """Connect to a listener of the rig by a plain socket."""
        sock = socket.socket(listener.socket.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect_ex(listener.address)
        return self.peer(sock)

    def take(self, listener: socket.socket) -> Peer:
        """Poll until a connection waits at a plain listening socket; accept it."""
        accepted: list[socket.socket] = []

        def arrived() -> bool:
            with suppress(BlockingIOError):
                accepted.append(listener.accept()[0])
            return bool(accepted)

        listener.setblocking(False)
        self.until(arrived, "the connection")
        return self.peer(accepted[0])

    # --- driving them

    def poll(self, timeout: float = 0.0) -> None:
        """Poll once."""
        before = self._events()
        self.backend.poll(self.map, timeout)
        self.progress += self._events() != before

    def settle(self) -> None:
        """Poll until nothing moves any more."""
        begin = monotonic()
        quiet, deadline, before = 0, begin + self.patience / 6, self._state()
        while quiet < _QUIET_POLLS:
            self.backend.poll(self.map, 0)
            state = self._state()
            if state != before:
                quiet, deadline, before = 0, monotonic() + self.patience / 6, state
                if deadline > begin + self.patience * 7:
                    raise Stalled(f"there is no rest; the last events were {[trace[-3:] for trace in self._traces]!r}")
            elif self._has_input() and monotonic() < deadline:
                quiet = 0
            else:
                quiet += 1

    def until(self, condition: Callable[[], Any], what: str = "the condition") -> None:
        """Poll until ``condition()`` holds. Raises Stalled when nothing has moved for some seconds."""
        deadline, before = monotonic() + self.patience, self._state()
        while not condition():
            self.backend.poll(self.map, 0.01)
            state = self._state()
            if state != before:
                deadline, before = monotonic() + self.patience, state
            elif monotonic() > deadline:
                raise Stalled(f"{what} has not come; the events were {[merged(trace) for trace in self._traces]!r}")

    def feed(self, channel: Any, *cuts: bytes) -> list[Event]:
        """Send each cut so that it is a read of its own; return the channel's merged trace."""
        for cut in cuts:
            rest = memoryview(cut)
            while rest:
                count = channel.peer.send(rest)
                rest = rest[count:]
                self.settle()
                if not count and not channel.connected:
                    break
            self.settle()
        return merged(channel.events)

    def drain(self, channel: Any) -> bytes:
        """Poll and read at the peer until nothing comes any more; return all that the peer received."""
        peer, quiet = channel.peer, 0
        while quiet < _QUIET_POLLS:
            self.backend.poll(self.map, 0)
            quiet = 0 if peer.receive() else quiet + 1
        return bytes(peer.received)

    def send_all(self, channel: Any, data: bytes) -> None:
        """Send much data from the peer, polling as the channel reads; the replies are read too."""
        rest = memoryview(data)
        deadline = monotonic() + self.patience
        while rest:
            count = channel.peer.send(rest[:262144])
            rest = rest[count:]
            self.backend.poll(self.map, 0)
            if count or channel.peer.receive():
                deadline = monotonic() + self.patience
            elif monotonic() > deadline:
                raise Stalled(f"{len(rest)} bytes were not read by the channel")
        self.settle()

    def trace(self, channel: Any) -> list[Event]:
        """Return what the channel was told, neighbouring data joined."""
        return merged(channel.events)

    def expect(self, actual: Any, expected: Any) -> None:
        """Raise Mismatch unless both are equal."""
        if actual != expected:
            raise Mismatch(actual, expected)

    # --- the end

    def close(self) -> None:
        """Close the map and all peers."""
        self.backend.close_map(self.map)
        for sock in self._peers:
            sock.close()
        self._peers.clear()

    def survivors(self) -> int:
        """Return how many channels still exist, after a collection."""
        self._traces.clear()
        gc.collect()
        return sum(ref() is not None for ref in self.channels)

    def _events(self) -> int:
        return sum(map(len, self._traces))

    def _live(self) -> list[Any]:
        return [channel for ref in self.channels if (channel := ref()) is not None]

    def _state(self) -> tuple[int, int, int]:
        """What changes when anything moves."""
        received = 0
        for sock in self._peers:
            received += unread(sock)
        return self._events(), received, sum(unread_of(channel) for channel in self._live())

    def _has_input(self) -> bool:
        return any(
            unread_of(channel) and getattr(channel, "connected", False) and _reads(channel) for channel in self._live()
        )


def unread_of(channel: Any) -> int:
    """Return how many bytes wait at a channel's socket."""
    sock = getattr(channel, "socket", None)
    try:
        return 0 if sock is None or getattr(channel, "accepting", False) else unread(sock)
    except (OSError, AttributeError):
        return 0


def _reads(channel: Any) -> bool:
    try:
        return bool(channel.readable())
    except Exception:
        return False
