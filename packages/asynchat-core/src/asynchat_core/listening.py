"""Listeners: accept connections and make a channel of each, on every backend, within limits."""

from __future__ import annotations

import inspect
import socket
from collections import Counter
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from contextlib import suppress
from functools import partial
from logging import DEBUG
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias

from .binding import inherited_sockets, path_inode, remove_path, shown, tcp_sockets, unix_socket
from .proxy import ProxyError, TrustedPeers, parse_proxy_header
from .sockets import ProxiedSocket, SocketChannel
from .watch import log

if TYPE_CHECKING:
    _Mixin = SocketChannel
else:
    _Mixin = object

HandlerFactory: TypeAlias = Callable[..., Any]

# Seconds in which a trusted balancer must have sent its whole header.
_HEADER_TIMEOUT = 5.0
# A header's length at the most, with room to see that it is too long.
_HEADER_PEEK = 8192
# Rounds of accepting on the way out: the backlog of the kernel is emptied, but no flood can hold the process.
_LAST_ROUNDS = 50


class Listener:
    """
    What ``listen`` returns: the sockets that accept, and the connections that came by them.

    Attributes:
        acceptors: the dispatchers that accept, one for each address.
        accepted: connections handed to the factory so far.
        on_accept: called with each new channel, before it has read anything.
        hidden: whether it is left out of what is shown of a server.
        refused: connections closed at once, for ``max_connections_per_ip`` or a broken PROXY header.
    """

    def __init__(
        self,
        handler_factory: HandlerFactory,
        map: MutableMapping[int, Any],
        *,
        max_connections: int | None = None,
        max_connections_per_ip: int | None = None,
        proxy_protocol_from: Iterable[str] = (),
    ) -> None:
        for name, limit in (
            ("max_connections", max_connections),
            ("max_connections_per_ip", max_connections_per_ip),
        ):
            if limit is not None and limit < 1:
                raise ValueError(f"{name} = {limit!r} is not a positive number; None turns the limit off")
        self._factory = _with_map(handler_factory, map)
        self._map = map
        self._most, self._most_per_ip = max_connections, max_connections_per_ip
        self._trusted = TrustedPeers(proxy_protocol_from)
        # By identity, since a channel may have an equality of its own: the channel, its host, and since when.
        self._open: dict[int, tuple[Any, str | None, float]] = {}
        self._headers: set[HeaderReader] = set()
        self._per_ip: Counter[str] = Counter()
        self.acceptors: list[Acceptor] = []
        self.accepted = self.refused = 0
        self.on_accept: Callable[[Any], object] | None = None
        self.hidden = False

    def __repr__(self) -> str:
        return f"<Listener on {', '.join(map(shown, self.addresses)) or 'nothing'}, {len(self._open)} connections>"

    @property
    def addresses(self) -> list[Any]:
        """The addresses it listens on, as ``getsockname()`` gives them; none when it is closed."""
        return [acceptor.socket.getsockname() for acceptor in self.acceptors if acceptor.accepting]

    @property
    def connections(self) -> list[Any]:
        """The channels that were accepted and are open."""
        return [channel for channel, _, _ in self._open.values()]

    @property
    def unidentified(self) -> list[HeaderReader]:
        """The connections whose PROXY header is still to come."""
        return list(self._headers)

    @property
    def full(self) -> bool:
        """Whether it has stopped accepting until a connection ends."""
        return self._most is not None and len(self._open) + len(self._headers) >= self._most

    def opened_at(self, channel: Any) -> float | None:
        """Return when a channel was accepted, in seconds of the monotonic clock."""
        entry = self._open.get(id(channel))
        return entry[2] if entry else None

    def close(self) -> None:
        """Stop listening, at once; connections go on. Harmless when closed."""
        for acceptor in self.acceptors:
            acceptor.close()
        for reader in self.unidentified:
            reader.close()

    def stop_accepting(self) -> None:
        """Accept what the kernel has accepted for us already, then close: nobody who has connected is turned away."""
        for acceptor in self.acceptors:
            for _ in range(_LAST_ROUNDS):
                before = self.accepted + self.refused + len(self._headers)
                if acceptor.accepting:
                    acceptor.handle_accept()
                if before == self.accepted + self.refused + len(self._headers):
                    break
            acceptor.close()

    def take(self, acceptor: Acceptor, sock: socket.socket, addr: Any) -> None:
        """Make a channel of a new connection, first reading the PROXY header of one that must have it."""
        if self._trusted and addr in self._trusted:
            reader = acceptor.reader_type(sock, self._map)
            reader.addr = addr
            self._headers.add(reader)
            reader.start(self)
        else:
            self._hand_over(sock, addr)

    def identified(self, reader: HeaderReader, sock: socket.socket, client: Any) -> None:
        """Go on with a connection whose header was read; without a client in it, it is the balancer's own."""
        self._headers.discard(reader)
        if client is None:
            self._hand_over(sock, reader.addr)
        else:
            self._hand_over(ProxiedSocket(sock, client), client)

    def _hand_over(self, sock: socket.socket, addr: Any) -> None:
        host = addr[0] if isinstance(addr, tuple) else None
        if host is not None and self._most_per_ip is not None and self._per_ip[host] >= self._most_per_ip:
            log.info("connection from %s is over the limit of %s per address, closing it", host, self._most_per_ip)
            self.refused += 1
            sock.close()
            self._resume()
            return
        self.accepted += 1
        fd = sock.fileno()
        try:
            channel = self._factory(sock)
        except BaseException:
            self._drop(fd, sock)
            raise
        if not isinstance(channel, SocketChannel):
            channel = self._map.get(fd)
        if isinstance(channel, SocketChannel) and channel._fileno is not None:
            if isinstance(sock, ProxiedSocket):
                channel.addr = addr
            self._open[id(channel)] = channel, host, monotonic()
            if host is not None:
                self._per_ip[host] += 1
            channel._ac_owner = self
            if self.on_accept is not None:
                self.on_accept(channel)
        else:
            self._resume()

    def _drop(self, fd: int, sock: socket.socket) -> None:
        """Close what a factory that raised may have left in the map."""
        channel = self._map.get(fd)
        if channel is not None and getattr(channel, "socket", None) is sock:
            with suppress(Exception):
                channel.close()
        sock.close()
        self._resume()

    def channel_closed(self, channel: Any) -> None:
        """Count one less."""
        if channel in self._headers:
            self._headers.discard(channel)
            self.refused += 1
        _, host, since = self._open.pop(id(channel), (None, None, 0.0))
        if log.isEnabledFor(DEBUG):
            log.debug(
                "connection from %s closed",
                channel.addr,
                extra={"peer": channel.addr, "age": monotonic() - since, "frames": channel._ac_frames_ended()},
            )
        if host is not None:
            self._per_ip[host] -= 1
            if not self._per_ip[host]:
                del self._per_ip[host]
        self._resume()

    def _resume(self) -> None:
        if self._most is not None and not self.full:
            for acceptor in self.acceptors:
                acceptor.resume()


class Acceptor(_Mixin):
    """One listening socket; each backend's is this over its dispatcher."""

    reader_type: Callable[..., HeaderReader]
    listener: Listener
    # The file to remove at the end, and what tells it from a later one.
    _path: str | None = None
    _inode: tuple[int, int]
    _held: bool = False

    def open(self, listener: Listener, backlog: int, path: str | None) -> None:
        """Begin to accept for ``listener``."""
        self.listener = listener
        if path is not None and not path.startswith("\0"):
            self._path, self._inode = path, path_inode(path)
        self.addr = self.socket.getsockname()
        listener.acceptors.append(self)
        self.listen(backlog)

    def accept(self) -> tuple[Any, Any] | None:
        """Take one waiting connection; at the limit none, until one ends."""
        if self.listener.full:
            self._held = self._ac_resting = True
            self._ac_output_changed()
            return None
        return super().accept()

    def resume(self) -> None:
        """Accept again, after the limit was reached."""
        if self._held:
            self._held = self._ac_resting = False
            self._ac_output_changed()

    def handle_accepted(self, sock: Any, addr: Any) -> None:
        """Hand a connection to the listener."""
        self.listener.take(self, sock, addr)

    def close(self) -> None:
        """Stop listening; the file of a Unix socket is removed."""
        super().close()
        if self._path is not None:
            path, self._path = self._path, None
            remove_path(path, self._inode)


class HeaderReader(_Mixin):
    """A connection of which the PROXY header is awaited; no byte behind it is taken."""

    _seen: bytes = b""

    def start(self, listener: Listener) -> None:
        """Wait for the header, a few seconds."""
        self._listener = self._ac_owner = listener
        self._timer = self._ac_call_later(_HEADER_TIMEOUT, self._timed_out)

    def writable(self) -> bool:
        """Return False: nothing is written."""
        return False

    def handle_read(self) -> None:
        """Look at what is there, and take what belongs to the header only."""
        try:
            peeked: bytes = self.socket.recv(_HEADER_PEEK, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            peeked = b""
        if not peeked:
            self._refuse("the connection ended before its PROXY header did")
            return
        try:
            header = parse_proxy_header(self._seen + peeked)
        except ProxyError as error:
            self._refuse(str(error))
            return
        if header is None:
            self._seen += self.socket.recv(len(peeked))
            return
        self.socket.recv(header.size - len(self._seen))
        self._timer.cancel()
        self._ac_owner = None
        sock, self.socket = self.socket, None
        self.del_channel()
        self._listener.identified(self, sock, header.source)

    def _ac_is_at_rest(self, frames: int, recently: bool) -> bool:
        """Be given the time that a header has."""
        return False

    def handle_close(self) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close, for whatever reason."""
        self._timer.cancel()
        super().close()

    def _timed_out(self) -> None:
        self._refuse(f"no PROXY header within {_HEADER_TIMEOUT} s")

    def _refuse(self, why: str) -> None:
        self.log_info(f"connection from {self.addr!r} is closed: {why}", "error")
        self.close()


def bind_sockets(
    host: str | None = None,
    port: int = 0,
    *,
    reuse_port: bool = False,
    dual_stack: bool = True,
    path: str | None = None,
    mode: int | None = None,
    fd: int | Sequence[int] | None = None,
) -> list[socket.socket]:
    """Make the bound sockets for what ``listen`` was asked for; see there."""
    asked = [name for name, value in (("host", host or port), ("path", path), ("fd", fd)) if value not in (None, 0)]
    if fd == 0:
        asked.append("fd")
    if len(asked) > 1:
        raise ValueError(f"{' and '.join(asked)} given: listen on one of host and port, path, or fd")
    if fd is not None:
        return inherited_sockets([fd] if isinstance(fd, int) else fd)
    if path is not None:
        return [unix_socket(path, mode)]
    return tcp_sockets(host, port, reuse_port=reuse_port, dual_stack=dual_stack)


def _with_map(factory: HandlerFactory, map: MutableMapping[int, Any]) -> Callable[[socket.socket], Any]:
    """Let a factory that takes the map have it."""
    if not callable(factory):
        raise TypeError(f"a handler factory is called with each new socket, {factory!r:.60} cannot be")
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return factory
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    return partial(factory, map=map) if takes_any or "map" in parameters else factory
