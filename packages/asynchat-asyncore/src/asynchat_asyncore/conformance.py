"""The adapter for the conformance suite."""

from __future__ import annotations

from typing import ClassVar

from asynchat_conformance import Capability, ModuleBackend


class Asyncore(ModuleBackend):
    """asynchat_asyncore as the suite sees it."""

    name = "asyncore"
    distribution = "asynchat-asyncore"
    module = "asynchat_asyncore"
    missing: ClassVar[dict[Capability, str]] = {
        Capability.THREADSAFE_WAKE: "asyncore's wait cannot be ended from outside",
        Capability.HIGH_FD: "asyncore's select takes descriptors below 1024 only",
    }
    expected_failures: ClassVar[dict[str, str]] = {
        "ERR-015": "what a predicate raises leaves asyncore's own loop",
    }
