"""Mutants whose channels send, close or fail wrongly."""

from __future__ import annotations

import gc
import socket
import sys
from typing import Any

from ._registry import mutant
from ._sound import Sound

_kept: list[Any] = []


@mutant
def lifo_queue(backend: Sound) -> None:
    """What was pushed last is sent first."""

    def push(self: Any, old: Any, data: Any) -> Any:
        if isinstance(data, bytes) and len(self.producer_fifo):
            self.producer_fifo.appendleft(data)
            return True
        return old(self, data)

    backend.chat_with(push=push)


@mutant
def short_write_ignored(backend: Sound) -> None:
    """What the kernel did not take of a piece is lost."""

    def send(self: Any, old: Any, data: Any) -> int:
        return len(data) if old(self, data) else 0

    backend.chat_with(send=send)


@mutant
def no_room_loses(backend: Sound) -> None:
    """A piece for which there is no room is lost."""

    def send(self: Any, old: Any, data: Any) -> int:
        return old(self, data) or len(data)

    backend.chat_with(send=send)


@mutant
def aliased_pushes(backend: Sound) -> None:
    """Only bytes can be pushed."""

    def push(self: Any, old: Any, data: Any) -> Any:
        if not isinstance(data, bytes):
            raise TypeError("bytes only")
        return old(self, data)

    backend.chat_with(push=push)


@mutant
def anything_pushed(backend: Sound) -> None:
    """Whatever is pushed becomes bytes somehow."""

    def push(self: Any, old: Any, data: Any) -> Any:
        return old(self, data if isinstance(data, (bytes, bytearray, memoryview)) else str(data).encode())

    backend.chat_with(push=push)


@mutant
def large_pushes_cut(backend: Sound) -> None:
    """Of a push only as much as ac_out_buffer_size is sent."""

    def push(self: Any, old: Any, data: Any) -> Any:
        return old(
            self,
            bytes(data)[: self.ac_out_buffer_size] if len(data) > 4096 or len(data) > self.ac_out_buffer_size else data,
        )

    backend.chat_with(push=push)


@mutant
def sends_too_much(backend: Sound) -> None:
    """ac_out_buffer_size is not heeded."""
    backend.chat_with(_ac_out_size=lambda self, old: 1 << 20)


@mutant
def empty_push_blocks(backend: Sound) -> None:
    """An empty push stays at the head of the queue for ever."""

    def push(self: Any, old: Any, data: Any) -> Any:
        if isinstance(data, bytes) and not data:
            self.close_when_done()
            return True
        return old(self, data)

    backend.chat_with(push=push)


@mutant
def resurrected(backend: Sound) -> None:
    """push on a closed channel enters the map again."""

    def push(self: Any, old: Any, data: Any) -> Any:
        if self.socket is not None and self.socket.fileno() < 0 and isinstance(data, bytes):
            self._map[9999] = self
            raise OSError("closed")
        return old(self, data)

    backend.chat_with(push=push)


@mutant
def always_writable(backend: Sound) -> None:
    """The channel asks for write events always."""
    backend.chat_with(writable=lambda self, old: True, _ac_has_output=lambda self, old, handles: True)


@mutant
def early_pushes_lost(backend: Sound) -> None:
    """What is pushed before the connection stands is lost."""

    def push(self: Any, old: Any, data: Any) -> Any:
        return old(self, data) if self.connected or not isinstance(data, bytes) else True

    backend.chat_with(push=push)


@mutant
def recursive_sends(backend: Sound) -> None:
    """Each piece is sent inside the one before."""

    def send(self: Any, old: Any, data: Any) -> int:
        self._depth = getattr(self, "_depth", 0) + 1
        if self._depth > 300:
            raise RecursionError("too deep")
        return int(old(self, data))

    backend.chat_with(send=send)


@mutant
def one_way(backend: Sound) -> None:
    """While output waits nothing is read."""
    backend.chat_with(_ac_wants_input=lambda self, old: old(self) and not self.producer_fifo)


@mutant
def eager_producers(backend: Sound) -> None:
    """A producer is emptied when it is pushed."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        while not isinstance(producer, bytes):
            piece = producer.more()
            if not piece:
                return True
            self.push(bytes(piece))
        return old(self, producer)

    backend.chat_with(push_with_producer=push_with_producer)


@mutant
def producers_once(backend: Sound) -> None:
    """Only the first piece of a producer is sent."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        return self.push(bytes(producer.more() or b"")) if not isinstance(producer, bytes) else old(self, producer)

    backend.chat_with(push_with_producer=push_with_producer)


@mutant
def producers_first(backend: Sound) -> None:
    """Producers overtake what was pushed before them."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        self.producer_fifo.appendleft(producer)
        self.initiate_send()
        return True

    backend.chat_with(push_with_producer=push_with_producer)


@mutant
def empty_producers_block(backend: Sound) -> None:
    """A producer that is empty at once stops the queue."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        piece = producer if isinstance(producer, bytes) else producer.more()
        if not piece:
            self.close_when_done()
            return True
        self.push(bytes(piece))
        return old(self, producer) if producer is not piece else True

    backend.chat_with(push_with_producer=push_with_producer)


@mutant
def asks_more_of_producers(backend: Sound) -> None:
    """A producer must have a size too."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        if not isinstance(producer, bytes) and not hasattr(producer, "__dict__"):
            raise TypeError("no size")
        return old(self, producer)

    backend.chat_with(push_with_producer=push_with_producer)


@mutant
def swallows_producer_errors(backend: Sound) -> None:
    """What more() raises is dropped."""

    def initiate_send(self: Any, old: Any) -> None:
        try:
            old(self)
        except ValueError:
            pass

    backend.chat_with(initiate_send=initiate_send)


@mutant
def asks_again_after_the_end(backend: Sound) -> None:
    """more() is called once more after it returned empty."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        if isinstance(producer, bytes):
            return old(self, producer)

        class Twice:
            def more(self) -> Any:
                return producer.more() or producer.more()

        return old(self, Twice())

    backend.chat_with(push_with_producer=push_with_producer)


@mutant
def close_when_done_at_once(backend: Sound) -> None:
    """close_when_done closes within the call."""
    backend.chat_with(close_when_done=lambda self, old: self.handle_close())


@mutant
def close_when_done_never(backend: Sound) -> None:
    """close_when_done waits for the peer."""
    backend.chat_with(close_when_done=lambda self, old: None)


@mutant
def close_when_done_twice(backend: Sound) -> None:
    """close_when_done leads to two calls of handle_close."""

    def finish(self: Any, old: Any) -> None:
        self.handle_close()
        self.handle_close()

    backend.chat_with(_ac_finish=finish)


@mutant
def close_when_done_deaf(backend: Sound) -> None:
    """After close_when_done nothing is read or delivered."""

    def close_when_done(self: Any, old: Any) -> None:
        old(self)
        self.ac_in_buffer = b""
        self.pause_reading()

    backend.chat_with(close_when_done=close_when_done)


@mutant
def discard_keeps_output(backend: Sound) -> None:
    """discard_buffers drops input only."""

    def discard(self: Any, old: Any) -> None:
        self.ac_in_buffer = b""

    backend.chat_with(discard_buffers=discard)


@mutant
def discard_keeps_input(backend: Sound) -> None:
    """discard_buffers drops output only."""

    def discard(self: Any, old: Any) -> None:
        held = self.ac_in_buffer
        old(self)
        self.ac_in_buffer = held

    backend.chat_with(discard_buffers=discard)


@mutant
def discard_forgets_the_terminator(backend: Sound) -> None:
    """discard_buffers takes the terminator with it."""

    def discard(self: Any, old: Any) -> None:
        old(self)
        self.set_terminator(None)

    backend.chat_with(discard_buffers=discard)


@mutant
def discard_closes(backend: Sound) -> None:
    """discard_buffers closes the channel."""

    def discard(self: Any, old: Any) -> None:
        old(self)
        self.socket.close()

    backend.chat_with(discard_buffers=discard)


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

    def handle_read_event(self: Any, old: Any) -> None:
        try:
            old(self)
        except Exception:
            pass

    backend.dispatcher_with(handle_read_event=handle_read_event, handle_write_event=handle_read_event)


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
