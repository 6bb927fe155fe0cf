"""A whole backend made of a reactor: what the author of a loop needs to see asynchat on it, and the suite's verdict."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

from asynchat_core import find_prefix_at_end, simple_producer, variants
from asynchat_core.channels import ChannelMap
from asynchat_core.dispatcher import dispatcher
from asynchat_core.loops import LoopFunctions
from asynchat_core.network import NetworkFunctions
from asynchat_core.reactor import Reactor
from asynchat_core.readiness import ReadinessChat
from asynchat_core.watch import ExitNow

from ._adapter import Backend
from ._registry import Capability

#: What all backends on asynchat_core do otherwise than the standard library, on purpose.
INTENDED = {
    "CWD-012": "a push after close_when_done is dropped at once, with a log line, since it can never be sent",
    "PRD-015": "a producer that raised is dropped: asked again it would raise again, in each turn",
}


class ReactorBackend(Backend):
    """
    An adapter that is made of a ``Reactor``: set ``name`` and ``reactor``.

    The classes and functions are those that a backend package would offer: asynchat_core's, on that reactor.
    """

    reactor: ClassVar[type[Reactor]]
    missing: ClassVar[dict[Capability, str]] = {Capability.OOB: "urgent data is no part of the reactor's contract"}
    expected_failures: ClassVar[dict[str, str]] = INTENDED
    ExitNow = ExitNow

    def __init__(self) -> None:
        home = ModuleType(f"asynchat_on_{self.name}")
        sys.modules[home.__name__] = home
        reactor = self.reactor

        class Map(ChannelMap):
            make_reactor = reactor

        self.map_type: Callable[[], Any] = Map
        self.socket_map = Map()
        self._home = home
        vars(home).update(socket=socket, socket_map=self.socket_map, ExitNow=ExitNow)
        self.use_dispatcher(type("dispatcher", (dispatcher,), {"_ac_home": home, "_ac_reactor_type": reactor}))
        functions = LoopFunctions(home, reactor)
        self.loop, self.poll_once, self.close_all = functions.loop, functions.poll, functions.close_all
        self.call_later, self.call_soon_threadsafe = functions.call_later, functions.call_soon_threadsafe
        vars(home).update(loop=self.loop, call_later=self.call_later, call_soon_threadsafe=self.call_soon_threadsafe)
        network = NetworkFunctions(home)
        self.listen, self.connect, self.shutdown = network.listen, network.connect, network.shutdown
        self.asynchat = ModuleType("asynchat")
        vars(self.asynchat).update(simple_producer=simple_producer, find_prefix_at_end=find_prefix_at_end)

    def use_dispatcher(self, base: type) -> None:
        """Make all channel classes of ``base``."""
        self.dispatcher = self._home.dispatcher = base  # type: ignore[attr-defined]
        self.async_chat = type("async_chat", (ReadinessChat, base), {})
        self.dispatcher_with_send = type("with_send", (variants.dispatcher_with_send, base), {})
        self.file_dispatcher = type("file_dispatcher", (variants.file_dispatcher, base), {})

    def new_map(self) -> Any:
        """Return a map on a reactor of its own."""
        return self.map_type()

    def poll(self, map: Any, timeout: float) -> None:
        """Take one turn."""
        self.poll_once(timeout, map)

    def close_map(self, map: Any) -> None:
        """Close the map."""
        map.close()
