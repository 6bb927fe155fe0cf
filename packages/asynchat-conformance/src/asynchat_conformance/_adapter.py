"""What the author of a loop writes: an adapter of about 15 lines."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, entry_points, version
from types import ModuleType
from typing import Any, ClassVar

from ._registry import LEAK_RULES, REGISTRY, Capability

GROUP = "asynchat.conformance"

# Not among the installed ones, which are what runs when none is named.
_BUILT_IN = {
    "reference": f"{__package__}.reference:Reference",
    "reference-poll": f"{__package__}.reference:ReferencePollMode",
}


class BadAdapter(Exception):
    """The adapter cannot be used; the message says why in one line."""


class Backend:
    """
    An implementation of asynchat, as the suite sees it. Subclass it and set what has no value here.

    Attributes:
        name: short, as in reports.
        distribution: the installed distribution whose version is reported; None for none.
        async_chat: the class; made as ``async_chat(sock=None, map=None)``.
        dispatcher: its base class; made alike.
        missing: capabilities that it has not, each with the reason.
        expected_failures: ids of checks that fail, each with the reason. One that passes is a failure.

    The attributes that are None are optional: checks that need them do not apply to a backend without.
    """

    name: ClassVar[str]
    distribution: ClassVar[str | None] = None
    async_chat: Any
    dispatcher: Any
    missing: ClassVar[dict[Capability, str]] = {}
    expected_failures: ClassVar[dict[str, str]] = {}

    #: Classes and functions as in asyncore: ``loop(timeout, map=..., count=...)``, ``close_all(map, ignore_all)``.
    dispatcher_with_send: Any = None
    file_dispatcher: Any = None
    loop: Any = None
    close_all: Any = None
    #: The exception that leaves the loop.
    ExitNow: Any = None
    #: ``call_later(delay, callback, *args, map=...)`` and ``call_soon_threadsafe(callback, *args, map=...)``.
    call_later: Any = None
    call_soon_threadsafe: Any = None
    #: ``listen(handler_factory, host, port, ..., map=...)``, ``connect(channel, host, port, ...)`` and
    #: ``shutdown(timeout, map=...)`` as in asynchat_core.network.
    listen: Any = None
    connect: Any = None
    shutdown: Any = None
    #: The map that is used when none is given.
    socket_map: Any = None
    #: A module with simple_producer and find_prefix_at_end.
    asynchat: Any = None

    def new_map(self) -> Any:
        """Return a fresh map, isolated from all others and from the process-wide one."""
        raise NotImplementedError

    def poll(self, map: Any, timeout: float) -> None:
        """Handle one batch of events; return as soon as one was handled, at the latest after ``timeout`` seconds."""
        raise NotImplementedError

    def close_map(self, map: Any) -> None:
        """Close everything that belongs to the map; idempotent."""
        raise NotImplementedError

    def has(self, need: Capability | str) -> str | None:
        """Return None when the backend has what a check needs, else the reason why not."""
        if isinstance(need, Capability):
            return self.missing.get(need)
        return None if getattr(self, need, None) is not None else f"the adapter has no {need}"


class ModuleBackend(Backend):
    """
    A backend that is a module with the names of ours: the adapter is then ``name``, ``module`` and what it lacks.

    >>> class Mine(ModuleBackend):
    ...     name = "mine"
    ...     module = "asynchat_selectors"
    """

    module: ClassVar[str]

    def __init__(self) -> None:
        module = importlib.import_module(self.module)
        self._module: ModuleType = module
        self.async_chat, self.dispatcher = module.async_chat, module.dispatcher
        self.dispatcher_with_send, self.file_dispatcher = module.dispatcher_with_send, module.file_dispatcher
        self.loop, self.close_all, self.ExitNow = module.loop, module.close_all, module.ExitNow
        self.call_later, self.call_soon_threadsafe = module.call_later, module.call_soon_threadsafe
        self.socket_map, self.asynchat = module.socket_map, module.asynchat
        for name in ("listen", "connect", "shutdown"):
            setattr(self, name, getattr(module, name, None))

    def new_map(self) -> Any:
        """Return a ``ChannelMap``."""
        return self._module.ChannelMap()

    def poll(self, map: Any, timeout: float) -> None:
        """Call ``poll_once``."""
        self._module.poll_once(timeout, map)

    def close_map(self, map: Any) -> None:
        """Close the map."""
        map.close()


def version_of(backend: Backend) -> str:
    """Return the version of the backend's distribution, empty when it names none."""
    try:
        return version(backend.distribution) if backend.distribution else ""
    except PackageNotFoundError:
        return ""


def registered() -> dict[str, str]:
    """Return the installed adapters: entry-point name to ``module:attribute``."""
    return {point.name: point.value for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def load_adapter(spec: str) -> Backend:
    """
    Make an adapter from an entry point's name, ``reference``, ``reference-poll`` or ``module:attribute``.

    Raises:
        BadAdapter: it cannot be found, imported or made, or declares something that does not exist.
    """
    target = {**_BUILT_IN, **registered()}.get(spec, spec)
    module_name, colon, attribute = target.partition(":")
    if not colon:
        there = ", ".join(registered()) or "none"
        raise BadAdapter(f"no adapter {spec!r} is installed (installed: {there}); give one of them or module:attribute")
    try:
        made = getattr(importlib.import_module(module_name), attribute)
        backend: Backend = made() if isinstance(made, type) else made
    except Exception as error:
        raise BadAdapter(f"adapter {target!r} cannot be made: {type(error).__name__}: {error}") from error
    _validate(backend, target)
    return backend


def _validate(backend: Any, target: str) -> None:
    if not isinstance(backend, Backend):
        raise BadAdapter(
            f"adapter {target!r} is {type(backend).__name__}, not a subclass of asynchat_conformance.Backend"
        )
    for name in ("name", "async_chat", "dispatcher"):
        if getattr(backend, name, None) is None:
            raise BadAdapter(f"adapter {target!r} does not set {name}")
    for need in backend.missing:
        if not isinstance(need, Capability):
            raise BadAdapter(f"adapter {target!r}: {need!r} in missing is no Capability")
    unknown = sorted(set(backend.expected_failures) - {*REGISTRY.checks, *REGISTRY.untested, *LEAK_RULES})
    if REGISTRY.checks and unknown:
        raise BadAdapter(f"adapter {target!r} expects failures of checks that do not exist: {', '.join(unknown)}")
