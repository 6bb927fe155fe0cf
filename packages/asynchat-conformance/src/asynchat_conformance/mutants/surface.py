"""Mutants with a wrong surface."""

from __future__ import annotations

from typing import Any

from asynchat_core import variants

from ._registry import mutant
from ._sound import Sound


@mutant
def missing_method(backend: Sound) -> None:
    """There is no discard_buffers."""

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            if name == "discard_buffers":
                raise AttributeError(name)
            return super().__getattribute__(name)

    class Meta(type):
        def __getattribute__(cls, name: str) -> Any:
            if name == "discard_buffers":
                raise AttributeError(name)
            return super().__getattribute__(name)

    backend.async_chat = Meta("async_chat", (Chat,), {})


@mutant
def keyword_only(backend: Sound) -> None:
    """The constructor takes its map by keyword only, under another name."""

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __init__(self, sock: Any = None, channels: Any = None) -> None:
            super().__init__(sock, channels)

    backend.async_chat = Chat


@mutant
def silent_base(backend: Sound) -> None:
    """The callbacks of the base class do nothing."""
    backend.chat_with(
        collect_incoming_data=lambda self, old, data: None,
        found_terminator=lambda self, old: None,
    )


@mutant
def unrelated_dispatcher(backend: Sound) -> None:
    """async_chat is no subclass of the dispatcher."""
    backend.dispatcher = type("dispatcher", (backend.dispatcher,), {})


@mutant
def terminator_not_told(backend: Sound) -> None:
    """get_terminator returns text."""
    backend.chat_with(get_terminator=lambda self, old: repr(old(self)))


@mutant
def negative_counts(backend: Sound) -> None:
    """A negative count is taken for None."""

    def set_terminator(self: Any, old: Any, term: Any) -> None:
        old(self, None if isinstance(term, int) and term < 0 else term)

    backend.chat_with(set_terminator=set_terminator)


@mutant
def fixed_read_size(backend: Sound) -> None:
    """ac_in_buffer_size is not heeded."""

    def recv(self: Any, old: Any, size: int) -> Any:
        return old(self, 65536)

    backend.chat_with(recv=recv)


@mutant
def constant_predicates(backend: Sound) -> None:
    """readable() and writable() are always false."""
    backend.chat_with(readable=lambda self, old: False, writable=lambda self, old: False)


@mutant
def handlers_must_call_the_base(backend: Sound) -> None:
    """A frame is ended only if the base class's handle_connect ran."""

    def init(self: Any, old: Any, *args: Any, **kwargs: Any) -> None:
        old(self, *args, **kwargs)
        self.handle_expt()

    def handle_expt(self: Any, old: Any) -> None:
        self._base_called = True

    def handle_read(self: Any, old: Any) -> None:
        if not getattr(self, "_base_called", False):
            raise RuntimeError("the base class was not called")
        old(self)

    backend.chat_with(__init__=init, handle_expt=handle_expt, handle_read=handle_read)


@mutant
def bypasses_recv_and_send(backend: Sound) -> None:
    """Bytes go round the methods recv and send."""

    def read(self: Any, old: Any) -> bytes:
        try:
            data: bytes = self.socket.recv(4096)
        except OSError:
            return b""
        if not data:
            self._ac_ended()
        return data

    def send_chunk(self: Any, old: Any, chunk: bytes) -> bool:
        try:
            count = self.socket.send(chunk)
        except OSError:
            return False
        self._ac_queue.sent(count)
        return bool(count == len(chunk))

    backend.chat_with(_ac_read=read, _ac_send_chunk=send_chunk)


@mutant
def cached_callbacks(backend: Sound) -> None:
    """The callbacks are looked up once for each channel."""

    class Chat(backend.async_chat):  # type: ignore[misc, name-defined]
        def __getattribute__(self, name: str) -> Any:
            if name not in ("collect_incoming_data", "found_terminator"):
                return super().__getattribute__(name)
            cache = super().__getattribute__("__dict__").setdefault("_callbacks", {})
            if name not in cache:
                cache[name] = super().__getattribute__(name)
            return cache[name]

    backend.async_chat = Chat


@mutant
def plain_events_lost(backend: Sound) -> None:
    """A plain dispatcher gets no events."""

    class Deaf(backend.dispatcher):  # type: ignore[misc, name-defined]
        def handle_read_event(self) -> None:
            if self.accepting or hasattr(self, "push"):
                super().handle_read_event()
            else:
                self.close()

        def handle_write_event(self) -> None:
            if hasattr(self, "push"):
                super().handle_write_event()

    backend.dispatcher = Deaf


@mutant
def with_send_loses(backend: Sound) -> None:
    """dispatcher_with_send sends once, and forgets the rest."""

    class Forgetful(variants.dispatcher_with_send, backend.dispatcher):  # type: ignore[misc, name-defined]
        def initiate_send(self) -> None:
            super().initiate_send()
            self.out_buffer = bytearray()

    backend.dispatcher_with_send = Forgetful


@mutant
def simple_producer_whole(backend: Sound) -> None:
    """simple_producer gives everything at once."""

    class Whole:
        def __init__(self, data: Any, buffer_size: int = 512) -> None:
            self.data = data

        def more(self) -> Any:
            data, self.data = self.data, b""
            return data

    vars(backend.asynchat)["simple_producer"] = Whole
