"""asynchat on the standard library's selectors."""

from __future__ import annotations

from asynchat_core.channels import ExitNow

from . import asynchat, asyncore
from ._reactor import ChannelMap, SelectorReactor
from .asynchat import async_chat
from .asyncore import _functions, dispatcher, dispatcher_with_send, file_dispatcher, socket_map

__version__ = "0.1.0"

loop = _functions.loop
poll_once = _functions.poll
close_all = _functions.close_all
call_later = _functions.call_later
call_soon_threadsafe = _functions.call_soon_threadsafe

__all__ = (
    "ChannelMap",
    "ExitNow",
    "SelectorReactor",
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
