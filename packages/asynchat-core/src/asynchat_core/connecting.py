"""Connect to a host by name: resolved in a thread, all its addresses tried, the first that answers taken (RFC 8305)."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from errno import EADDRNOTAVAIL, ETIMEDOUT
from itertools import chain, zip_longest
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .bell import Bell, hang_bell
from .sockets import SocketChannel

if TYPE_CHECKING:
    from .agenda import Timer

    _Mixin = SocketChannel
else:
    _Mixin = object

Address: TypeAlias = tuple[int, Any]

# Seconds that an attempt has for itself before the next one begins beside it.
_STAGGER = 0.25


class Target(NamedTuple):
    """Where to: a host and a port, or a path; and from which address of ours."""

    host: str
    port: int
    path: str | None
    local: Any

    def __str__(self) -> str:
        return repr(self.path) if self.path is not None else f"{self.host}:{self.port}"


class Connecting:
    """
    One try to connect a channel, until it is connected, has failed, or is closed.

    Args:
        handler: the channel, which has no socket yet.
        target: where to.
        timeout: seconds for all of it; None for no limit.
        attempt_type: makes the attempts, in the handler's map.
        bell_type: makes the bell that the resolver's thread rings.
    """

    def __init__(
        self,
        handler: SocketChannel,
        target: Target,
        timeout: float | None,
        attempt_type: Callable[..., Attempt],
        bell_type: Callable[..., Bell],
    ) -> None:
        self._handler = handler
        self._target = target
        self._attempt_type, self._bell_type = attempt_type, bell_type
        self._bell: Bell | None = None
        self._resolved: list[Address] | OSError = []
        self._waiting: list[Address] = []
        self._running: list[Attempt] = []
        self._failures: list[tuple[Any, OSError]] = []
        self._stagger: Timer | None = None
        self._deadline: Timer | None = None
        handler.connecting = True
        handler._ac_owner = self
        if timeout is not None:
            self._deadline = handler._ac_call_later(timeout, self._timed_out)
        addresses = _without_resolving(target)
        if addresses is not None:
            # Never within the call: no callback runs before connect() has returned.
            self._stagger = handler._ac_call_later(0, lambda: self._try(addresses))
        else:
            self._bell = hang_bell(bell_type, handler._map, self._have_resolved)
            Thread(target=self._resolve, args=(self._bell,), name="asynchat-resolver", daemon=True).start()

    # --- the name

    def _resolve(self, bell: Bell) -> None:
        """Ask for the addresses; in a thread of its own, since no system lets one ask and go on."""
        host, port = self._target.host, self._target.port
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            self._resolved = [(family, address) for family, _, _, _, address in found]
        except OSError as error:
            self._resolved = socket.gaierror(error.errno, f"cannot resolve {host!r}: {error.strerror}")
        except UnicodeError as error:
            self._resolved = socket.gaierror(socket.EAI_NONAME, f"cannot resolve {host!r}: {error}")
        bell.ring()

    def _have_resolved(self, data: bytes) -> None:
        if self._bell is not None:
            self._bell.close()
            self._bell = None
        if isinstance(self._resolved, OSError):
            self._fail(self._resolved)
        else:
            self._try(self._resolved)

    # --- the addresses

    def _try(self, addresses: list[Address]) -> None:
        self._waiting = in_turn(addresses)
        self._begin_next()

    def _begin_next(self) -> None:
        """Begin with the next address; the one after it follows soon, or at once when this fails at once."""
        self._stop_stagger()
        while self._waiting:
            family, address = self._waiting.pop(0)
            attempt = self._attempt_type(None, self._handler._map)
            self._running.append(attempt)
            attempt.begin(self, family, address, self._target.local)
            if attempt in self._running:
                if self._waiting:
                    self._stagger = self._handler._ac_call_later(_STAGGER, self._begin_next)
                return
            if not self._handler.connecting or self._handler.connected:
                return
        if not self._running:
            self._all_failed()

    def lost(self, attempt: Attempt, address: Any, error: OSError) -> None:
        """Learn that an attempt failed."""
        if attempt in self._running:
            self._running.remove(attempt)
            self._failures.append((address, error))
            attempt.close()
            if not attempt.beginning:
                self._begin_next()

    def won(self, attempt: Attempt, address: Any) -> None:
        """Learn that an attempt succeeded: the channel has its socket, and the others are given up."""
        if attempt not in self._running:
            return
        self._running.remove(attempt)
        attempt.del_channel()
        sock, attempt.socket = attempt.socket, None
        self._over()
        handler = self._handler
        handler.set_socket(sock)
        handler.addr = address
        handler.connecting = True
        try:
            handler.handle_connect_event()
        except handler._ac_leaves_loop:
            raise
        except Exception:
            handler.handle_error()

    # --- the end

    def _all_failed(self) -> None:
        if not self._failures:
            local = self._target.local
            error = OSError(EADDRNOTAVAIL, f"cannot connect to {self._target}: no address that {local!r} can reach")
        elif len(self._failures) == 1:
            only = self._failures[0][1]
            error = OSError(only.errno, f"cannot connect to {self._target}: {_reason(only)}")
        else:
            each = "; ".join(f"{address[0]}: {_reason(error)}" for address, error in self._failures)
            error = OSError(self._failures[0][1].errno, f"cannot connect to {self._target}: {each}")
        self._fail(error)

    def _timed_out(self) -> None:
        self._fail(TimeoutError(ETIMEDOUT, f"cannot connect to {self._target}: no answer in time"))

    def _fail(self, error: OSError) -> None:
        self._over()
        self._handler.connecting = False
        try:
            raise error
        except OSError:
            self._handler.connection_failed(error)

    def channel_closed(self, channel: Any) -> None:
        """Give up: the channel was closed."""
        self._over()

    def _over(self) -> None:
        """Give back everything that the try holds."""
        self._handler._ac_owner = None
        self._waiting.clear()
        self._stop_stagger()
        if self._deadline is not None:
            self._deadline.cancel()
        if self._bell is not None:
            self._bell.close()
            self._bell = None
        running, self._running = self._running, []
        for attempt in running:
            attempt.close()

    def _stop_stagger(self) -> None:
        if self._stagger is not None:
            self._stagger.cancel()
            self._stagger = None


class Attempt(_Mixin):
    """A connection to one address; each backend's is this over its dispatcher."""

    if TYPE_CHECKING:
        create_socket: Callable[[int, int], None]

    _owner: Connecting | None = None
    _address: Any = None
    #: Still within ``begin``.
    beginning: bool = False

    def begin(self, owner: Connecting, family: int, address: Any, local: Any) -> None:
        """Connect; the owner is told of success or failure, also when either comes at once."""
        self._owner, self._address, self.beginning = owner, address, True
        try:
            self.create_socket(family, socket.SOCK_STREAM)
            if local is not None:
                self.bind(local)
            self.connect(address)
        except OSError as error:
            owner.lost(self, address, error)
        finally:
            self.beginning = False

    def handle_connect(self) -> None:
        """Hand over the socket, if it is connected indeed: for a Unix socket "would block" does not mean "soon"."""
        self.socket.getpeername()
        if self._owner is not None:
            self._owner.won(self, self._address)

    def handle_error(self) -> None:
        """Learn of a failure."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handle_error()
        elif self._owner is not None:
            self._owner.lost(self, self._address, error)

    def handle_close(self) -> None:
        """Learn of a failure that has no name any more."""
        if self._owner is not None:
            self._owner.lost(self, self._address, ConnectionAbortedError("the connection was closed"))

    def handle_read(self) -> None:
        """Do nothing: input is the winner's."""

    def handle_write(self) -> None:
        """Do nothing: output is the winner's."""


def in_turn(addresses: list[Address]) -> list[Address]:
    """
    Order addresses as to try them: the resolver's order, but one family after the other in turn.

    >>> [address for family, address in in_turn([(10, "a"), (10, "b"), (2, "c"), (10, "d")])]
    ['a', 'c', 'b', 'd']
    """
    families: dict[int, list[Address]] = {}
    for entry in dict.fromkeys(addresses):
        families.setdefault(entry[0], []).append(entry)
    return [entry for entry in chain.from_iterable(zip_longest(*families.values())) if entry is not None]


def check_target(host: str | None, port: int | None, path: str | None, local: Any) -> Target:
    """Check what ``connect`` was asked for. Raises ValueError that names what is wrong."""
    if path is not None:
        if host is not None or port is not None:
            raise ValueError(f"connect to a host and port or to a path, not to both {host!r} and {path!r}")
        return Target("", 0, path, None)
    if not host or port is None:
        raise ValueError(f"host {host!r}, port {port!r}: connect needs both, or a path")
    if not 0 < port <= 65535:
        raise ValueError(f"port {port!r} is not a number from 1 to 65535")
    if isinstance(local, str):
        local = (local, 0)
    if local is not None:
        try:
            socket.getaddrinfo(local[0], local[1], flags=socket.AI_NUMERICHOST)
        except (OSError, TypeError, IndexError) as error:
            raise ValueError(f"local {local!r} is not an address of this machine, or one with a port") from error
    return Target(host, port, None, local)


def _without_resolving(target: Target) -> list[Address] | None:
    """Return the addresses of a target that is no name."""
    if target.path is not None:
        return [(socket.AF_UNIX, target.path)]
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(
            target.host, target.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
        return [(family, address) for family, _, _, _, address in found]
    return None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
