"""Mutants that are wrong about producers that wait, iterables and files."""

from __future__ import annotations

from typing import Any

from asynchat_core import NOT_READY

from ._registry import mutant
from ._sound import Sound


@mutant
def not_ready_ends(backend: Sound) -> None:
    """A producer that is not ready is taken for one that has ended."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        if hasattr(producer, "more"):
            more = producer.more
            producer.more = lambda: _or_empty(more())
        elif not isinstance(producer, bytes):
            producer = (piece for piece in producer if piece is not NOT_READY)
        return old(self, producer)

    backend.chat_with(push_with_producer=push_with_producer)


def _or_empty(piece: Any) -> Any:
    return b"" if piece is NOT_READY else piece


@mutant
def waits_with_room(backend: Sound) -> None:
    """While a producer is not ready the channel waits for room, which is there."""
    backend.chat_with(
        writable=lambda self, old: bool(self.producer_fifo) or old(self),
        _ac_has_output=lambda self, old, handles: bool(self.producer_fifo),
        handle_write=_spinning,
    )


def _spinning(self: Any, old: Any) -> None:
    self._ac_queue.resume()
    old(self)


@mutant
def resuming_asks_whoever_is_first(backend: Sound) -> None:
    """resume_producer() sends the close mark, whatever is queued."""

    def resume_producer(self: Any, old: Any) -> None:
        if not self.producer_fifo:
            self.handle_close()
        old(self)

    backend.chat_with(resume_producer=resume_producer)


@mutant
def resuming_lets_errors_out(backend: Sound) -> None:
    """What a resumed producer raises comes out of resume_producer()."""

    def resume_producer(self: Any, old: Any) -> None:
        if self._ac_queue.resume():
            self.initiate_send()

    backend.chat_with(resume_producer=resume_producer)


@mutant
def waiting_is_slowness(backend: Sound) -> None:
    """flush_timeout counts the time that the program takes too."""

    def close_when_done(self: Any, old: Any) -> None:
        old(self)
        self._ac_began("flush")

    backend.chat_with(close_when_done=close_when_done)


@mutant
def iterables_in_one_piece(backend: Sound) -> None:
    """An iterable is joined when it is pushed."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        if not isinstance(producer, bytes) and not hasattr(producer, "more"):
            producer = b"".join(item for item in producer if item is not NOT_READY)
        return old(self, producer)

    backend.chat_with(push_with_producer=push_with_producer)


@mutant
def empty_items_end(backend: Sound) -> None:
    """An empty item ends an iterable."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        if not isinstance(producer, bytes) and not hasattr(producer, "more"):
            producer = iter(iter(producer).__next__, b"")
        return old(self, producer)

    backend.chat_with(push_with_producer=push_with_producer)


@mutant
def iterables_outlive_the_channel(backend: Sound) -> None:
    """A generator is not closed with its channel."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        if not isinstance(producer, bytes) and not hasattr(producer, "more"):
            producer = map(lambda item: item, producer)  # noqa: C417 - no generator
        return old(self, producer)

    backend.chat_with(push_with_producer=push_with_producer)


@mutant
def text_by_letters(backend: Sound) -> None:
    """A str is taken for an iterable."""

    def push_with_producer(self: Any, old: Any, producer: Any) -> Any:
        return old(self, producer.encode() if isinstance(producer, str) else producer)

    backend.chat_with(push_with_producer=push_with_producer)


@mutant
def files_from_the_start(backend: Sound) -> None:
    """Files are sent from their start."""
    backend.chat_with(push_file=lambda self, old, file, offset=None, count=None: old(self, file, 0, count))


@mutant
def files_to_the_end(backend: Sound) -> None:
    """Files are sent up to their end."""
    backend.chat_with(push_file=lambda self, old, file, offset=None, count=None: old(self, file, offset))


@mutant
def files_past_send(backend: Sound) -> None:
    """What a channel's own send() is to see goes past it."""

    def send_file(self: Any, old: Any, file: Any, offset: int, count: int) -> int:
        file.seek(offset)
        return int(self.socket.send(file.read(count)))

    backend.chat_with(_ac_send_file=send_file)


@mutant
def files_stay_open(backend: Sound) -> None:
    """Files are not closed."""

    class Kept:
        def __init__(self, file: Any) -> None:
            self.read, self.seek, self.tell = file.read, file.seek, file.tell

        def close(self) -> None:
            """Do nothing."""

    backend.chat_with(push_file=lambda self, old, file, offset=None, count=None: old(self, Kept(file), offset, count))


@mutant
def short_files_are_enough(backend: Sound) -> None:
    """A file that ends before count is no error."""

    def push_file(self: Any, old: Any, file: Any, offset: Any = None, count: Any = None) -> Any:
        left = len(file.read())
        file.seek(offset or 0)
        return old(self, file, offset, count if count is None else min(count, left))

    backend.chat_with(push_file=push_file)
