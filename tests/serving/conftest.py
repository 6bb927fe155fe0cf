"""Servers and clients on each installed backend."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from asynchat_core import get_backend, installed_backends

BACKENDS = [backend.name for backend in installed_backends()]


class Rig:
    """One backend with a map of its own, and blocking clients beside it."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.map = module.ChannelMap()
        self.sockets: list[socket.socket] = []

        class Echo(module.async_chat):  # type: ignore[misc, name-defined]
            def __init__(self, sock: Any, map: Any = None) -> None:
                super().__init__(sock, map)
                self.set_terminator(b"\n")

            def frame_received(self, frame: bytes) -> None:
                self.push(frame + b"\n")

        self.echo = Echo

    def listen(self, factory: Any = None, host: str | None = "127.0.0.1", **options: Any) -> Any:
        """Listen in the rig's map."""
        if "path" in options or "fd" in options:
            host = None
        return self.module.listen(factory or self.echo, host, map=self.map, **options)

    def client(self, address: Any) -> socket.socket:
        """Connect a blocking socket."""
        sock = socket.socket(socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX)
        self.sockets.append(sock)
        sock.settimeout(10)
        sock.connect(address)
        return sock

    def until(self, condition: Callable[[], object]) -> None:
        """Turn the loop until something is so."""
        while not condition():
            self.module.poll_once(0.02, self.map)

    def read(self, sock: socket.socket, size: int = 65536) -> bytes:
        """Turn the loop until the client has something to read, and read it: b"" for the end or a reset."""
        self.until(lambda: select.select([sock], [], [], 0)[0])
        try:
            return sock.recv(size)
        except ConnectionResetError:
            return b""

    def ask(self, sock: socket.socket, line: bytes) -> bytes:
        """Send a line and return the reply."""
        sock.sendall(line)
        reply = b""
        while not reply.endswith(b"\n"):
            piece = self.read(sock)
            if not piece:
                break
            reply += piece
        return reply

    def close(self) -> None:
        """Close everything."""
        for sock in self.sockets:
            sock.close()
        self.map.close()


@pytest.fixture(params=BACKENDS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A rig for each backend."""
    rig = Rig(get_backend(request.param))
    yield rig
    rig.close()
