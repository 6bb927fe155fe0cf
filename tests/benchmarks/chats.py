"""
The servers as asynchat programs: one text, run on pyasynchat and on each of our backends.

A server is one of five: ``lines`` echoes lines, also for idle connections; ``bodies`` a header line that is the length
of the body behind it, and that body; ``producer`` answers any line with 256 MiB; ``pushes`` pushes 20 bytes as often as
the line says; ``room`` sends each line to all.
"""

from __future__ import annotations

import importlib
import socket
import warnings
from typing import Any

from sockets import MIB, PIECE

#: Connections beyond which select() cannot serve a server.
SELECTS = 1000
#: The candidates, and the servers they are asked for; all, where nothing is said.
CANDIDATES: dict[str, tuple[str, ...]] = {
    "pyasynchat": (),
    "selectors": (),
    "uvloop": (),
    "asyncore": (),
    "selectors, one callback": ("lines",),
    "selectors, limits": ("lines",),
}


def serve(candidate: str, server: str, connections: int) -> None:
    """Listen on loopback, print the port, serve until killed."""
    name, _, variant = candidate.partition(", ")
    asyncore, base = _modules(name)
    if variant == "limits":
        base = importlib.import_module(f"asynchat_{name}").async_chat
    handler = _Whole if variant == "one callback" else _HANDLERS[server]
    channel = type("Channel", (handler, base), {})

    class Listener(asyncore.dispatcher):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.create_socket(socket.AF_INET, socket.SOCK_STREAM)
            self.bind(("127.0.0.1", 0))
            self.listen(1024)
            print(self.socket.getsockname()[1], flush=True)

        def handle_accepted(self, sock: Any, addr: Any) -> None:
            # As all other candidates do by themselves.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            channel(sock).set_terminator(b"\n")

    Listener()
    asyncore.loop(use_poll=connections > SELECTS)


def _modules(name: str) -> tuple[Any, Any]:
    """Return the module asyncore of the reference or of a backend, and the class async_chat that goes with it."""
    if name == "pyasynchat":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asynchat: Any = importlib.import_module("asynchat")
            return importlib.import_module("asyncore"), asynchat.async_chat
    backend = importlib.import_module(f"asynchat_{name}")
    return backend.asyncore, backend.asynchat.async_chat


class _Lines:
    """Echo lines."""

    # Of async_chat, the documented ones.
    incoming: list[bytes]
    push: Any
    push_with_producer: Any
    set_terminator: Any

    def collect_incoming_data(self, data: bytes) -> None:
        self.incoming.append(data)

    def found_terminator(self) -> None:
        self.push(self.taken() + b"\n")

    def taken(self) -> bytes:
        """Return the frame."""
        data = b"".join(self.incoming)
        self.incoming.clear()
        return data


class _Whole:
    """Echo lines, by the one callback for a whole frame."""

    push: Any

    def frame_received(self, frame: bytes) -> None:
        self.push(frame + b"\n")


class _Bodies(_Lines):
    """Echo headers and bodies."""

    header = b""

    def found_terminator(self) -> None:
        data = self.taken()
        if self.header:
            self.push(self.header + b"\n" + data)
            self.header = b""
            self.set_terminator(b"\n")
        else:
            self.header = data
            self.set_terminator(int(data))


class _Lazy:
    """256 MiB, made as they are sent."""

    def __init__(self) -> None:
        self.left = 256 * MIB
        self.piece = b"p" * 65536

    def more(self) -> bytes:
        self.left -= len(self.piece)
        return self.piece if self.left >= 0 else b""


class _Producing(_Lines):
    """Answer by a producer."""

    def found_terminator(self) -> None:
        self.taken()
        self.push_with_producer(_Lazy())


class _Pushing(_Lines):
    """Answer by many pushes."""

    def found_terminator(self) -> None:
        for _ in range(int(self.taken())):
            self.push(PIECE)


class _Room(_Lines):
    """Send each line to all."""

    members: list[Any] = []  # noqa: RUF012 - one room for all

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)  # type: ignore[call-arg]
        self.members.append(self)

    def found_terminator(self) -> None:
        line = self.taken() + b"\n"
        for member in self.members:
            member.push(line)


_HANDLERS: dict[str, type] = {
    "lines": _Lines,
    "bodies": _Bodies,
    "producer": _Producing,
    "pushes": _Pushing,
    "room": _Room,
}
