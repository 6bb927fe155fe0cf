"""A drop-in for the standard library's asynchat, on the standard library's selectors."""

from __future__ import annotations

from asynchat_core import find_prefix_at_end, simple_producer
from asynchat_core.readiness import ReadinessChat

from . import asyncore

__all__ = ("async_chat", "asyncore", "find_prefix_at_end", "simple_producer")


class async_chat(ReadinessChat, asyncore.dispatcher):  # noqa: N801 - the documented name
    """A channel that cuts its input into frames and queues its output; see ``ReadinessChat``."""
