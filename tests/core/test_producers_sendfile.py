"""Files sent by the kernel, over real sockets."""

from __future__ import annotations

import gzip
import io
import os
import socket
from collections.abc import Callable, Iterator
from errno import EINVAL, EIO, EPIPE
from pathlib import Path
from typing import Any

import pytest

from asynchat_core.filesending import send_file

from .memory import Chat

needs_sendfile = pytest.mark.skipif(not hasattr(os, "sendfile"), reason="the system has no sendfile")


class Kernel:
    """``os.sendfile``, counted; a ``failure`` is raised instead."""

    def __init__(self, sendfile: Callable[..., int]) -> None:
        self.sendfile = sendfile
        self.calls = 0
        self.failure: BaseException | None = None

    def __call__(self, *args: int) -> int:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        return self.sendfile(*args)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return two connected sockets, the first of them non-blocking."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """Count the calls of sendfile, in the one place that makes them."""
    kernel = Kernel(os.sendfile)
    monkeypatch.setattr(os, "sendfile", kernel)
    return kernel


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file of ten digits."""
    path = tmp_path / "digits"
    path.write_bytes(b"0123456789")
    return path


class CountingChat(Chat):
    """A chat with a send of its own, as for TLS."""

    def send(self, data: Any) -> int:
        return super().send(data)


@needs_sendfile
class TestChannel:
    """Which channels let the kernel send."""

    def test_a_plain_one(self, pair: Any, kernel: Kernel, path: Path) -> None:
        """On a plain socket no byte is read."""
        chat = Chat(b"\n", pair[0])
        chat.push_file(path.open("rb"), 2, 5)

        assert pair[1].recv(100) == b"23456"
        assert kernel.calls == 1

    @pytest.mark.parametrize("how", ["class", "instance", "socket"])
    def test_bytes_that_must_pass_through_send(self, pair: Any, kernel: Kernel, path: Path, how: str) -> None:
        """Where a class, an instance or a socket of another kind wants to see each byte, the file is read."""

        class Wrapped:
            send, close = pair[0].send, pair[0].close

        chat = (CountingChat if how == "class" else Chat)(b"\n", Wrapped() if how == "socket" else pair[0])
        if how == "instance":
            send = chat.send
            chat.send = lambda data: send(data)
        chat.push_file(path.open("rb"))

        assert pair[1].recv(100) == b"0123456789"
        assert kernel.calls == 0

    def test_what_is_unpacked(self, pair: Any, kernel: Kernel, path: Path) -> None:
        """Of a GzipFile leaves what it reads, not what its descriptor holds."""
        with gzip.open(path, "wb") as packed:
            packed.write(b"unpacked")
        raw = path.open("rb")
        with raw:
            Chat(b"\n", pair[0]).push_file(gzip.GzipFile(fileobj=raw))

        assert pair[1].recv(100) == b"unpacked"
        assert kernel.calls == 0

    def test_what_was_just_written(self, pair: Any, kernel: Kernel, path: Path) -> None:
        """What a file that is also written holds back is sent too."""
        file = path.open("r+b")
        file.write(b"abc")
        Chat(b"\n", pair[0]).push_file(file, 0)

        assert pair[1].recv(100) == b"abc3456789"
        assert kernel.calls == 2

    @pytest.mark.parametrize("failure", [OSError(EINVAL, "no"), OverflowError()])
    def test_what_the_kernel_refuses(self, pair: Any, kernel: Kernel, path: Path, failure: BaseException) -> None:
        """A file that the kernel does not take is read."""
        kernel.failure = failure
        Chat(b"\n", pair[0]).push_file(path.open("rb"))

        assert pair[1].recv(100) == b"0123456789"

    def test_the_peer_is_gone(self, pair: Any, kernel: Kernel, path: Path) -> None:
        """A lost connection is a handle_close, no error."""
        kernel.failure = BrokenPipeError(EPIPE, "gone")
        chat, file = Chat(b"\n", pair[0]), path.open("rb")
        chat.push_file(file)

        assert chat.trace == ["close"]
        assert file.closed

    def test_no_room(self, pair: Any, kernel: Kernel, path: Path) -> None:
        """When the socket is full the channel waits, and all arrives."""
        data = os.urandom(2 << 20)
        path.write_bytes(data)
        chat, received = Chat(b"\n", pair[0]), b""
        chat.push_file(path.open("rb"))
        assert chat.writable()
        while len(received) < len(data):
            received += pair[1].recv(1 << 20)
            chat.handle_write()

        assert received == data
        assert not chat.writable()

    def test_another_error(self, pair: Any, kernel: Kernel, path: Path) -> None:
        """Any other error is the program's to see."""
        kernel.failure = OSError(EIO, "broken disk")
        with pytest.raises(OSError, match="broken disk"):
            Chat(b"\n", pair[0]).push_file(path.open("rb"))


class TestSystem:
    """What the system must have."""

    def test_without_sendfile(self, pair: Any, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        """Where there is no sendfile the file is read."""
        monkeypatch.delattr(os, "sendfile", raising=False)
        Chat(b"\n", pair[0]).push_file(path.open("rb"))

        assert pair[1].recv(100) == b"0123456789"

    def test_datagrams(self, path: Path) -> None:
        """A file is no datagram."""
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
            path.open("rb") as file,
            pytest.raises(NotImplementedError),
        ):
            send_file(sock, file, 0, 1)

    def test_memory(self, pair: Any) -> None:
        """What is no file of the system is read."""
        with pytest.raises(NotImplementedError):
            send_file(pair[0], io.BytesIO(b"a"), 0, 1)
