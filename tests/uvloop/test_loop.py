"""The loop on uvloop."""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import asynchat_uvloop

from ..selectors.loop_rules import ReadinessRules


class TestLoop(ReadinessRules):
    """The rules for all loops."""

    backend: ClassVar[ModuleType] = asynchat_uvloop
