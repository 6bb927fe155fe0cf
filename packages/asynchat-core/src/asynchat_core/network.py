"""``listen``, ``connect``, ``serve`` and ``shutdown`` as a backend's module offers them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from functools import cached_property, partial
from types import ModuleType
from typing import Any

from .bell import Bell
from .connecting import Attempt, Connecting, check_target
from .control import make_control_type
from .listening import Acceptor, HandlerFactory, HeaderReader, Listener, bind_sockets
from .metering import Meter
from .serving import Server
from .sockets import SocketChannel
from .stopping import Shutdown

# Those who look at a server at the same time.
_MOST_CONTROLS = 8


class NetworkFunctions:
    """
    The functions for servers and clients, over one backend's dispatcher and loop.

    Args:
        backend: the module; of its documented names these use ``dispatcher``, ``socket_map``, ``loop``, ``call_later``,
            ``call_every``, ``call_soon_threadsafe`` and ``ExitNow``, looked up when they are called.
    """

    def __init__(self, backend: ModuleType) -> None:
        self._backend = backend

    @cached_property
    def _acceptor_type(self) -> type[Any]:
        reader = type("HeaderReader", (HeaderReader, self._backend.dispatcher), {})
        return type("Acceptor", (Acceptor, self._backend.dispatcher), {"reader_type": reader})

    @cached_property
    def _bell_type(self) -> type[Any]:
        return type("Bell", (Bell, self._backend.dispatcher), {})

    @cached_property
    def _attempt_type(self) -> type[Any]:
        return type("Attempt", (Attempt, self._backend.dispatcher), {})

    def connect(
        self,
        handler: SocketChannel,
        host: str | None = None,
        port: int | None = None,
        *,
        path: str | None = None,
        timeout: float | None = 30.0,
        local: Any = None,
    ) -> None:
        """
        Connect a channel that has no socket yet to a host by name, without ever blocking the loop.

        The name is resolved in a thread. Its addresses are tried in the order of RFC 8305, IPv6 and IPv4 in turn, the
        next one 250 ms after the one before or when that has failed; the first that answers becomes the channel's
        socket, and ``handle_connect`` is called. When none does, ``connection_failed(error)`` is, once; by default that
        is ``handle_error``, which logs it and closes. ``close()`` gives up. No callback runs within this call.

        Args:
            handler: the channel; what it pushes before it is connected is sent then.
            host: a name or an address.
            port: 1 to 65535.
            path: connect to a Unix socket instead.
            timeout: seconds for all of it; None for no limit but the system's.
            local: the address to connect from, or a pair of it and a port.

        Raises:
            ValueError: an argument that cannot be.
        """
        target = check_target(host, port, path, local)
        Connecting(handler, target, timeout, self._attempt_type, self._bell_type)

    def listen(
        self,
        handler_factory: HandlerFactory,
        host: str | None = None,
        port: int = 0,
        *,
        backlog: int = 1024,
        reuse_port: bool = False,
        dual_stack: bool = True,
        path: str | None = None,
        mode: int | None = None,
        fd: int | Sequence[int] | None = None,
        max_connections: int | None = None,
        max_connections_per_ip: int | None = None,
        proxy_protocol_from: Iterable[str] = (),
        map: MutableMapping[int, Any] | None = None,
    ) -> Listener:
        """
        Accept connections and make a channel of each.

        Neither a client nor an exception in the factory costs the listener; without a descriptor left it rests.

        Args:
            handler_factory: called as ``handler_factory(sock, map=map)``, without ``map`` where it takes none; the
                class of an async_chat is the usual one. What it raises is logged, and that connection closed.
            host: a name or an address; each address of a name is listened on. None for all of the machine's.
            port: 0 lets the system choose one, the same on each address; see ``addresses``.
            backlog: connections that the kernel completes and holds until they are accepted.
            reuse_port: let other processes listen there too, the kernel spreading the connections.
            dual_stack: with ``host`` None, listen on IPv6 as well as on IPv4.
            path: listen on a Unix socket instead. One of a dead server is replaced. The file is removed at the end.
            mode: the permissions of that file.
            fd: adopt bound stream sockets that this process inherited, instead; see ``binding.inherited_descriptors``.
            max_connections: at so many open ones accepting pauses; those who come wait in the backlog.
            max_connections_per_ip: what comes above it from one address is closed at once.
            proxy_protocol_from: addresses and networks (``"unix"`` for a Unix socket) of balancers, whose connections
                must begin with a PROXY header, version 1 or 2, within 5 seconds; ``addr`` is the client's then.
            map: the map of channels to live in; None for ``socket_map``.

        Returns:
            The listener; ``close()`` ends it, and connections go on.

        Raises:
            ValueError: an argument that cannot be, as a limit below 1 or a path that is too long.
            OSError: the address cannot be had; the message names it.
        """
        channels: MutableMapping[int, Any] = self._backend.socket_map if map is None else map
        if backlog < 1:
            raise ValueError(f"backlog = {backlog!r} is not a positive number")
        listener = Listener(
            handler_factory,
            channels,
            max_connections=max_connections,
            max_connections_per_ip=max_connections_per_ip,
            proxy_protocol_from=proxy_protocol_from,
        )
        sockets = bind_sockets(host, port, reuse_port=reuse_port, dual_stack=dual_stack, path=path, mode=mode, fd=fd)
        self._open(listener, sockets, channels, backlog, path)
        return listener

    def serve(
        self,
        handler_factory: HandlerFactory,
        host: str | None = None,
        port: int = 0,
        *,
        shutdown_timeout: float = 30.0,
        ready: Callable[[Listener], object] | None = None,
        control: str | None = None,
        map: MutableMapping[int, Any] | None = None,
        **options: Any,
    ) -> bool:
        """
        Listen, and run the loop until SIGTERM or SIGINT; then stop as ``shutdown`` does, on a second signal at once.

        In another thread than the main one no signal comes: call ``shutdown`` from the loop, and raise ``ExitNow``.
        Where ``NOTIFY_SOCKET`` is set, the service manager is told when it is ready and when it stops, and kept assured
        by ``WATCHDOG_USEC``.

        Args:
            handler_factory: as for ``listen``.
            host: as for ``listen``.
            port: as for ``listen``.
            shutdown_timeout: seconds that connections have to finish.
            ready: called with the listener, before the loop runs.
            control: the path of a Unix socket at which ``asynchat top`` may look at the server, made for the same user
                only; it is observed then. None for no such socket.
            map: the map of channels to live in; None for ``socket_map``.
            options: the others of ``listen``.

        Returns:
            Whether no connection was cut off.

        Raises:
            ValueError, OSError: as for ``listen``.
        """
        channels: MutableMapping[int, Any] = self._backend.socket_map if map is None else map
        if not shutdown_timeout >= 0:
            raise ValueError(f"shutdown_timeout = {shutdown_timeout!r} seconds is not 0 or more")
        server = Server(self._backend, self._bell_type, channels, shutdown_timeout)
        listen = partial(self.listen, handler_factory, host, port, map=channels, **options)
        return server.run(listen if control is None else partial(self._listen_in_sight, server, listen, control), ready)

    def _listen_in_sight(self, server: Server, listen: Callable[[], Listener], control: str) -> Listener:
        listener = listen()
        try:
            server.at_end(self._show(control, server.map))
        except BaseException:
            listener.close()
            raise
        return listener

    def _show(self, path: str, map: MutableMapping[int, Any]) -> Callable[[], None]:
        """Answer who asks at ``path``; return what ends it."""
        meter = self.observe(map=map)
        control_type = make_control_type(self._backend.async_chat, meter)
        try:
            listener = self.listen(control_type, path=path, mode=0o600, max_connections=_MOST_CONTROLS, map=map)
        except BaseException:
            meter.close()
            raise
        listener.hidden = True

        def end() -> None:
            meter.close()
            listener.close()
            for channel in listener.connections:
                channel.close()

        return end

    def observe(
        self,
        hook: Callable[[dict[str, Any]], object] | None = None,
        interval: float = 10.0,
        map: MutableMapping[int, Any] | None = None,
    ) -> Meter:
        """
        Count what a map's channels and its loop do, from now on: less than 1 us an event, nothing for other maps.

        On asyncore the loop itself is not counted: ``loop`` is None in the snapshot.

        Args:
            hook: called from the loop, each ``interval`` seconds, with a snapshot: ``pid``, ``uptime``, ``loop``
                (``turns``, ``events``, seconds ``busy`` in callbacks, the ``slowest`` of the last 10 s and whose it
                was), ``listeners`` (``addresses``, ``accepted``, ``refused``, ``connections``) and ``channels``
                (``fd``, ``class``, ``peer``, ``state``, seconds of ``age``, ``bytes_in``, ``bytes_out``, ``frames``,
                bytes ``queued``). What it raises is logged. It keeps ``loop()`` running.
            interval: seconds.
            map: the map of channels; None for ``socket_map``.

        Returns:
            The meter: ``snapshot()``, ``close()``.
        """
        channels: MutableMapping[int, Any] = self._backend.socket_map if map is None else map
        meter = Meter(channels)
        if hook is not None:
            meter.report(self._backend.call_every(interval, lambda: hook(meter.snapshot()), map=channels))
        return meter

    def shutdown(self, timeout: float = 30.0, map: MutableMapping[int, Any] | None = None) -> Shutdown:
        """
        Stop gracefully: no new connections, and each that was accepted ends between two frames, when all is sent.

        What the kernel had accepted is accepted. What the process has read is answered; a frame that has begun may be
        completed. Each channel is then told by ``handle_shutdown``, which closes it when its output is sent. What is
        left after the time-out is aborted. Channels that no listener has made, and timers, stay: ``loop()`` ends when
        they do. To be called in the thread of the loop, also in a callback; it returns at once.

        Args:
            timeout: seconds for all of it.
            map: the map of channels; None for ``socket_map``.

        Returns:
            The stop that is under way: ``finished``, ``aborted``, ``abort()``.

        Raises:
            ValueError: a negative timeout.
        """
        channels: MutableMapping[int, Any] = self._backend.socket_map if map is None else map
        return Shutdown(channels, timeout, self._backend.call_later)

    def _open(
        self,
        listener: Listener,
        sockets: list[socket.socket],
        channels: MutableMapping[int, Any],
        backlog: int,
        path: str | None,
    ) -> None:
        try:
            for sock in sockets:
                self._acceptor_type(sock, channels).open(listener, backlog, path)
        except BaseException:
            listener.close()
            for sock in sockets:
                sock.close()
            raise
