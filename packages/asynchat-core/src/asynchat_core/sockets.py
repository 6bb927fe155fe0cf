"""What a channel does with its socket, the same on every loop."""

from __future__ import annotations

import os
import socket as _socket
import struct
import sys
from errno import (
    EAGAIN,
    EALREADY,
    EBADF,
    ECONNABORTED,
    ECONNRESET,
    EHOSTUNREACH,
    EINPROGRESS,
    EISCONN,
    ENETDOWN,
    ENETUNREACH,
    ENOTCONN,
    EPERM,
    EPIPE,
    EPROTO,
    ESHUTDOWN,
    ETIMEDOUT,
    EWOULDBLOCK,
)
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from .diagnostics import OUT_OF_RESOURCES, class_name, compact_traceback, shortage
from .filesending import send_file
from .watch import LEAVES_LOOP, NothingToRead, log

if TYPE_CHECKING:
    from collections.abc import Callable

    from .agenda import Timer
    from .metering import Counts

#: The connection is gone, whatever the network calls it (O18 of the defects): ``handle_close``, not ``handle_error``.
DISCONNECTED = frozenset(
    {ECONNRESET, ENOTCONN, ESHUTDOWN, ECONNABORTED, EPIPE, EBADF, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN}
)
# accept() failed for the one client, or for now: the listener stays.
_CLIENT_GONE = frozenset({EWOULDBLOCK, EAGAIN, ECONNABORTED, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH, ENETUNREACH})
# Seconds that a listener rests when the process has no descriptor left.
_ACCEPT_REST = 0.2
# Connections taken in one turn.
_ACCEPTS_PER_TURN = 100
# Bytes of unread input that are dropped before a socket is closed, so that the close is no reset.
_MOST_DRAINED = 1048576


class ProxiedSocket(_socket.socket):
    """
    A connection that a balancer made for a client: the client's address is the peer's.

    Args:
        sock: detached; this has its descriptor.
        client: the address.
    """

    def __init__(self, sock: _socket.socket, client: Any) -> None:
        super().__init__(sock.family, sock.type, sock.proto, sock.detach())
        self._client = client

    def getpeername(self) -> Any:
        """Return the client's address."""
        return self._client


# Others, as TLS sockets, have their own way to end, and their bytes are not ours to drop.
_PLAIN_SOCKETS = (_socket.socket, ProxiedSocket)


class Owner(Protocol):
    """Who is told when a channel closes: a listener, a try to connect."""

    def channel_closed(self, channel: Any) -> None:
        """Learn that ``channel`` is closed."""


class SocketChannel:
    """
    Connect, accept, send, receive, and the events of a socket with what is raised in their handlers.

    It is a part of every backend's dispatcher. Of the rest it needs the map (``add_channel``, ``del_channel``), the
    socket and its flags, and two ways to speak to the loop: ``_ac_output_changed()`` and
    ``_ac_call_later(delay, callback)``.
    """

    ignore_log_types: frozenset[str] = frozenset({"warning"})
    _ac_leaves_loop: ClassVar[tuple[type[BaseException], ...]] = LEAVES_LOOP

    if TYPE_CHECKING:
        addr: Any
        connected: bool
        accepting: bool
        connecting: bool
        socket: Any
        _fileno: int | None
        _map: Any
        add_channel: Callable[..., None]
        del_channel: Callable[..., None]
        set_socket: Callable[..., None]
        close: Callable[[], None]
        _ac_output_changed: Callable[[], None]
        _ac_call_later: Callable[[float, Callable[[], object]], Timer]

    # End of stream seen, so that nothing is read any more; handle_close was told of it.
    _ac_at_eof: bool = False
    _ac_gone: bool = False
    # A listener rests; it does so for lack of resources, and that was logged.
    _ac_resting: bool = False
    _ac_exhausted: bool = False
    # Who made the channel, or makes its connection, and is told when it closes.
    _ac_owner: Owner | None = None
    # The bytes that went through, where they are counted.
    _ac_counts: Counts | None = None

    def __repr__(self) -> str:
        status = [class_name(self)]
        if self.accepting and self.addr:
            status.append("listening")
        elif self.connected:
            status.append("connected")
        if self.addr is not None:
            try:
                status.append("{}:{:d}".format(*self.addr))
            except (TypeError, ValueError, IndexError):
                status.append(repr(self.addr))
        return f"<{' '.join(status)} at {id(self):#x}>"

    # --- the socket

    def set_reuse_addr(self) -> None:
        """Let a server bind its port again at once (ACC-009)."""
        try:
            self.socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        except OSError:
            pass

    def listen(self, num: int) -> None:
        """Accept connections, with a backlog of ``num``."""
        self.accepting = True
        self.socket.listen(num)
        self._ac_output_changed()

    def bind(self, addr: Any) -> None:
        """Bind the socket to ``addr``. Raises OSError that names the address when it cannot be had."""
        self.addr = addr
        try:
            self.socket.bind(addr)
        except OSError as error:
            if error.errno is None:
                raise
            raise OSError(error.errno, f"{os.strerror(error.errno)}: cannot bind to {addr!r}") from None

    def connect(self, address: Any) -> None:
        """
        Begin to connect; ``handle_connect`` tells of success, ``handle_error`` or ``handle_close`` of failure.

        A socket that is connected already calls ``handle_connect`` at once.

        Raises:
            OSError: the connection failed at once; the channel has left the map then (CON-003).
        """
        self.connected = False
        self.connecting = True
        error = self.socket.connect_ex(address)
        if error in (EINPROGRESS, EALREADY, EWOULDBLOCK):
            self.addr = address
            if self._fileno is None:
                self.add_channel()
            self._ac_output_changed()
        elif error in (0, EISCONN):
            self.addr = address
            if self._fileno is None:
                self.add_channel()
            self.handle_connect_event()
            self._ac_output_changed()
        else:
            self.connecting = False
            self.del_channel()
            raise OSError(error, f"{os.strerror(error)}: cannot connect to {address!r}")

    def accept(self) -> tuple[Any, Any] | None:
        """
        Take one waiting connection.

        Returns:
            The socket and the peer's address; None when there is none, its client has gone, or the process has no
            descriptor left, for which the listener rests a moment instead of spinning (ACC-007).
        """
        failure = None
        try:
            pair = self.socket.accept()
        except OSError as error:
            if error.errno not in _CLIENT_GONE | OUT_OF_RESOURCES:
                raise
            pair, failure = None, error.errno
        except TypeError:
            # A stand-in for a socket that has no connection says so by returning None.
            pair = None
        if failure in OUT_OF_RESOURCES:
            self._ac_rest(failure)
        elif self._ac_exhausted:
            self._ac_exhausted = False
            self.log_info("accepting goes on")
        return None if pair is None else tuple(pair)

    def send(self, data: Any) -> int:
        """Send and return how many bytes the kernel took: 0 when it has no room, or the peer is gone (ERR-011)."""
        try:
            count: int = self.socket.send(data)
            return count
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno not in DISCONNECTED:
                raise
            self._ac_lost()
            return 0

    def _ac_send_file(self, file: Any, offset: int, count: int) -> int:
        """As ``filesending.send_file``, and BlockingIOError when the peer is gone."""
        if type(self.socket) not in _PLAIN_SOCKETS or getattr(self.send, "__func__", None) is not SocketChannel.send:
            raise NotImplementedError
        try:
            return send_file(self.socket, file, offset, count)
        except OSError as error:
            if error.errno not in DISCONNECTED:
                raise
            self._ac_lost()
            raise BlockingIOError from None

    def recv(self, buffer_size: int) -> bytes:
        """
        Receive up to ``buffer_size`` bytes. At the end of the stream ``handle_close`` runs, and b"" is returned.

        Raises:
            BlockingIOError: nothing is there.
            OSError: anything but a lost connection (ERR-009).
        """
        try:
            data: bytes = self.socket.recv(buffer_size)
        except BlockingIOError as error:
            raise NothingToRead(*error.args) from None
        except OSError as error:
            if error.errno not in DISCONNECTED:
                raise
            self._ac_lost()
            return b""
        if not data and not self._ac_is_datagram():
            self._ac_ended()
        return data

    def _ac_is_datagram(self) -> bool:
        return getattr(self.socket, "type", None) == _socket.SOCK_DGRAM

    def _ac_ended(self) -> None:
        """The peer has ended its stream."""
        self._ac_lost()

    def _ac_lost(self) -> None:
        """The connection is over: say so once, and never look for input again (CLS-010, EOF-011)."""
        if not self._ac_gone:
            self._ac_gone = self._ac_at_eof = True
            self._ac_output_changed()
            self.handle_close()

    def _ac_rest(self, failure: int) -> None:
        if not self._ac_exhausted:
            # Once, for however many rests follow.
            self._ac_exhausted = True
            self.log_info(f"accepting rests: {shortage(failure)}", "error")
        if not self._ac_resting:
            self._ac_resting = True
            self._ac_call_later(_ACCEPT_REST, self._ac_rested)
            self._ac_output_changed()

    def _ac_rested(self) -> None:
        self._ac_resting = False
        self._ac_output_changed()

    def _ac_tell_closed(self) -> None:
        """Tell the owner, once, that the channel is closed."""
        if self._ac_owner is not None:
            owner, self._ac_owner = self._ac_owner, None
            owner.channel_closed(self)

    def _ac_force_close(self) -> None:
        """Leave the map and close the socket, whatever the program's own close() does."""
        self.del_channel()
        self._ac_tell_closed()
        if self.socket is not None:
            self.socket.close()

    # --- how it ends

    def _ac_shut_write(self) -> bool:
        """Tell the peer that no more will come; False for what is no plain socket, and for one that is gone."""
        if type(self.socket) not in _PLAIN_SOCKETS:
            return False
        try:
            self.socket.shutdown(_socket.SHUT_WR)
        except OSError:
            return False
        return True

    def _ac_drain_input(self) -> int:
        """Drop input that has arrived at a plain socket; return how many bytes it was, 0 at the end of the stream."""
        dropped = 0
        if type(self.socket) not in _PLAIN_SOCKETS:
            return 0
        try:
            while dropped < _MOST_DRAINED:
                data = self.socket.recv(65536)
                if not data:
                    self._ac_at_eof = True
                    return 0
                dropped += len(data)
        except OSError:
            pass
        return dropped

    def _ac_make_abrupt(self) -> None:
        """Let the close be a reset."""
        try:
            self.socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (OSError, AttributeError):
            pass

    # --- events

    def handle_read_event(self) -> None:
        """Handle readiness to read."""
        if self.accepting:
            self.handle_accept()
            return
        if not self.connected and self.connecting:
            self.handle_connect_event()
        self.handle_read()

    def handle_write_event(self) -> None:
        """Handle readiness to write."""
        if self.accepting:
            return
        if not self.connected and self.connecting:
            self.handle_connect_event()
        self.handle_write()

    def handle_connect_event(self) -> None:
        """Finish connecting. Raises OSError when it failed."""
        error = self.socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if error:
            raise OSError(error, f"{os.strerror(error)}: cannot connect to {self.addr!r}")
        self.handle_connect()
        # Closed in handle_connect, it stays closed.
        if self._fileno is not None:
            self.connected = True
            self.connecting = False
            self._ac_output_changed()

    def handle_expt_event(self) -> None:
        """Handle an exceptional condition: an error on the socket, or urgent data."""
        if self.socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR):
            self.handle_close()
        else:
            self.handle_expt()

    def handle_error(self) -> None:
        """
        Log the exception that is being handled, and close the channel; a listener stays (ERR-018).

        Called inside the ``except`` block. An override that raises makes its exception leave the loop (ERR-016).
        """
        _, kind, value, where = compact_traceback()
        try:
            name = repr(self)
        except Exception:
            name = f"<__repr__(self) failed for object at {id(self):x}>"
        stays = self.accepting
        fate = "keeping listener" if stays else "closing channel"
        try:
            self.log_info(f"uncaptured python exception, {fate} {name} ({kind}:{value} {where})", "error")
            if not stays:
                self.handle_close()
        except LEAVES_LOOP:
            raise
        except Exception:
            log.exception("closing %s after an error failed as well", name)
            self._ac_force_close()

    def handle_expt(self) -> None:
        """Handle urgent data."""
        self.log_info("unhandled incoming priority event", "warning")

    def handle_read(self) -> None:
        """Handle input: call ``recv``."""
        self.log_info("unhandled read event", "warning")

    def handle_write(self) -> None:
        """Handle room to write: call ``send``. Overridden without ``writable``, it is called in every turn."""
        self.log_info("unhandled write event", "warning")

    def handle_connect(self) -> None:
        """Handle success in connecting; ``connected`` becomes true after it (CON-002)."""
        self.log_info("unhandled connect event", "warning")

    def connection_failed(self, error: OSError) -> None:
        """
        Act on the failure of ``connect`` by name; called inside the ``except`` block, by default ``handle_error()``.

        Args:
            error: names the host, and what came of each of its addresses.
        """
        self.handle_error()

    def handle_accept(self) -> None:
        """Take the waiting connections and hand each to ``handle_accepted``; one that raises there costs no other."""
        for _ in range(_ACCEPTS_PER_TURN):
            pair = self.accept() if self.accepting else None
            if pair is None:
                return
            sock = pair[0]
            try:
                self.handle_accepted(*pair)
            except BaseException as error:
                if isinstance(error, Exception) and self._map.get(sock.fileno()) is None:
                    sock.close()
                if isinstance(error, LEAVES_LOOP) or not isinstance(error, Exception):
                    raise
                self.handle_error()

    def handle_accepted(self, sock: Any, addr: Any) -> None:
        """Handle a new connection; by default it is closed (ACC-003)."""
        sock.close()
        self.log_info("unhandled accepted event", "warning")

    def handle_close(self) -> None:
        """Handle the end of the connection; by default the channel is closed."""
        self.log_info("unhandled close event", "warning")
        self.close()

    def handle_shutdown(self) -> None:
        """
        Act on the graceful stop of the server that accepted this channel: end it, when all is sent.

        Called once, between two frames, when all that has been read is handled. An override that must finish something
        first calls this later; it has until the stop's time is over.
        """
        self.handle_close()

    def _ac_frames_ended(self) -> int:
        """Count the frames that have ended."""
        return 0

    def _ac_is_at_rest(self, frames: int, recently: bool) -> bool:
        """
        Whether nothing is unfinished here.

        Args:
            frames: those that had ended when the stop began.
            recently: whether it began a moment ago.
        """
        return not getattr(self, "out_buffer", b"")

    def _ac_has_input_waiting(self) -> bool:
        try:
            return bool(self.socket.recv(1, _socket.MSG_PEEK))
        except (OSError, ValueError, AttributeError, TypeError):
            # Nothing there, or nothing that can tell, as TLS.
            return False

    # --- diagnostics

    def log(self, message: Any) -> None:
        """Log a hit."""
        log.info("%s", message)

    def log_info(self, message: Any, type: str = "info") -> None:
        """
        Log a diagnostic, with the channel's class, ``peer`` and ``fd`` as fields of the record.

        Args:
            message: one line.
            type: info, warning or error; nothing is logged for one of ``ignore_log_types``.
        """
        if type not in self.ignore_log_types:
            log.log(
                _LOG_LEVELS.get(type, 20),
                "%s",
                message,
                exc_info=type == "error" and sys.exc_info()[0] is not None,
                extra={"channel": class_name(self), "peer": self.addr, "fd": getattr(self, "_fileno", None)},
            )


_LOG_LEVELS = {"warning": 30, "error": 40}
