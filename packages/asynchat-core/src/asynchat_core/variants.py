"""Dispatchers of another kind: with a buffer for output, and on a file descriptor that is no socket."""

from __future__ import annotations

import os
import socket
import warnings
from typing import TYPE_CHECKING, Any

from ._sources import as_bytes
from .channels import AnyMap
from .dispatcher import dispatcher

if TYPE_CHECKING:
    _Mixin = dispatcher
else:
    _Mixin = object

_LARGEST_SEND = 65536


class BufferedSending(_Mixin):
    """What a dispatcher with a buffer for output adds to one, on every loop."""

    #: What is not sent yet; a program may read, replace or extend it.
    out_buffer: bytes | bytearray

    def __init__(self, sock: Any = None, map: Any = None) -> None:
        super().__init__(sock, map)
        self.out_buffer = bytearray()

    def initiate_send(self) -> None:
        """Send once from ``out_buffer``, at most 65536 bytes."""
        buffer = self._ac_buffer()
        if buffer and self.connected:
            count = super().send(bytes(memoryview(buffer)[:_LARGEST_SEND]))
            del buffer[:count]

    def send(self, data: Any) -> int:
        """Queue ``data`` and send what goes at once. Returns its length. Raises TypeError for anything but bytes."""
        data = as_bytes(data)
        if self.debug:
            self.log_info(f"sending {data!r}")
        self._ac_buffer().extend(data)
        self.initiate_send()
        return len(data)

    def handle_write(self) -> None:
        """Send what is queued."""
        self.initiate_send()

    def writable(self) -> bool:
        """Return whether there is output, or no connection yet."""
        return not self.connected or len(self.out_buffer) > 0

    def _ac_buffer(self) -> bytearray:
        # A bytearray drops its front in constant time; a program may have put plain bytes in its place.
        if not isinstance(self.out_buffer, bytearray):
            self.out_buffer = bytearray(self.out_buffer)
        return self.out_buffer

    def _ac_has_output(self, handles_write: bool) -> bool:
        return len(self.out_buffer) > 0

    def _ac_interest(self) -> tuple[int, bool]:
        # Programs fill out_buffer themselves, which nothing tells the loop of.
        return super()._ac_interest()[0], True


class dispatcher_with_send(BufferedSending, dispatcher):  # noqa: N801 - the documented name
    """A dispatcher whose ``send`` takes everything, and sends the rest of it when there is room."""


class file_wrapper:  # noqa: N801 - the documented name
    """
    Make a file descriptor look like a socket, as far as a dispatcher needs.

    Args:
        fd: duplicated here; the caller keeps and closes its own.
    """

    def __init__(self, fd: int) -> None:
        self.fd = os.dup(fd)

    def __del__(self) -> None:
        if self.fd >= 0:
            warnings.warn(f"unclosed file {self!r}", ResourceWarning, source=self, stacklevel=1)
        self.close()

    def recv(self, size: int) -> bytes:
        """Read up to ``size`` bytes."""
        return os.read(self.fd, size)

    def send(self, data: bytes) -> int:
        """Write; return how many bytes were taken."""
        return os.write(self.fd, data)

    read = recv
    write = send

    def getsockopt(self, level: int, optname: int, buflen: int | None = None) -> int:
        """Return 0 for the error state, the one option that a dispatcher asks for."""
        if level == socket.SOL_SOCKET and optname == socket.SO_ERROR and not buflen:
            return 0
        raise NotImplementedError(f"a file has no socket option {level}, {optname}: only SO_ERROR is answered")

    def close(self) -> None:
        """Close the duplicate; idempotent."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def fileno(self) -> int:
        """Return the descriptor, -1 when closed."""
        return self.fd


class file_dispatcher(dispatcher):  # noqa: N801 - the documented name
    """
    A dispatcher on a pipe, a terminal or another descriptor (MIX-007).

    Args:
        fd: a descriptor, or an object with ``fileno()``. It is made non-blocking, and the open file is shared with
            whoever else has it.
        map: as for ``dispatcher``.
    """

    def __init__(self, fd: Any, map: AnyMap | None = None) -> None:
        dispatcher.__init__(self, None, map)
        self.connected = True
        number = fd.fileno() if hasattr(fd, "fileno") else fd
        self.set_file(number)
        os.set_blocking(number, False)

    def set_file(self, fd: int) -> None:
        """Take a duplicate of ``fd`` in place of a socket, and enter the map."""
        self.socket = file_wrapper(fd)
        self._fileno = self.socket.fileno()
        self.add_channel()
