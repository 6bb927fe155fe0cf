"""A sound implementation on select.poll, for mutants to spoil: asynchat_core with the smallest reactor."""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from asynchat_core import find_prefix_at_end, simple_producer, variants
from asynchat_core.channels import ChannelMap
from asynchat_core.dispatcher import dispatcher
from asynchat_core.loops import LoopFunctions
from asynchat_core.reactor import READ, WRITE, Reactor, Ready, Waker
from asynchat_core.readiness import ReadinessChat
from asynchat_core.watch import ExitNow

from .._adapter import Backend
from .._registry import Capability

_IN = select.POLLIN | select.POLLHUP | select.POLLERR | select.POLLNVAL
_OUT = select.POLLOUT | select.POLLHUP | select.POLLERR | select.POLLNVAL


class PollReactor(Reactor):
    """The contract on select.poll."""

    def __init__(self) -> None:
        self.poller = select.poll()
        self.ready: dict[int, tuple[int, Ready]] = {}
        self.waker = Waker()
        self.watch(self.waker.fileno(), READ, self.waker.drain)

    def watch(self, fd: int, mask: int, ready: Ready) -> None:
        """Register."""
        self.ready[fd] = mask, ready
        self.poller.register(fd, (select.POLLIN if mask & READ else 0) | (select.POLLOUT if mask & WRITE else 0))

    def unwatch(self, fd: int) -> None:
        """Unregister."""
        if self.ready.pop(fd, None) is not None:
            self.poller.unregister(fd)

    def turn(self, timeout: float | None) -> None:
        """Poll once."""
        for fd, flags in self.poller.poll(None if timeout is None else timeout * 1000):
            watched = self.ready.get(fd)
            if watched is not None:
                self.dispatch(*watched, flags)

    def dispatch(self, mask: int, ready: Ready, flags: int) -> None:
        """Hand out one descriptor's readiness."""
        ready(mask & ((READ if flags & _IN else 0) | (WRITE if flags & _OUT else 0)))

    def wake(self) -> None:
        """Wake."""
        self.waker.wake()

    def close(self) -> None:
        """Close."""
        self.waker.close()


class Sound(Backend):
    """What a mutant is made of: the classes and functions of a backend, each of which it may replace."""

    name = "sound"
    reactor: type[Reactor] = PollReactor
    ExitNow = ExitNow

    def __init__(self) -> None:
        home = ModuleType("asynchat_conformance_sound")
        sys.modules[home.__name__] = home
        reactor = self.reactor

        class Map(ChannelMap):
            make_reactor = reactor

        self.map_type: Callable[[], Any] = Map
        self.socket_map = Map()
        vars(home).update(socket=socket, socket_map=self.socket_map)
        common: dict[str, Any] = {"_ac_home": home, "_ac_reactor_type": reactor}
        self.dispatcher = type("dispatcher", (dispatcher,), common)
        self.async_chat = type("async_chat", (ReadinessChat, self.dispatcher), {})
        self.dispatcher_with_send = type("with_send", (variants.dispatcher_with_send, self.dispatcher), {})
        self.file_dispatcher = type("file_dispatcher", (variants.file_dispatcher, self.dispatcher), {})
        functions = LoopFunctions(home, reactor)
        self.loop, self.poll_once, self.close_all = functions.loop, functions.poll, functions.close_all
        self.call_later, self.call_soon_threadsafe = functions.call_later, functions.call_soon_threadsafe
        self.asynchat = ModuleType("asynchat")
        vars(self.asynchat).update(simple_producer=simple_producer, find_prefix_at_end=find_prefix_at_end)
        self.missing = {Capability.OOB: "urgent data is not watched"}  # type: ignore[misc]
        self.spoil()

    def spoil(self) -> None:
        """Make it wrong; a mutant overrides this."""

    def chat_with(self, **methods: Any) -> None:
        """Replace methods of async_chat; each takes the class it overrides as its first argument."""
        self.async_chat = _derived(self.async_chat, methods)

    def dispatcher_with(self, **methods: Any) -> None:
        """Replace methods of all dispatchers likewise."""
        self.dispatcher = _derived(self.dispatcher, methods)
        self.async_chat = type("async_chat", (ReadinessChat, self.dispatcher), {})
        self.dispatcher_with_send = type("with_send", (variants.dispatcher_with_send, self.dispatcher), {})
        self.file_dispatcher = type("file_dispatcher", (variants.file_dispatcher, self.dispatcher), {})

    def new_map(self) -> Any:
        """Return a map of its own."""
        return self.map_type()

    def poll(self, map: Any, timeout: float) -> None:
        """Take one turn."""
        self.poll_once(timeout, map)

    def close_map(self, map: Any) -> None:
        """Close the map."""
        map.close()


def _derived(base: Any, methods: dict[str, Any]) -> Any:
    """Return a subclass of ``base`` with methods that are given the base's as ``old``."""

    def bind(name: str, method: Any) -> Any:
        if not callable(method):
            return method
        old = getattr(base, name, None)

        def bound(self: Any, *args: Any, **kwargs: Any) -> Any:
            return method(self, old, *args, **kwargs)

        return bound

    return type(base.__name__, (base,), {name: bind(name, method) for name, method in methods.items()})
