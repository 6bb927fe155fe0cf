"""Mutants whose channels close, fail or end wrongly."""

from __future__ import annotations

import gc
import socket
import sys
from typing import Any

from ._registry import mutant
from ._sound import Sound

_kept: list[Any] = []


@mutant
def stays_in_the_map(backend: Sound) -> None:
    """close() leaves the channel in the map."""

    def close(self: Any, old: Any) -> None:
        fd, map = self._fileno, self._map
        old(self)
        if fd is not None:
            dict.__setitem__(map, fd, self)

    backend.dispatcher_with(close=close)


@mutant
def late_close(backend: Sound) -> None:
    """close() leaves the descriptor open until some later turn."""

    def close(self: Any, old: Any) -> None:
        sock, self.socket = self.socket, None
        old(self)
        self.socket = sock
        if sock is not None and sock.fileno() >= 0 and isinstance(sock, socket.socket):
            _kept.append(sock.dup())

    backend.dispatcher_with(close=close)


@mutant
def close_raises_the_second_time(backend: Sound) -> None:
    """close() of a closed channel raises."""

    def close(self: Any, old: Any) -> None:
        if getattr(self, "_was_closed", False):
            raise OSError(9, "closed already")
        old(self)
        self._was_closed = True

    backend.chat_with(close=close)


@mutant
def close_calls_handle_close(backend: Sound) -> None:
    """close() calls handle_close."""

    def close(self: Any, old: Any) -> None:
        if self.connected and not getattr(self, "_in_close", False):
            self._in_close = True
            self.handle_close()
        old(self)

    backend.chat_with(close=close)


@mutant
def double_handle_close(backend: Sound) -> None:
    """handle_close runs twice when the peer has gone."""

    def lost(self: Any, old: Any) -> None:
        old(self)
        self.handle_close()

    backend.dispatcher_with(_ac_lost=lost)


@mutant
def no_handle_close(backend: Sound) -> None:
    """handle_close does not run when the peer has gone."""
    backend.dispatcher_with(_ac_lost=lambda self, old: self.close())


@mutant
def sends_after_close(backend: Sound) -> None:
    """A chunk that more() returns is sent though the channel was closed in it."""

    def close(self: Any, old: Any) -> None:
        if self.socket is not None and self._ac_sending:
            self.socket.send(b"too late")
        old(self)

    backend.chat_with(close=close)


@mutant
def unsent_data_raises(backend: Sound) -> None:
    """close() with unsent output raises."""

    def close(self: Any, old: Any) -> None:
        unsent = bool(self.producer_fifo) and self.connected
        old(self)
        if unsent:
            raise OSError("unsent output")

    backend.chat_with(close=close)


@mutant
def swallows_exceptions(backend: Sound) -> None:
    """What callbacks raise is dropped."""

    def swallow(self: Any, old: Any) -> None:
        try:
            old(self)
        except Exception:
            pass

    backend.dispatcher_with(handle_read_event=swallow, handle_write_event=swallow)
    backend.chat_with(handle_read=swallow)


@mutant
def swallows_everything(backend: Sound) -> None:
    """KeyboardInterrupt and SystemExit go to handle_error like the rest."""

    def handle_read(self: Any, old: Any) -> None:
        try:
            old(self)
        except (KeyboardInterrupt, SystemExit) as error:
            raise ValueError("swallowed") from error

    backend.chat_with(handle_read=handle_read)


@mutant
def errors_leave_the_loop(backend: Sound) -> None:
    """What callbacks raise leaves poll."""
    backend.dispatcher_with(handle_error=_raise_on)


def _raise_on(self: Any, old: Any) -> None:
    raise sys.exc_info()[1]  # type: ignore[misc]


@mutant
def errors_out_of_context(backend: Sound) -> None:
    """handle_error runs while another exception is handled."""

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name != "handle_error":
                return value

            def call() -> None:
                try:
                    raise RuntimeError("another")
                except RuntimeError:
                    value()

            return call

    backend.async_chat = Chat


@mutant
def silent_errors(backend: Sound) -> None:
    """The default handle_error closes and logs nothing."""
    backend.dispatcher_with(handle_error=lambda self, old: self.handle_close())


@mutant
def errors_keep_the_channel(backend: Sound) -> None:
    """The default handle_error does not close."""

    def handle_error(self: Any, old: Any) -> None:
        self.log_info("an error", "error")

    backend.dispatcher_with(handle_error=handle_error)


@mutant
def repr_in_errors(backend: Sound) -> None:
    """handle_error needs a repr that works."""

    def handle_error(self: Any, old: Any) -> None:
        repr(self)
        old(self)

    backend.dispatcher_with(handle_error=handle_error)


@mutant
def reset_is_an_error(backend: Sound) -> None:
    """A lost connection is an error like any other."""

    def recv(self: Any, old: Any, size: int) -> Any:
        data = self.socket.recv(size)
        return data or old(self, size)

    def send(self: Any, old: Any, data: Any) -> Any:
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0

    backend.dispatcher_with(recv=recv, send=send)


@mutant
def every_error_is_a_loss(backend: Sound) -> None:
    """Any error of the socket is taken for a lost connection."""

    def recv(self: Any, old: Any, size: int) -> Any:
        try:
            return old(self, size)
        except BlockingIOError:
            raise
        except OSError:
            self._ac_lost()
            return b""

    def send(self: Any, old: Any, data: Any) -> Any:
        try:
            return old(self, data)
        except OSError:
            self._ac_lost()
            return 0

    backend.dispatcher_with(recv=recv, send=send)


@mutant
def nothing_to_read_is_an_error(backend: Sound) -> None:
    """BlockingIOError from recv closes the channel."""

    def recv(self: Any, old: Any, size: int) -> Any:
        try:
            return old(self, size)
        except BlockingIOError as error:
            raise ValueError("nothing there") from error

    backend.chat_with(recv=recv)


@mutant
def end_of_stream_loses_bytes(backend: Sound) -> None:
    """At a hang-up the channel closes with input unread."""

    def handle_read_event(self: Any, old: Any) -> None:
        old(self)
        if not self.accepting and self.connected and isinstance(self.socket, socket.socket):
            peek = b"?"
            try:
                peek = self.socket.recv(1 << 20, socket.MSG_PEEK)
            except OSError:
                pass
            if peek != b"?" and len(peek) < 1 << 20:
                try:
                    self.socket.getpeername()
                    self.socket.send(b"")
                except OSError:
                    self.handle_close()

    backend.chat_with(handle_read_event=handle_read_event)


@mutant
def found_at_the_end(backend: Sound) -> None:
    """The end of the stream ends a frame."""

    def ended(self: Any, old: Any) -> None:
        if not self._ac_closed:
            self.found_terminator()
        old(self)

    backend.chat_with(_ac_ended=ended)


@mutant
def callbacks_after_the_end(backend: Sound) -> None:
    """A callback runs after handle_close."""

    def lost(self: Any, old: Any) -> None:
        old(self)
        self.handle_expt()

    backend.chat_with(_ac_lost=lost)


@mutant
def half_closed_stays(backend: Sound) -> None:
    """The peer's end of stream is ignored."""
    backend.chat_with(_ac_ended=lambda self, old: setattr(self, "_ac_at_eof", True))


@mutant
def leaks_sockets(backend: Sound) -> None:
    """Each channel keeps a duplicate of its socket."""

    def set_socket(self: Any, old: Any, sock: Any, map: Any = None) -> None:
        old(self, sock, map)
        if isinstance(sock, socket.socket):
            _kept.append(sock.dup())

    backend.dispatcher_with(set_socket=set_socket)


@mutant
def forgets_sockets(backend: Sound) -> None:
    """close() drops the socket without closing it."""

    def close(self: Any, old: Any) -> None:
        sock = self.socket
        if isinstance(sock, socket.socket) and sock.fileno() >= 0:
            self.socket = None
            twin = socket.socket(fileno=sock.detach())
            del twin
            gc.collect()
        old(self)

    backend.chat_with(close=close)
