"""Both ends of the connections that checks use: a peer driven by hand, and a socket that fails on purpose."""

from __future__ import annotations

import array
import fcntl
import socket
import struct
import termios
from collections.abc import Iterable
from typing import Any

_LINGER_RESET = struct.pack("ii", 1, 0)


def unread(sock: Any) -> int:
    """Return how many bytes have arrived at ``sock`` and were not received, 0 when it is closed or listens."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(sock.fileno(), termios.FIONREAD, count)
    except (OSError, ValueError):
        return 0
    return count[0]


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Return a connected pair over loopback TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    for sock in (ours, theirs):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ours, theirs


class Peer:
    """The other end of a channel, in the same thread and never blocking. ``received`` is all that it read so far."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.received = b""
        self.at_eof = False
        self.was_reset = False

    def send(self, data: bytes) -> int:
        """Send what the kernel takes now; return how many bytes that was."""
        try:
            return self.sock.send(data)
        except (BlockingIOError, ConnectionError):
            return 0

    def receive(self, most: int = 1 << 20) -> int:
        """Read what is there into ``received``; return how many bytes that was."""
        count = 0
        while count < most:
            try:
                data = self.sock.recv(min(65536, most - count))
            except BlockingIOError:
                break
            except ConnectionError:
                self.was_reset = self.at_eof = True
                break
            except OSError:
                break
            if not data:
                self.at_eof = True
                break
            self.received += data
            count += len(data)
        return count

    def shut_write(self) -> None:
        """End the peer's stream, and go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the peer's end."""
        self.sock.close()

    def reset(self) -> None:
        """Close so that the channel sees a reset; on TCP only."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self.sock.close()


class ScriptedSocket:
    """
    A real socket whose ``recv`` and ``send`` do for once what a script says [READINESS].

    Args:
        sock: the real one.
        sends: for each ``send`` in turn: an int, the bytes taken at the most, an exception to raise, or None to pass.
        recvs: for each ``recv`` likewise.

    ``sent`` lists the length of each piece given to ``send``.
    """

    def __init__(self, sock: socket.socket, sends: Iterable[Any] = (), recvs: Iterable[Any] = ()) -> None:
        self._sock = sock
        self._sends = list(sends)
        self._recvs = list(recvs)
        self.sent: list[int] = []
        self.receives = 0

    def script(self, sends: Iterable[Any] = (), recvs: Iterable[Any] = ()) -> None:
        """Set what the next calls do."""
        self._sends, self._recvs = list(sends), list(recvs)

    def send(self, data: Any, *flags: int) -> int:
        """Send as the script says."""
        self.sent.append(len(data))
        step = self._sends.pop(0) if self._sends else None
        if isinstance(step, BaseException):
            raise step
        return self._sock.send(data if step is None else memoryview(data)[:step], *flags) if step != 0 else 0

    def recv(self, size: int, *flags: int) -> bytes:
        """Receive as the script says."""
        self.receives += 1
        step = self._recvs.pop(0) if self._recvs else None
        if isinstance(step, BaseException):
            raise step
        return self._sock.recv(size if step is None else min(size, step), *flags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
