"""Do what ``asynchat serve`` was asked for: find the handler, then serve in one process or several."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from . import _backends
from ._limits import SAFE_DEFAULTS, Limits, check_limits
from .binding import inherited_descriptors
from .control import control_path
from .listening import Listener, bind_sockets
from .refusal import Refused, refusal
from .sockets import SocketChannel
from .workers import Supervisor

_LIMITS = sorted({*SAFE_DEFAULTS, "idle_timeout"})
_WORDS = {"none": None, "true": True, "false": False}


def launch(options: argparse.Namespace) -> int:
    """Serve until told to stop; return the exit status. Raises Refused for what cannot be done."""
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
    if options.workers < 1:
        raise Refused(f"--workers {options.workers} is not a positive number")
    if not options.shutdown_timeout >= 0:
        raise Refused(f"--shutdown-timeout {options.shutdown_timeout} is not 0 or more seconds")
    if options.port is None and options.path is None and options.fd is None:
        raise Refused("nowhere to listen: give --port, --path or --fd")
    try:
        backend = _backends.install(options.backend, safe=True)
    except (_backends.BackendNotInstalled, ImportError) as error:
        raise Refused(str(error)) from error
    handler = _fit(_load(options.handler), backend, options.handler)
    _set_limits(handler, options)
    try:
        # Checked here, once for all workers; each makes its own.
        Listener(handler, {}, **_listener_limits(options))
    except ValueError as error:
        raise refusal(error) from error
    if options.workers > 1:
        return _serve_by_workers(backend, handler, options)
    _run(backend, handler, options, _where(options), options.control)
    return 0


def _run(
    backend: ModuleType,
    handler: Any,
    options: argparse.Namespace,
    where: dict[str, Any],
    control: str | None,
    ready: Callable[[Listener], object] | None = None,
) -> None:
    """Serve in this process. What fails before it listens is the caller's fault, all else is not."""
    listening = []

    def now_ready(listener: Listener) -> None:
        listening.append(listener)
        if ready is not None:
            ready(listener)

    try:
        if control == "":
            control = _default_control(options)
        backend.serve(
            handler,
            **where,
            backlog=options.backlog,
            **_listener_limits(options),
            shutdown_timeout=options.shutdown_timeout,
            control=control,
            ready=now_ready,
        )
    except (OSError, ValueError) as error:
        if listening:
            raise
        raise refusal(error) from error


def _listener_limits(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "max_connections": options.max_connections,
        "max_connections_per_ip": options.max_connections_per_ip,
        "proxy_protocol_from": options.proxy_protocol_from,
    }


def _where(options: argparse.Namespace) -> dict[str, Any]:
    """Return where to listen, as arguments of ``listen``."""
    fd: int | list[int] | None = None
    if options.fd == "systemd":
        fd = inherited_descriptors()
        if not fd:
            raise Refused("--fd systemd: no LISTEN_FDS for this process; start it by a socket unit")
    elif options.fd is not None:
        if not options.fd.isdigit():
            raise Refused(f"--fd {options.fd!r} is neither a number nor systemd")
        fd = int(options.fd)
    return {
        "host": options.host,
        "port": options.port or 0,
        "dual_stack": not options.ipv4,
        "path": options.path,
        "mode": options.mode,
        "fd": fd,
    }


def _default_control(options: argparse.Namespace) -> str:
    if not options.port:
        raise Refused("--control needs a path where the port is not given")
    return control_path(f"{options.host or ''}:{options.port}")


# --- workers


def _serve_by_workers(backend: ModuleType, handler: Any, options: argparse.Namespace) -> int:
    if not hasattr(os, "fork") or not hasattr(socket, "SO_REUSEPORT"):
        raise Refused(f"--workers {options.workers}: this system cannot share a port among processes; leave it out")
    where = _where(options)
    try:
        control = _default_control(options) if options.control == "" else options.control
        # For TCP each worker has a socket of its own, and these only keep the port; a path or a descriptor is shared.
        sockets = bind_sockets(**where, reuse_port=True)
    except (OSError, ValueError) as error:
        raise refusal(error) from error
    shared = where["path"] is not None or where["fd"] is not None
    if not shared:
        where["port"] = sockets[0].getsockname()[1]

    def work(index: int, lifeline: socket.socket) -> int:
        here = {"fd": [os.dup(sock.fileno()) for sock in sockets]} if shared else where | {"reuse_port": True}
        for sock in sockets:
            sock.close()

        def ready(listener: Listener) -> None:
            type("Lifeline", (Lifeline, backend.dispatcher), {})(lifeline, backend.socket_map)
            lifeline.send(b"r")

        _run(backend, handler, options, here, f"{control}.{index}" if control else None, ready)
        return 0

    try:
        return Supervisor(options.workers, work, options.shutdown_timeout).run()
    finally:
        for sock in sockets:
            sock.close()
        if options.path is not None:
            Path(options.path).unlink(missing_ok=True)


class Lifeline:
    """A worker's tie to its supervisor: without one it stops."""

    recv: Callable[[int], bytes]
    close: Callable[[], None]

    def writable(self) -> bool:
        """Return False: nothing is written."""
        return False

    def handle_read(self) -> None:
        """Notice the end."""
        self.recv(1)

    def handle_close(self) -> None:
        """Stop gracefully."""
        self.close()
        os.kill(os.getpid(), signal.SIGTERM)


# --- the handler


def _load(name: str) -> Any:
    module_name, _, attributes = name.partition(":")
    if not module_name or not attributes:
        raise Refused(f"{name!r} is not MODULE:Handler, as in myserver:Handler")
    if not sys.flags.safe_path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise Refused(f"cannot import {module_name!r}: {error}") from error
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise Refused(f"{module_name!r} has no {attributes!r}")
        found = getattr(found, attribute)
    return found


def _fit(handler: Any, backend: ModuleType, name: str) -> Any:
    """Return the handler as a factory for the backend: a class of no backend gets its async_chat."""
    if not callable(handler):
        raise Refused(f"{name} is {handler!r:.60}, which cannot be called with a socket")
    if not isinstance(handler, type) or issubclass(handler, (backend.dispatcher, backend.asyncore.dispatcher)):
        return handler
    if issubclass(handler, SocketChannel):
        raise Refused(f"{name} is built on another backend than {backend.__name__}: derive it from asynchat.async_chat")
    names = {"__module__": handler.__module__, "__qualname__": handler.__qualname__, "__doc__": handler.__doc__}
    return type(handler.__name__, (handler, backend.async_chat), names)


def _set_limits(handler: Any, options: argparse.Namespace) -> None:
    for setting in options.limit:
        name, _, text = setting.partition("=")
        if name not in _LIMITS:
            raise Refused(f"--limit {setting!r}: choose from {', '.join(_LIMITS)}")
        if not (isinstance(handler, type) and issubclass(handler, Limits)):
            raise Refused(f"--limit {setting!r}: {options.handler} is no async_chat class")
        setattr(handler, name, _value(setting, text))
    try:
        check_limits({name: getattr(handler, name, None) for name in _LIMITS})
    except ValueError as error:
        raise refusal(error) from error


def _value(setting: str, text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return float(text) if "." in text else int(text)
    except ValueError as error:
        raise Refused(f"--limit {setting!r}: {text!r} is neither a number nor none, true or false") from error
