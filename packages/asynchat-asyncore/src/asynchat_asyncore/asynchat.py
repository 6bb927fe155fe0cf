"""A drop-in for the standard library's asynchat, on asyncore itself."""

from __future__ import annotations

import asyncore
from typing import Any

from asynchat_core import ChatMixin, find_prefix_at_end, simple_producer

from ._dispatcher import dispatcher

__all__ = ("async_chat", "asyncore", "find_prefix_at_end", "simple_producer")


class async_chat(ChatMixin, dispatcher):  # noqa: N801 - the documented name
    """
    A channel that cuts its input into frames and queues its output.

    Args:
        sock: a socket, made non-blocking here; without one, call ``create_socket`` or ``set_socket``.
        map: the map of channels to live in; None for ``asyncore.socket_map``.
    """

    def __init__(self, sock: Any = None, map: dict[int, Any] | None = None) -> None:
        self._ac_init_chat()
        dispatcher.__init__(self, sock, map)
        self._ac_begin_idle()

    def readable(self) -> bool:
        """Return whether the loop is to wait for input."""
        return ChatMixin.readable(self) and dispatcher.readable(self)

    def _ac_read_on_later(self) -> None:
        self._ac_call_later(0, self._ac_read_on)
