"""The backend as the conformance suite sees it."""

from __future__ import annotations

from typing import ClassVar

from asynchat_conformance import Capability, ModuleBackend


class Poll(ModuleBackend):
    name = "poll"
    distribution = "asynchat-poll"
    module = "asynchat_poll"
    missing: ClassVar = {Capability.OOB: "urgent data is not watched"}
