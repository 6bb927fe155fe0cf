"""asynchat on the standard library's selectors."""

from __future__ import annotations

import sys

from asynchat_core import SafeLimits
from asynchat_core.network import NetworkFunctions
from asynchat_core.watch import ExitNow

from . import asynchat, asyncore
from ._reactor import ChannelMap, SelectorReactor
from .asyncore import _functions, dispatcher, dispatcher_with_send, file_dispatcher, socket_map

__version__ = "0.1.0"


class async_chat(SafeLimits, asynchat.async_chat):  # noqa: N801 - the documented name
    """
    A channel that cuts its input into frames and queues its output, with limits for the open internet.

    It is the drop-in module's class with the defaults of ``SafeLimits``; each may be changed, None turns it off.
    """


loop = _functions.loop
poll_once = _functions.poll
close_all = _functions.close_all
call_later = _functions.call_later
call_every = _functions.call_every
call_soon_threadsafe = _functions.call_soon_threadsafe
_network = NetworkFunctions(sys.modules[__name__])
connect = _network.connect
listen = _network.listen
observe = _network.observe
serve = _network.serve
shutdown = _network.shutdown

__all__ = (
    "ChannelMap",
    "ExitNow",
    "SelectorReactor",
    "async_chat",
    "asynchat",
    "asyncore",
    "call_every",
    "call_later",
    "call_soon_threadsafe",
    "close_all",
    "connect",
    "dispatcher",
    "dispatcher_with_send",
    "file_dispatcher",
    "listen",
    "loop",
    "observe",
    "poll_once",
    "serve",
    "shutdown",
    "socket_map",
)
