"""The loop of asyncore itself."""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import asynchat_asyncore

from ..selectors.loop_rules import LoopRules


class TestLoop(LoopRules):
    """The rules for all loops."""

    backend: ClassVar[ModuleType] = asynchat_asyncore
