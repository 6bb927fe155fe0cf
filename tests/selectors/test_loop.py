"""The loop on the standard library's selectors."""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import asynchat_selectors

from .loop_rules import ReadinessRules


class TestLoop(ReadinessRules):
    """The rules for all loops."""

    backend: ClassVar[ModuleType] = asynchat_selectors
