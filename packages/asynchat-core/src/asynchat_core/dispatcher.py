"""The dispatcher: a socket that lives in a map of channels, once for every readiness loop."""

from __future__ import annotations

import os
import socket as _socket
import sys
from errno import (
    EAGAIN,
    EALREADY,
    EBADF,
    ECONNABORTED,
    ECONNRESET,
    EHOSTUNREACH,
    EINPROGRESS,
    EINVAL,
    EISCONN,
    EMFILE,
    ENETDOWN,
    ENETUNREACH,
    ENFILE,
    ENOBUFS,
    ENOMEM,
    ENOTCONN,
    EPERM,
    EPIPE,
    EPROTO,
    ESHUTDOWN,
    ETIMEDOUT,
    EWOULDBLOCK,
)
from types import ModuleType
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from .channels import LEAVES_LOOP, AnyMap, Driver, NothingToRead, driver_of, known_driver, log
from .reactor import READ, WRITE, Reactor

#: The connection is gone, whatever the network calls it (O18 of the defects): ``handle_close``, not ``handle_error``.
DISCONNECTED = frozenset(
    {ECONNRESET, ENOTCONN, ESHUTDOWN, ECONNABORTED, EPIPE, EBADF, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN}
)
# accept() failed for the one client, or for now: the listener stays.
_CLIENT_GONE = frozenset({EWOULDBLOCK, EAGAIN, ECONNABORTED, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH, ENETUNREACH})
_OUT_OF_RESOURCES = frozenset({EMFILE, ENFILE, ENOBUFS, ENOMEM})
# Seconds that a listener rests when the process has no descriptor left.
_ACCEPT_REST = 0.2
# Connections taken in one turn.
_ACCEPTS_PER_TURN = 100


class dispatcher:  # noqa: N801 - the documented name
    """
    A socket and its event handlers.

    Args:
        sock: a socket, made non-blocking here; without one, call ``create_socket`` or ``set_socket``.
        map: the map of channels to live in; None for the backend's ``socket_map``.

    A subclass overrides the ``handle_*`` methods, in any of which all others may be called. An exception in one goes to
    ``handle_error`` and hurts no other channel; ExitNow, KeyboardInterrupt and SystemExit leave the loop.
    """

    debug = False
    connected = False
    accepting = False
    connecting = False
    closing = False
    addr: Any = None
    ignore_log_types: frozenset[str] = frozenset({"warning"})
    #: Small sends leave at once; without it a peer that pipelines waits 40 ms.
    tcp_nodelay = True
    family_and_type: tuple[int, int]

    #: The module whose globals ``socket_map`` and ``socket`` this family of channels uses.
    _home: ClassVar[ModuleType]
    _reactor_type: ClassVar[type[Reactor]]
    _leaves_loop: ClassVar[tuple[type[BaseException], ...]] = LEAVES_LOOP

    socket: Any
    _fileno: int | None
    _map: Any
    # End of stream seen, so that nothing is read any more; a listener rests.
    _at_eof: bool = False
    _resting: bool = False

    def __init__(self, sock: Any = None, map: AnyMap | None = None) -> None:
        self._map = self._home.socket_map if map is None else map
        self._fileno = None
        self.socket = None
        if sock:
            sock.setblocking(False)
            self._adopt(sock, map)

    def _adopt(self, sock: Any, map: AnyMap | None) -> None:
        try:
            self.addr = sock.getpeername()
            self.connected = True
        except OSError as error:
            if error.errno not in (ENOTCONN, EINVAL):
                sock.close()
                raise
            # Not connected yet, or not any more: the peer of an accepted socket may have reset it by now.
            self.connected = bool(sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR))
        self.set_socket(sock, map)

    def __repr__(self) -> str:
        status = [f"{type(self).__module__}.{type(self).__qualname__}"]
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

    # --- the map

    def add_channel(self, map: AnyMap | None = None) -> None:
        """Enter ``map``, or the channel's own, under the socket's descriptor."""
        target = self._map if map is None else map
        fd = self.socket.fileno() if self._fileno is None and self.socket is not None else self._fileno
        self._fileno = fd
        self._at_eof = False
        assert fd is not None, "a channel without a socket cannot enter a map"
        target[fd] = self

    def del_channel(self, map: AnyMap | None = None) -> None:
        """Leave ``map``, or the channel's own; the socket stays open, and the loop has forgotten it (FDR-005)."""
        target = self._map if map is None else map
        fd, self._fileno = self._fileno, None
        if fd is None:
            return
        if target.get(fd) is self:
            del target[fd]
        driver = known_driver(target)
        if driver is not None:
            driver.dropped(fd, self)

    def _driver(self) -> Driver:
        return driver_of(self._map, self._reactor_type)

    def _output_changed(self) -> None:
        """Tell the loop that what this channel waits for may have changed."""
        fd = self._fileno
        if fd is not None:
            driver = known_driver(self._map)
            if driver is not None:
                driver.changed(fd)

    # --- the socket

    def create_socket(self, family: int = _socket.AF_INET, type: int = _socket.SOCK_STREAM) -> None:
        """Make a non-blocking socket and enter the map; nothing is watched before ``connect`` or ``listen``."""
        self.family_and_type = family, type
        sock = self._home.socket.socket(family, type)
        sock.setblocking(False)
        self.set_socket(sock)

    def set_socket(self, sock: Any, map: AnyMap | None = None) -> None:
        """Take ``sock`` as the channel's socket and enter the map."""
        self.socket = sock
        self._fileno = sock.fileno()
        if self.tcp_nodelay and getattr(sock, "family", None) in (_socket.AF_INET, _socket.AF_INET6):
            try:
                sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            except (OSError, AttributeError):
                # A datagram socket, or something that only looks like a socket.
                pass
        self.add_channel(map)

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
        self._output_changed()

    def bind(self, addr: Any) -> None:
        """Bind the socket to ``addr``. Raises OSError that names the address when it cannot be had."""
        self.addr = addr
        try:
            self.socket.bind(addr)
        except OSError as error:
            error.filename = None
            if error.strerror and repr(addr) not in error.strerror:
                error.strerror = f"{error.strerror}: cannot bind to {addr!r}"
            raise

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
            self._output_changed()
        elif error in (0, EISCONN):
            self.addr = address
            if self._fileno is None:
                self.add_channel()
            self.handle_connect_event()
            self._output_changed()
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
        try:
            pair = self.socket.accept()
        except OSError as error:
            if error.errno in _OUT_OF_RESOURCES:
                self._rest(error)
            elif error.errno not in _CLIENT_GONE:
                raise
            return None
        except TypeError:
            # A stand-in for a socket that has no connection says so by returning None.
            return None
        return None if pair is None else tuple(pair)

    def send(self, data: Any) -> int:
        """Send and return how many bytes the kernel took: 0 when it has no room, or the peer is gone (ERR-011)."""
        try:
            return int(self.socket.send(data))
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno not in DISCONNECTED:
                raise
            self._lost()
            return 0

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
            self._lost()
            return b""
        if not data and not self._is_datagram():
            self._lost()
        return data

    def close(self) -> None:
        """Leave the map and close the socket; harmless when it is closed."""
        self.connected = False
        self.accepting = False
        self.connecting = False
        self.del_channel()
        if self.socket is not None:
            try:
                self.socket.close()
            except OSError as error:
                if error.errno not in (ENOTCONN, EBADF):
                    raise

    def _is_datagram(self) -> bool:
        return getattr(self.socket, "type", None) == _socket.SOCK_DGRAM

    def _lost(self) -> None:
        """The connection is over: say so once, and never look for input again (CLS-010, EOF-011)."""
        if not self._at_eof:
            self._at_eof = True
            self._output_changed()
            self.handle_close()

    def _rest(self, error: OSError) -> None:
        if not self._resting:
            self._resting = True
            self.log_info(f"accepting rests for {_ACCEPT_REST} s: {error}", "error")
            self._driver().call_later(_ACCEPT_REST, self._rested)
            self._output_changed()

    def _rested(self) -> None:
        self._resting = False
        self._output_changed()

    # --- what the loop asks

    def readable(self) -> bool:
        """Return whether the loop is to wait for input. An override is asked before each wait (LOP-008)."""
        return True

    def writable(self) -> bool:
        """Return whether the loop is to wait for room to write. An override is asked before each wait (LOP-008)."""
        return True

    def _interest(self) -> tuple[int, bool]:
        """Return what the loop is to watch, and whether to ask again before the next wait."""
        asks_read, asks_write, wants_write = _own_predicates(type(self))
        asked = asks_read or asks_write
        if self.accepting:
            return (0 if self._resting or (asks_read and not self.readable()) else READ), asked
        settled = self.connected or self.connecting
        if not settled and not self._is_usable():
            return 0, True
        mask = 0
        if not self._at_eof and not (self.connecting and not asks_read) and (not asks_read or self.readable()):
            mask = READ
        if self.writable() if asks_write else self.connecting or self._has_output(wants_write):
            mask |= WRITE
        return mask, asked or not settled

    def _is_usable(self) -> bool:
        """Whether a socket that nobody called connected can have events: a stream that is not would only hang up."""
        if getattr(self.socket, "type", None) != _socket.SOCK_STREAM:
            return self.socket is not None
        try:
            self.socket.getpeername()
        except OSError:
            return False
        return True

    def _has_output(self, handles_write: bool) -> bool:
        """Whether to wait for room to write, when ``writable`` is not overridden: only if somebody cares (L07)."""
        return handles_write

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
            self._output_changed()

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
            dispatcher.close(self)

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

    # --- diagnostics

    def log(self, message: Any) -> None:
        """Log a hit."""
        log.info("%s", message)

    def log_info(self, message: Any, type: str = "info") -> None:
        """Log a diagnostic: ``type`` is info, warning or error, or of ``ignore_log_types``."""
        if type not in self.ignore_log_types:
            log.log(
                _LOG_LEVELS.get(type, 20), "%s", message, exc_info=type == "error" and sys.exc_info()[0] is not None
            )


_LOG_LEVELS = {"warning": 30, "error": 40}


def _own_predicates(cls: type) -> tuple[bool, bool, bool]:
    """Return whether a class has a readable(), a writable() and a handle_write() that are not ours."""
    known = _predicates_of.get(cls)
    if known is None:
        modules = [getattr(getattr(cls, name), "__module__", "") for name in ("readable", "writable", "handle_write")]
        reads, writes, handles = (module.rpartition(".")[0] != __package__ for module in modules)
        known = _predicates_of[cls] = reads, writes, handles
    return known


_predicates_of: WeakKeyDictionary[type, tuple[bool, bool, bool]] = WeakKeyDictionary()


def compact_traceback() -> tuple[tuple[str, str, str], type[BaseException], BaseException, str]:
    """
    Describe the exception that is being handled: (file, function, line), its type, itself, and its way in one line.

    Raises:
        AssertionError: none is.
    """
    kind, value, traceback = sys.exc_info()
    if kind is None or value is None or traceback is None:
        raise AssertionError("traceback does not exist")
    steps = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        steps.append((code.co_filename, code.co_name, str(traceback.tb_lineno)))
        traceback = traceback.tb_next
    return steps[-1], kind, value, " ".join(f"[{file}|{function}|{line}]" for file, function, line in steps)
