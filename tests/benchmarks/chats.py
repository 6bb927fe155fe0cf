"""The servers as asynchat programs: one text, run on pyasynchat and on each of our backends."""

from __future__ import annotations

import importlib
import socket
import warnings
from typing import Any

MIB = 1 << 20


def modules(name: str) -> tuple[Any, Any]:
    """Return the modules asynchat and asyncore of the reference or of a backend."""
    if name == "pyasynchat":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("asynchat"), importlib.import_module("asyncore")
    backend = importlib.import_module(f"asynchat_{name}")
    return backend.asynchat, backend.asyncore


def serve(name: str, workload: str) -> None:
    """Listen on loopback, print the port, serve until killed."""
    asynchat, asyncore = modules(name)
    handler = _HANDLERS[workload](asynchat)

    class Server(asyncore.dispatcher):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.create_socket(socket.AF_INET, socket.SOCK_STREAM)
            self.bind(("127.0.0.1", 0))
            self.listen(1024)
            print(self.socket.getsockname()[1], flush=True)

        def handle_accepted(self, sock: Any, addr: Any) -> None:
            # As all other candidates do by themselves.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            handler(sock)

    Server()
    asyncore.loop()


def _lines(asynchat: Any) -> Any:
    class Lines(asynchat.async_chat):  # type: ignore[misc, name-defined]
        def __init__(self, sock: Any) -> None:
            super().__init__(sock)
            self.pieces: list[bytes] = []
            self.set_terminator(b"\n")

        def collect_incoming_data(self, data: bytes) -> None:
            self.pieces.append(data)

        def found_terminator(self) -> None:
            line = b"".join(self.pieces)
            self.pieces.clear()
            self.push(line + b"\n")

    return Lines


def _bodies(asynchat: Any) -> Any:
    class Bodies(_lines(asynchat)):  # type: ignore[misc]
        header = b""

        def found_terminator(self) -> None:
            data = b"".join(self.pieces)
            self.pieces.clear()
            if self.header:
                self.push(self.header + b"\n" + data)
                self.header = b""
                self.set_terminator(b"\n")
            else:
                self.header = data
                self.set_terminator(int(data))

    return Bodies


class _Lazy:
    """256 MiB, made as they are sent."""

    def __init__(self) -> None:
        self.left = 256 * MIB
        self.piece = b"p" * 65536

    def more(self) -> bytes:
        self.left -= len(self.piece)
        return self.piece if self.left >= 0 else b""


def _producer(asynchat: Any) -> Any:
    class Producing(_lines(asynchat)):  # type: ignore[misc]
        def found_terminator(self) -> None:
            self.pieces.clear()
            self.push_with_producer(_Lazy())

    return Producing


def _pushes(asynchat: Any) -> Any:
    class Pushing(_lines(asynchat)):  # type: ignore[misc]
        def found_terminator(self) -> None:
            count = int(b"".join(self.pieces))
            self.pieces.clear()
            for _ in range(count):
                self.push(b"twenty bytes of data")

    return Pushing


def _room(asynchat: Any) -> Any:
    members: list[Any] = []

    class Member(_lines(asynchat)):  # type: ignore[misc]
        def __init__(self, sock: Any) -> None:
            super().__init__(sock)
            members.append(self)

        def found_terminator(self) -> None:
            line = b"".join(self.pieces) + b"\n"
            self.pieces.clear()
            for member in members:
                member.push(line)

        def handle_close(self) -> None:
            if self in members:
                members.remove(self)
            self.close()

    return Member


_HANDLERS = {"lines": _lines, "bodies": _bodies, "producer": _producer, "pushes": _pushes, "room": _room}
