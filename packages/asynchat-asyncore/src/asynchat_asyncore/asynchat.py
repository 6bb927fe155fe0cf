"""A drop-in for the standard library's asynchat, on asyncore itself."""

from __future__ import annotations

import asyncore
from collections.abc import MutableMapping
from typing import Any

from asynchat_core import ChatMixin, find_prefix_at_end, simple_producer

from ._loop import LEAVES_LOOP

__all__ = ("async_chat", "asyncore", "find_prefix_at_end", "simple_producer")


class async_chat(ChatMixin, asyncore.dispatcher):  # noqa: N801 - the documented name
    """
    A channel that cuts its input into frames and queues its output.

    Args:
        sock: a socket, made non-blocking here; without one, call ``create_socket`` or ``set_socket``.
        map: the map of channels to live in; None for ``asyncore.socket_map``.
    """

    _leaves_loop = LEAVES_LOOP

    def __init__(self, sock: Any = None, map: MutableMapping[int, Any] | None = None) -> None:
        self._init_chat()
        asyncore.dispatcher.__init__(self, sock, map)

    def _output_changed(self) -> None:
        """Do nothing: asyncore asks ``writable()`` before each wait."""

    def _read_on_later(self) -> None:
        """Do nothing: without ``frames_per_turn`` there is nothing left to read on."""
