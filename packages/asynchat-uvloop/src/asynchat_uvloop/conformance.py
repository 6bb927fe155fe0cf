"""The adapter for the conformance suite."""

from __future__ import annotations

from typing import ClassVar

from asynchat_conformance import INTENDED, Capability, ModuleBackend


class Uvloop(ModuleBackend):
    """asynchat_uvloop as the suite sees it."""

    name = "uvloop"
    distribution = "asynchat-uvloop"
    module = "asynchat_uvloop"
    missing: ClassVar[dict[Capability, str]] = {
        Capability.OOB: "urgent data is not watched, so that one byte of it cannot make the loop spin",
    }
    expected_failures: ClassVar[dict[str, str]] = INTENDED
