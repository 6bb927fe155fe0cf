"""The drop-in for asynchat."""

from __future__ import annotations

from asynchat_core import find_prefix_at_end, simple_producer
from asynchat_core.readiness import ReadinessChat

from . import asyncore

__all__ = ("async_chat", "asyncore", "find_prefix_at_end", "simple_producer")


class async_chat(ReadinessChat, asyncore.dispatcher):
    pass
