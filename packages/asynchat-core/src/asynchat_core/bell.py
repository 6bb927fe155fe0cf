"""A channel that threads and signals ring: it ends the wait of any loop, also of one without a way of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from .sockets import SocketChannel

if TYPE_CHECKING:
    _Mixin = SocketChannel
else:
    _Mixin = object


class Bell(_Mixin):
    """
    Half a pair of sockets, in the map; each backend's is this over its dispatcher.

    While it is there its loop runs, even with nothing else in the map.
    """

    _rung: Callable[[bytes], object]
    _write_end: socket.socket
    _lock: Any

    def hang(self, write_end: socket.socket, rung: Callable[[bytes], object]) -> None:
        """Call ``rung(bytes)`` in the loop's thread when it was rung; the bytes are those that were written."""
        write_end.setblocking(False)
        self._write_end, self._rung, self._lock = write_end, rung, Lock()

    def ring(self) -> None:
        """Wake the loop; from any thread. Harmless when closed."""
        # It may be full of earlier rings, or closed.
        with self._lock, suppress(OSError):
            self._write_end.send(b"\0")

    def ring_from_signal(self) -> None:
        """Wake the loop from a signal's handler, which may interrupt ``ring`` itself: without its lock."""
        with suppress(OSError):
            self._write_end.send(b"\0")

    def fileno(self) -> int:
        """Return the descriptor to write to, for ``signal.set_wakeup_fd``."""
        return self._write_end.fileno()

    def writable(self) -> bool:
        """Return False: nothing is written."""
        return False

    def handle_read(self) -> None:
        """Take what was written."""
        data = self.recv(4096)
        if data:
            self._rung(data)

    def close(self) -> None:
        """Take it down."""
        super().close()
        with self._lock:
            self._write_end.close()


def hang_bell(bell_type: Callable[..., Bell], map: Any, rung: Callable[[bytes], object]) -> Bell:
    """Make a bell in ``map``."""
    read_end, write_end = socket.socketpair()
    bell = bell_type(read_end, map)
    bell.hang(write_end, rung)
    return bell
