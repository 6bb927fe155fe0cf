"""An implementation that has nothing of ours, under the suite: here the old modules, as pyasynchat installs them."""

from __future__ import annotations

import asynchat
import asyncore
from typing import Any, ClassVar

from asynchat_conformance import Backend, Capability


class Own(Backend):
    """What the suite needs to make and drive a map of channels; the rest is optional, see Backend."""

    name = "own"
    async_chat = asynchat.async_chat
    dispatcher = asyncore.dispatcher
    missing: ClassVar[dict[Capability, str]] = {Capability.HIGH_FD: "select takes descriptors below 1024 only"}

    def new_map(self) -> dict[int, Any]:
        return {}

    def poll(self, map: dict[int, Any], timeout: float) -> None:
        asyncore.poll(timeout, map)

    def close_map(self, map: dict[int, Any]) -> None:
        asyncore.close_all(map, ignore_all=True)
