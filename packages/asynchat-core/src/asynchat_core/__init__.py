"""
The core of asynchat: cut a stream of bytes into frames, queue what is to be sent. No I/O, no dependencies.

This folder may be copied into another project under another name: see the page "Vendor the core" of the documentation.
Importing it loads the framing, the queue and the chat only; what does I/O is in its submodules, which the backends use.
"""

from __future__ import annotations

from ._backends import BackendNotInstalled, get_backend, install, installed_backends, uninstall
from ._chat import ChatMixin
from ._framer import Framer
from ._limits import SAFE_DEFAULTS, ChannelClosed, SafeLimits
from ._output import DefaultSize
from ._producers import CLOSE_MARK, Producer, ProducerQueue, simple_producer
from ._sources import NOT_READY
from ._terminators import Terminator, find_prefix_at_end

__version__ = "0.1.0"

__all__ = (
    "CLOSE_MARK",
    "NOT_READY",
    "SAFE_DEFAULTS",
    "BackendNotInstalled",
    "ChannelClosed",
    "ChatMixin",
    "DefaultSize",
    "Framer",
    "Producer",
    "ProducerQueue",
    "SafeLimits",
    "Terminator",
    "find_prefix_at_end",
    "get_backend",
    "install",
    "installed_backends",
    "simple_producer",
    "uninstall",
)
