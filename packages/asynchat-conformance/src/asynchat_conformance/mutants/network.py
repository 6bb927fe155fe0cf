"""Mutants that listen, connect and stop wrongly."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from ._registry import mutant
from ._sound import Sound


def _listens_with(backend: Sound, **replaced: Any) -> None:
    """Replace options of listen() that a program gives."""
    listen = backend.listen

    def spoilt(factory: Any, *args: Any, **options: Any) -> Any:
        return listen(factory, *args, **{name: replaced.get(name, value) for name, value in options.items()})

    backend.listen = spoilt


@mutant
def deaf_listeners(backend: Sound) -> None:
    """Each connection is accepted and closed."""
    listen = backend.listen
    backend.listen = lambda factory, *args, **options: listen(lambda sock: sock.close(), *args, **options)


@mutant
def errors_close_listeners(backend: Sound) -> None:
    """An exception while accepting closes the listener."""

    def handle_error(self: Any, old: Any) -> None:
        old(self)
        self.close()

    backend.dispatcher_with(handle_error=handle_error)


@mutant
def connection_limit_ignored(backend: Sound) -> None:
    """max_connections is not heeded."""
    _listens_with(backend, max_connections=None)


@mutant
def address_limit_ignored(backend: Sound) -> None:
    """max_connections_per_ip is not heeded."""
    _listens_with(backend, max_connections_per_ip=None)


@mutant
def live_files_replaced(backend: Sound) -> None:
    """The file of a Unix socket is replaced, whoever listens there."""
    listen = backend.listen

    def spoilt(*args: Any, path: str | None = None, **options: Any) -> Any:
        if path is not None:
            Path(path).unlink(missing_ok=True)
        return listen(*args, path=path, **options)

    backend.listen = spoilt


@mutant
def bad_values_taken(backend: Sound) -> None:
    """listen() passes over what cannot be."""
    listen = backend.listen

    def spoilt(*args: Any, **options: Any) -> Any:
        with suppress(ValueError):
            return listen(*args, **options)

    backend.listen = spoilt


@mutant
def first_address_only(backend: Sound) -> None:
    """connect() tries the first address of a name only."""
    connect = backend.connect

    def spoilt(channel: Any, host: str, port: int, **options: Any) -> None:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
        connect(channel, address[0], address[1], **options)

    backend.connect = spoilt


@mutant
def failed_connects_untold(backend: Sound) -> None:
    """That nobody answers is told to nobody."""
    backend.chat_with(connection_failed=lambda self, old, error: self.close())


@mutant
def connects_for_ever(backend: Sound) -> None:
    """The time-out of connect() is not heeded."""
    connect = backend.connect
    backend.connect = lambda *args, timeout=None, **options: connect(*args, timeout=None, **options)


@mutant
def connects_after_close(backend: Sound) -> None:
    """close() does not give up a connection that is on its way."""
    backend.chat_with(_ac_tell_closed=lambda self, old: None)


@mutant
def proxy_headers_are_data(backend: Sound) -> None:
    """PROXY headers are read from nobody."""
    _listens_with(backend, proxy_protocol_from=())


@mutant
def everybody_is_a_balancer(backend: Sound) -> None:
    """PROXY headers are believed of anybody."""
    _listens_with(backend, proxy_protocol_from=["0.0.0.0/0"])


@mutant
def stops_at_once(backend: Sound) -> None:
    """shutdown() aborts everything."""
    shutdown = backend.shutdown

    def spoilt(timeout: float, map: Any) -> Any:
        stop = shutdown(timeout, map)
        stop.abort()
        return stop

    backend.shutdown = spoilt


@mutant
def stops_never(backend: Sound) -> None:
    """shutdown() waits for the last one, for ever."""
    shutdown = backend.shutdown
    backend.shutdown = lambda timeout, **options: shutdown(float("inf"), **options)


@mutant
def accepts_without_end(backend: Sound) -> None:
    """Everybody who waits is accepted in one turn."""

    def handle_accept(self: Any, old: Any) -> None:
        for _ in range(10):
            old(self)

    backend.dispatcher_with(handle_accept=handle_accept)


@mutant
def exhaustion_closes_listeners(backend: Sound) -> None:
    """Without a descriptor left a listener closes."""
    backend.dispatcher_with(_ac_rest=lambda self, old, error: self.close())
