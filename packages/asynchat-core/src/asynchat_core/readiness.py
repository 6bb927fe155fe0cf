"""async_chat on the dispatcher of the readiness loops."""

from __future__ import annotations

from typing import Any

from ._chat import ChatMixin
from .channels import AnyMap
from .dispatcher import dispatcher


class ReadinessChat(ChatMixin, dispatcher):
    """
    The async_chat that a backend with a ``Reactor`` offers, once it is given that backend's dispatcher.

    Args:
        sock: a socket, made non-blocking here; without one, call ``create_socket`` or ``set_socket``.
        map: the map of channels to live in; None for the backend's ``socket_map``.
    """

    frames_per_turn: int | None = 1000
    _ac_scheduled: bool = False

    def __init__(self, sock: Any = None, map: AnyMap | None = None) -> None:
        self._ac_init_chat()
        dispatcher.__init__(self, sock, map)
        self._ac_begin_idle()

    def _ac_read_on_later(self) -> None:
        if not self._ac_scheduled:
            self._ac_scheduled = True
            self._ac_driver().call_soon(self._ac_read_on_now)

    def _ac_read_on_now(self) -> None:
        self._ac_scheduled = False
        if self._ac_frames_left and not self._ac_closed:
            try:
                self.handle_read_event()
            except self._ac_leaves_loop:
                raise
            except Exception:
                self.handle_error()
