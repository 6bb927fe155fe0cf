"""asyncore's dispatcher, its map and loop with our handling of the socket."""

from __future__ import annotations

import asyncore
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from asynchat_core.agenda import Timer
from asynchat_core.dispatcher import handles_write, send_at_once
from asynchat_core.sockets import SocketChannel
from asynchat_core.variants import BufferedSending
from asynchat_core.watch import NothingToRead

from . import _loop


class dispatcher(SocketChannel, asyncore.dispatcher):  # noqa: N801 - the documented name
    """
    A socket in asyncore's map. How it connects, accepts, sends, receives and fails is that of every other backend.

    Args:
        sock: a socket, made non-blocking here; without one, call ``create_socket`` or ``set_socket``.
        map: the map of channels to live in; None for ``asyncore.socket_map``.
    """

    #: Small sends leave at once; without it a peer that pipelines waits 40 ms.
    tcp_nodelay = True
    _ac_leaves_loop: ClassVar[tuple[type[BaseException], ...]] = _loop.LEAVES_LOOP

    def __init__(self, sock: Any = None, map: dict[int, Any] | None = None) -> None:
        try:
            asyncore.dispatcher.__init__(self, sock, map)
        except OSError:
            # asyncore leaves a socket that it cannot use open (CON-017).
            if sock is not None:
                sock.close()
            raise

    def readable(self) -> bool:
        """Return whether the loop is to wait for input: not after its end, nor while a listener rests."""
        return not self._ac_at_eof and not self._ac_resting

    def writable(self) -> bool:
        """Return whether the loop is to wait for room to write: to connect, or where somebody handles it (L07)."""
        return self.connecting or handles_write(type(self))

    def set_socket(self, sock: Any, map: dict[int, Any] | None = None) -> None:
        """Take ``sock`` as the channel's socket and enter the map."""
        if self.tcp_nodelay:
            send_at_once(sock)
        asyncore.dispatcher.set_socket(self, sock, map)

    def add_channel(self, map: dict[int, Any] | None = None) -> None:
        """Enter ``map``, or the channel's own."""
        if self._ac_at_eof:
            self._ac_at_eof = self._ac_gone = False
        if self._fileno is None and self.socket is not None:
            self._fileno = self.socket.fileno()
        asyncore.dispatcher.add_channel(self, map)

    def del_channel(self, map: dict[int, Any] | None = None) -> None:
        """Leave ``map``, or the channel's own; another channel on the same descriptor by now stays (FDR-009)."""
        channels = self._map if map is None else map
        if self._fileno is not None and channels.get(self._fileno) is self:
            asyncore.dispatcher.del_channel(self, map)
        self._fileno = None

    def close(self) -> None:
        """Leave the map and close the socket; harmless when it is closed."""
        asyncore.dispatcher.close(self)
        self._ac_tell_closed()

    def handle_read_event(self) -> None:
        """Handle readiness to read; one ``recv`` too many is no error (MIX-012)."""
        try:
            SocketChannel.handle_read_event(self)
        except NothingToRead:
            pass

    def handle_error(self) -> None:
        """Log the exception that is being handled, and close; what is to leave the loop asyncore sends here too."""
        if not isinstance(sys.exc_info()[1], Exception):
            # ERR-025
            raise
        SocketChannel.handle_error(self)

    def _ac_call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        return _loop.call_later(delay, callback, map=self._map)

    def _ac_output_changed(self) -> None:
        """Do nothing: asyncore asks ``writable()`` before each wait."""

    def _ac_is_driven(self) -> bool:
        """Return true: asyncore does not know; there ``frames_per_turn`` is only what a program sets."""
        return True

    def _ac_check_thread(self) -> None:
        """Do nothing: asyncore does not know its thread."""


class dispatcher_with_send(BufferedSending, dispatcher):  # noqa: N801 - the documented name
    """A dispatcher whose ``send`` takes everything, and sends the rest of it when there is room."""
