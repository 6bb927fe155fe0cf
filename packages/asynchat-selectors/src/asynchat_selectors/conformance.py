"""The adapter for the conformance suite."""

from __future__ import annotations

from typing import ClassVar

from asynchat_conformance import Capability, ModuleBackend


class Selectors(ModuleBackend):
    """asynchat_selectors as the suite sees it."""

    name = "selectors"
    distribution = "asynchat-selectors"
    module = "asynchat_selectors"
    missing: ClassVar[dict[Capability, str]] = {
        Capability.OOB: "urgent data is not watched, so that one byte of it cannot make the loop spin",
    }
    expected_failures: ClassVar[dict[str, str]] = {
        "CWD-012": "a push after close_when_done is dropped at once, with a log line, since it can never be sent",
        "PRD-015": "a producer that raised is dropped: asked again it would raise again, in each turn",
    }
