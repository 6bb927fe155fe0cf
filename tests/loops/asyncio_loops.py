"""Loops with asyncio's interface, by the reactor of asynchat_uvloop: asyncio itself, uvloop, rloop."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any, ClassVar

from asynchat_conformance import INTENDED, Capability, ModuleBackend


class _AsyncioInterface(ModuleBackend):
    module = "asynchat_uvloop"
    missing: ClassVar[dict[Capability, str]] = {
        Capability.OOB: "the interface has no urgent data",
    }
    expected_failures: ClassVar[dict[str, str]] = INTENDED

    def new_loop(self) -> Any:
        """Return a loop of the kind."""
        raise NotImplementedError

    def new_map(self) -> Any:
        """Return a map on a loop of its own."""
        loop = self.new_loop()
        channels = self._module.ChannelMap(loop=loop)
        channels.own_loop = loop
        return channels

    def close_map(self, map: Any) -> None:
        """Close the map, and then its loop."""
        map.close()
        map.own_loop.close()


class Asyncio(_AsyncioInterface):
    """The standard library's selector loop."""

    name = "asyncio"

    def new_loop(self) -> Any:
        """Return asyncio's default loop."""
        return asyncio.new_event_loop()


class Uvloop(_AsyncioInterface):
    """uvloop, its loop made by the program."""

    name = "uvloop-given"
    distribution = "uvloop"

    def new_loop(self) -> Any:
        """Return a uvloop."""
        return importlib.import_module("uvloop").new_event_loop()


class Rloop(_AsyncioInterface):
    """rloop, asyncio's interface in Rust."""

    name = "rloop"
    distribution = "rloop"
    expected_failures: ClassVar[dict[str, str]] = {
        **INTENDED,
        "ACC-007": "without a free descriptor rloop raises UnboundLocalError, and can neither run nor close any more",
        "LEK-001": "rloop's close() leaves an epoll and an eventfd open",
        "LEK-002": "see ACC-007",
        "LEK-005": "rloop leaves the sockets of its self-pipe to the garbage collector, after each run",
        "NET-017": "see ACC-007",
        "THR-006": "SIGINT in a run ends the process, now and then",
        "THR-002": "loops of rloop in several threads fail with EBADF, now and then; why is not known",
    }
    #: These fail by a race, so not each time.
    unsteady = ("THR-002", "THR-006")

    def new_loop(self) -> Any:
        """Return an rloop that looks at its descriptors once when it was stopped before it runs, as asyncio's do."""
        base = importlib.import_module("rloop").RLoop

        class Looking(base):  # type: ignore[misc, valid-type]
            def stop(self) -> None:
                if self.is_running():
                    super().stop()
                else:
                    self.call_soon(super().stop)

        return Looking()
