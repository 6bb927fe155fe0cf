"""The adapter for the conformance suite."""

from __future__ import annotations

from typing import ClassVar

from asynchat_conformance import INTENDED, Capability, ModuleBackend


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
        **INTENDED,
        "CON-015": "asyncore waits on a socket that is not connecting yet, which hangs up",
        "ERR-015": "what a predicate raises leaves asyncore's own loop",
        "FAN-008": "frames left for a later turn would wait for ever in asyncore's own loop",
        "FAN-009": "asyncore asks each channel in each turn",
        "FDR-003": "asyncore's select raises EBADF for a descriptor that was closed elsewhere",
        "FDR-008": "asyncore looks a descriptor up when its event comes, whoever has it then",
        "LOP-014": "asyncore waits for urgent data and is told of it again until the peer sends more",
    }
