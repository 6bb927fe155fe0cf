"""Mutants whose channels send, close or fail wrongly."""

from __future__ import annotations

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
