"""asynchat on select.poll: the example of the page "Write a backend"."""

from __future__ import annotations

import sys

from asynchat_core import SafeLimits
from asynchat_core.network import NetworkFunctions

from . import asynchat, asyncore
from ._reactor import ChannelMap, PollReactor
from .asyncore import ExitNow, close_all, dispatcher, dispatcher_with_send, file_dispatcher, functions, loop, socket_map

call_every, call_later = functions.call_every, functions.call_later
call_soon_threadsafe = functions.call_soon_threadsafe
poll_once = functions.poll


class async_chat(SafeLimits, asynchat.async_chat):
    pass


network = NetworkFunctions(sys.modules[__name__])
connect, listen, serve, shutdown = network.connect, network.listen, network.serve, network.shutdown

__all__ = (
    "ChannelMap",
    "ExitNow",
    "PollReactor",
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
    "poll_once",
    "serve",
    "shutdown",
    "socket_map",
)
