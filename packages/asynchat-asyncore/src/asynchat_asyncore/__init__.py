"""asynchat on asyncore: the standard library's on Python 3.11, pyasyncore from 3.12 on."""

from __future__ import annotations

import asyncore
from asyncore import ExitNow, close_all, dispatcher_with_send, file_dispatcher, socket_map

from . import asynchat
from ._dispatcher import dispatcher
from ._loop import ChannelMap, call_later, call_soon_threadsafe, loop, poll_once
from .asynchat import async_chat

__version__ = "0.1.0"

__all__ = (
    "ChannelMap",
    "ExitNow",
    "async_chat",
    "asynchat",
    "asyncore",
    "call_later",
    "call_soon_threadsafe",
    "close_all",
    "dispatcher",
    "dispatcher_with_send",
    "file_dispatcher",
    "loop",
    "poll_once",
    "socket_map",
)
