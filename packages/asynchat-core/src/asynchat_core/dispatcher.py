"""The dispatcher: a socket that lives in a map of channels, once for every readiness loop."""

from __future__ import annotations

import socket as _socket
from collections.abc import Callable
from errno import EBADF, EINVAL, ENOTCONN
from types import ModuleType
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from .agenda import Timer
from .channels import AnyMap, Driver, driver_of, known_driver
from .reactor import READ, WRITE, Reactor
from .sockets import SocketChannel


class dispatcher(SocketChannel):  # noqa: N801 - the documented name
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
    #: Small sends leave at once; without it a peer that pipelines waits 40 ms.
    tcp_nodelay = True
    family_and_type: tuple[int, int]

    #: The module whose globals ``socket_map`` and ``socket`` this family of channels uses.
    _ac_home: ClassVar[ModuleType]
    _ac_reactor_type: ClassVar[type[Reactor]]

    socket: Any
    _fileno: int | None
    _map: Any

    def __init__(self, sock: Any = None, map: AnyMap | None = None) -> None:
        self._map = self._ac_home.socket_map if map is None else map
        self._fileno = None
        self.socket = None
        if sock:
            sock.setblocking(False)
            self._ac_adopt(sock, map)

    def _ac_adopt(self, sock: Any, map: AnyMap | None) -> None:
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

    # --- the map

    def add_channel(self, map: AnyMap | None = None) -> None:
        """Enter ``map``, or the channel's own, under the socket's descriptor; without a socket do nothing (L43)."""
        target = self._map if map is None else map
        fd = self.socket.fileno() if self._fileno is None and self.socket is not None else self._fileno
        self._fileno = fd
        if self._ac_at_eof:
            self._ac_at_eof = self._ac_gone = False
        if fd is not None:
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

    def _ac_driver(self) -> Driver:
        return driver_of(self._map, self._ac_reactor_type)

    def _ac_call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        return self._ac_driver().call_later(delay, callback)

    def _ac_check_thread(self) -> None:
        """Raise RuntimeError outside the thread that runs the channel's loop (debug mode)."""
        driver = known_driver(self._map)
        if driver is not None:
            driver.check_thread(self)

    def _ac_is_driven(self) -> bool:
        driver = known_driver(self._map)
        return driver is not None and driver.driving

    def _ac_output_changed(self) -> None:
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
        sock = self._ac_home.socket.socket(family, type)
        sock.setblocking(False)
        self.set_socket(sock)

    def set_socket(self, sock: Any, map: AnyMap | None = None) -> None:
        """Take ``sock`` as the channel's socket and enter the map."""
        self.socket = sock
        self._fileno = sock.fileno()
        if self.tcp_nodelay:
            send_at_once(sock)
        self.add_channel(map)

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
        self._ac_tell_closed()

    # --- what the loop asks

    def readable(self) -> bool:
        """Return whether the loop is to wait for input. An override is asked before each wait (LOP-008)."""
        return True

    def writable(self) -> bool:
        """Return whether the loop is to wait for room to write. An override is asked before each wait (LOP-008)."""
        return True

    def _ac_interest(self) -> tuple[int, bool]:
        """Return what the loop is to watch, and whether to ask again before the next wait."""
        asks_read, asks_write, wants_write = _own_predicates(type(self))
        asked = asks_read or asks_write
        if self.accepting:
            return (0 if self._ac_resting or (asks_read and not self.readable()) else READ), asked
        settled = self.connected or self.connecting
        if not settled and not self._ac_is_usable():
            return 0, True
        mask = 0
        listens = not self._ac_at_eof and self._ac_wants_input() and (asks_read or not self.connecting)
        if listens and (not asks_read or self.readable()):
            mask = READ
        if self.writable() if asks_write else self.connecting or self._ac_has_output(wants_write):
            mask |= WRITE
        return mask, asked or not settled

    def _ac_is_usable(self) -> bool:
        """Whether a socket that nobody called connected can have events: a stream that is not would only hang up."""
        if getattr(self.socket, "type", None) != _socket.SOCK_STREAM:
            return self.socket is not None
        try:
            self.socket.getpeername()
        except OSError:
            return False
        return True

    def _ac_wants_input(self) -> bool:
        """Whether to wait for input, whatever ``readable`` says."""
        return True

    def _ac_has_output(self, handles_write: bool) -> bool:
        """Whether to wait for room to write, when ``writable`` is not overridden: only if somebody cares (L07)."""
        return handles_write


def send_at_once(sock: Any) -> None:
    """Let a TCP socket's small sends not wait for the peer's acknowledgement."""
    if getattr(sock, "family", None) in (_socket.AF_INET, _socket.AF_INET6):
        try:
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        except (OSError, AttributeError):
            # A datagram socket, or something that only looks like a socket.
            pass


def handles_write(cls: type) -> bool:
    """Return whether a class has a handle_write() of its own, which is to be called when there is room."""
    return _own_predicates(cls)[2]


def _own_predicates(cls: type) -> tuple[bool, bool, bool]:
    """Return whether a class has a readable(), a writable() and a handle_write() that are not ours."""
    known = _predicates_of.get(cls)
    if known is None:
        modules = [getattr(getattr(cls, name), "__module__", "") for name in ("readable", "writable", "handle_write")]
        reads, writes, handles = (module.rpartition(".")[0] != __package__ for module in modules)
        known = _predicates_of[cls] = reads, writes, handles
    return known


_predicates_of: WeakKeyDictionary[type, tuple[bool, bool, bool]] = WeakKeyDictionary()
