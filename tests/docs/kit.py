"""One implementation of asynchat under the eyes of a probe: a backend of ours, or the reference modules."""

from __future__ import annotations

import importlib
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import ModuleType, TracebackType
from typing import Any, NamedTuple, Self

CPYTHON = "cpython"
OURS = ("selectors", "asyncore", "uvloop")

# Turns after which nothing more can happen: whatever a probe sends is on its own machine, and there already.
_ENOUGH = 12


class Kit:
    """Makes maps, channels and connections, and closes them all in the end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._stack = ExitStack()
        self._loop: Any
        if name == CPYTHON:
            self.asynchat: Any = importlib.import_module("asynchat")
            self.asyncore: Any = importlib.import_module("asyncore")
            self.package: ModuleType | None = None
            self.dispatcher: Any = self.asyncore.dispatcher
            self._new_map: Callable[[], Any] = dict
        else:
            package = importlib.import_module(f"asynchat_{name}")
            self.asynchat, self.asyncore, self.package = package.asynchat, package.asyncore, package
            self.dispatcher, self._new_map = package.dispatcher, package.ChannelMap
        self._poll = self.asyncore.poll if self.package is None else self.package.poll_once
        self.loop = (self.package or self.asyncore).loop
        self.close_all = self.asyncore.close_all

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def map(self) -> Any:
        """Return a map of the implementation's own kind."""
        channels = self._new_map()
        self._stack.callback(self.asyncore.close_all if self.package is None else type(channels).close, channels)
        return channels

    def turns(self, channels: Any, number: int = _ENOUGH) -> None:
        """Let the loop look for events, without waiting."""
        for _ in range(number):
            if channels:
                self._poll(0.0, channels)

    def keep(self, sock: socket.socket) -> socket.socket:
        """Close a socket in the end; a peer's does not block meanwhile."""
        self._stack.callback(sock.close)
        sock.setblocking(False)
        return sock

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """Return two connected sockets."""
        ours, peer = socket.socketpair()
        return self.keep(ours), self.keep(peer)

    def tcp(self) -> tuple[socket.socket, socket.socket]:
        """Return the accepted and the connecting end of a TCP connection."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            peer = socket.create_connection(server.getsockname())
            ours, _ = server.accept()
        return self.keep(ours), self.keep(peer)

    def talk(self, terminator: Any = b"\n", base: Any = None, **members: Any) -> Talk:
        """Return a channel on one end of a pair; what its callbacks see goes into its ``trace``."""
        ours, peer = self.pair()
        channels = self.map()
        channel = traced(base or self.asynchat.async_chat, members)(ours, channels)
        if terminator is not NotImplemented:
            channel.set_terminator(terminator)
        return Talk(channel, peer, channels)

    def listener(self, **members: Any) -> tuple[Any, Any]:
        """Return a listening dispatcher and its map."""
        channels = self.map()
        listener = type("Listener", (self.dispatcher,), {"log_info": quiet, **members})(map=channels)
        listener.create_socket(socket.AF_INET, socket.SOCK_STREAM)
        self.keep(listener.socket)
        listener.bind(("127.0.0.1", 0))
        listener.listen(200)
        return listener, channels

    def client(self, listener: Any) -> socket.socket:
        """Return a connection to the listener."""
        return self.keep(socket.create_connection(listener.socket.getsockname()))


class Talk(NamedTuple):
    """A channel, the socket of its peer, and its map."""

    channel: Any
    peer: socket.socket
    channels: Any


class Scripted:
    """A socket of which some methods are the probe's."""

    def __init__(self, sock: socket.socket, **methods: Callable[..., Any]) -> None:
        self._sock = sock
        for name, method in methods.items():
            setattr(self, name, method)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def traced(base: Any, members: Mapping[str, Any]) -> Any:
    """Return a subclass whose callbacks write down what they see, but for those of the probe's own."""

    class Traced(base):  # type: ignore[misc]
        log_info = quiet

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.trace: list[object] = []
            super().__init__(*args, **kwargs)

        def collect_incoming_data(self, data: bytes) -> None:
            self.trace.append(bytes(data))

        def found_terminator(self) -> None:
            self.trace.append("END")

        def handle_close(self) -> None:
            self.trace.append("CLOSE")
            self.close()

        def handle_error(self) -> None:
            kind = sys.exc_info()[0]
            self.trace.append(kind and kind.__name__)

    for name, member in members.items():
        setattr(Traced, name, member)
    return Traced


def quiet(self: Any, *args: Any) -> None:
    """Log nothing."""


def failing(error: BaseException) -> Callable[..., Any]:
    """Return a function that raises ``error``."""

    def fail(*args: Any) -> Any:
        raise error

    return fail


def received(peer: socket.socket) -> bytes:
    """Return all that has arrived; it ends in <EOF> or <reset> when the connection has."""
    data = b""
    try:
        while piece := peer.recv(65536):
            data += piece
    except BlockingIOError:
        return data
    except ConnectionError:
        return data + b"<reset>"
    return data + b"<EOF>"
