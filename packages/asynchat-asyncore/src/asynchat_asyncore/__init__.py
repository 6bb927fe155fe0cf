"""asynchat on asyncore: the standard library's on Python 3.11, pyasyncore from 3.12 on."""

from __future__ import annotations

import asyncore
import sys
from asyncore import ExitNow, file_dispatcher, socket_map

from asynchat_core import SafeLimits
from asynchat_core.network import NetworkFunctions

from . import asynchat
from ._dispatcher import dispatcher, dispatcher_with_send
from ._loop import ChannelMap, call_every, call_later, call_soon_threadsafe, close_all, loop, poll_once

__version__ = "0.1.0"


class async_chat(SafeLimits, asynchat.async_chat):  # noqa: N801 - the documented name
    """
    A channel that cuts its input into frames and queues its output, with limits for the open internet.

    It is the drop-in module's class with the defaults of ``SafeLimits``; each may be changed, None turns it off.
    Time-outs need this package's ``loop`` or ``poll_once``; asyncore's own knows no timers.
    """


_network = NetworkFunctions(sys.modules[__name__])
connect = _network.connect
listen = _network.listen
observe = _network.observe
serve = _network.serve
shutdown = _network.shutdown

__all__ = (
    "ChannelMap",
    "ExitNow",
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
