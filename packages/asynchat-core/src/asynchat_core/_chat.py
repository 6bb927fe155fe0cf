"""The documented API of async_chat, once for every backend, over the two state machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._batch import close_batch, open_batch
from ._framer import Framer
from ._limits import ChannelClosed
from ._output import DefaultSize, Output
from ._sources import as_bytes
from ._terminators import Terminator

# Where the program left the documented default, reads adapt between these two (bytes). From 128 KiB on malloc would
# map new pages for each, which costs more than a second read.
_LEAST_SIZE = 4096
_MOST_SIZE = 122880


class ChatMixin(Output, Framer):
    """
    Frames in, queued output out: the methods of async_chat, for a class that also derives from a dispatcher.

    Of the channel it needs what ``sockets.SocketChannel`` has and documents, above all ``send(data) -> count``,
    ``recv(size) -> bytes``, ``close()``, ``handle_error()``, ``connected``, and ``_ac_output_changed()``, by which it
    says that what it waits for may have changed.
    All bytes go through the first two, looked up on the instance, so that a subclass may override them.

    Any method may be called in any callback. Callbacks run in the thread of the loop, and so must all calls.
    """

    #: The largest read, in bytes. Left alone it adapts to the traffic (4096 to 122880); a value set by a subclass or on
    #: the instance is honoured exactly (API-009).
    ac_in_buffer_size: int = DefaultSize(4096)
    #: With true, frames already read are still delivered after ``close()``, as the standard library did (CLS-014).
    deliver_after_close: bool = False
    #: Whole frames delivered in one go, before other channels have their turn; None for no bound.
    frames_per_turn: int | None = None
    if TYPE_CHECKING:
        recv: Callable[[int], Any]
        accepting: bool
        _ac_is_driven: Callable[[], bool]

    _ac_socket: Any
    # Whole frames may be left in the framer.
    _ac_frames_left: bool
    _ac_read_size: int = _LEAST_SIZE
    _ac_closed: bool = False

    def _ac_init_chat(self) -> None:
        """Make the state new; to be called before the dispatcher's constructor, and as often as that is."""
        Framer.__init__(self)
        if hasattr(self, "_ac_fifo"):
            # Made anew, as programs do to connect again.
            self._ac_queue.clear()
            self._ac_init_limits()
            self._ac_forget("_ac_read_size", "_ac_closed")
        self._ac_init_output()
        self._ac_frames_left = False

    # --- input

    def discard_buffers(self) -> None:
        """
        Drop the input that no callback has seen, ``incoming``, and all queued output with its close mark.

        What was pushed before in the same event is sent first, as far as the socket takes it: a push means to send.
        """
        if self._ac_held and self._ac_queue:
            self._ac_flush_held()
            self._ac_held = True
        self.ac_in_buffer = b""
        self.incoming.clear()
        self._ac_queue.clear()
        self._ac_closing = False
        self._ac_over("flush")

    def set_terminator(self, term: Terminator | bytearray | memoryview | str) -> None:
        """
        Set what ends the next frame; see ``Framer.set_terminator``, also for what it raises.

        Outside this channel's callbacks too it applies to the bytes that are already here: what they complete comes in
        the loop's next turn (TRM-014).
        """
        if type(term) is bytes:
            # The usual case, without a second call.
            self.terminator = term
        else:
            super().set_terminator(term)
        try:
            waits = self._ac_chunk and not self._ac_frames_left
        except AttributeError:
            # Called before __init__, as old programs may.
            return
        if waits:
            self._ac_frames_left = True
            if self._ac_wants_input():
                self._ac_read_on_later()

    # --- the channel's events

    def readable(self) -> bool:
        """Return whether the loop is to wait for input: unless reading is paused (API-010)."""
        return self._ac_wants_input()

    def handle_read(self) -> None:
        """Read once and make the callbacks that the bytes complete; all that these push has left when they are done."""
        if self._ac_lingering:
            self._ac_read()
            return
        data = b""
        if not self._ac_frames_left:
            data = self._ac_read()
            if not data:
                return
        batch, frames = open_batch(), self._ac_frames
        self._ac_in_event = self._ac_frames_left = True
        try:
            self._ac_frames_left = self._ac_feed(data, self.frames_per_turn)
            while self._ac_frames_left and self._ac_wants_input():
                if self._ac_is_driven():
                    self._ac_read_on_later()
                    break
                # A loop of the program's own has called, and would not come back for them.
                self._ac_frames_left = self._ac_feed(b"", self.frames_per_turn)
        finally:
            self._ac_in_event = False
            if self.frame_timeout is not None or self.idle_timeout is not None:
                self._ac_note_input(frames)
            self._ac_flush_held()
            if batch is not None:
                close_batch(batch)

    def _ac_read(self) -> bytes:
        size = self.ac_in_buffer_size
        adaptive = type(size) is DefaultSize
        if adaptive:
            size = self._ac_read_size
        try:
            data = self.recv(size)
        except BlockingIOError:
            return b""
        except OSError:
            self.handle_error()
            return b""
        if type(data) is not bytes:
            data = data.encode(self.encoding) if isinstance(data, str) and self.use_encoding else as_bytes(data)
        if adaptive and data:
            if len(data) == size:
                self._ac_read_size = min(size * 4, _MOST_SIZE)
            elif size > _LEAST_SIZE and len(data) * 8 < size:
                self._ac_read_size = max(size // 4, _LEAST_SIZE)
        return data

    def handle_read_event(self) -> None:
        """Handle readiness to read. After a callback that raised, the frames behind it still come (ERR-014)."""
        try:
            if self.connected and not self.accepting:
                self.handle_read()
            else:
                super().handle_read_event()  # type: ignore[misc]
        except self._ac_leaves_loop:
            raise
        except ChannelClosed as error:
            # A reply after the last one: to close for it would destroy what is still to be sent.
            self.log_info(str(error), "info")
            self._ac_read_on()
        except Exception:
            if not self._ac_frames_left:
                raise
            self.handle_error()
            self._ac_read_on()

    def _ac_read_on(self) -> None:
        while self._ac_frames_left and not self._ac_closed and self._ac_wants_input():
            self._ac_guarded(self.handle_read)

    def connect(self, address: Any) -> None:
        """Begin to connect; see the dispatcher. It is given up after ``connect_timeout`` seconds."""
        super().connect(address)  # type: ignore[misc]
        if self.connecting:
            self._ac_began("connect")

    def handle_connect_event(self) -> None:
        """Finish connecting."""
        self._ac_over("connect")
        super().handle_connect_event()  # type: ignore[misc]
        if self.idle_timeout is not None:
            self._ac_began("idle")

    def handle_close(self) -> None:
        """Close the channel; called once, when the peer is gone, and for the close mark."""
        self.close()

    # --- the channel's life

    @property
    def socket(self) -> Any:
        """The socket. Whoever asks for it in a callback may write to it, so what was pushed before leaves first."""
        if self._ac_held and self._ac_queue:
            self._ac_flush_held()
            self._ac_held = True
        return self._ac_socket

    @socket.setter
    def socket(self, sock: Any) -> None:
        if getattr(self, "_ac_held", False) and self._ac_queue and self._ac_socket is not None:
            self._ac_flush_held()
            self._ac_held = True
        self._ac_socket = sock

    def add_channel(self, map: Any = None) -> None:
        """Enter the map; a channel that was closed begins anew, with nothing left of the old connection."""
        if self._ac_closed:
            Framer.reset_input(self)
            self._ac_queue.clear()
            self._ac_closed = self._ac_blocked = self._ac_frames_left = False
            self._ac_init_limits()
        super().add_channel(map)  # type: ignore[misc]

    def close(self) -> None:
        """
        Close the channel at once; unsent output is dropped, no further callback runs (CLS-005, CLS-013).

        What was pushed before in the same callback is sent first, as far as the socket takes it.
        """
        if not self._ac_closed:
            if self._ac_held and self._ac_queue and not self._ac_blocked and self.connected:
                # Held no more: send() asks for the socket, which sends what is held, and it would leave twice.
                self._ac_closed, self._ac_held = True, False
                self._ac_send_last()
            self._ac_let_go()
        super().close()  # type: ignore[misc]

    def _ac_let_go(self) -> None:
        """Drop all that waits to be delivered, sent or timed."""
        self._ac_closed = self._ac_blocked = True
        if not self.deliver_after_close:
            self._ac_stop_input()
        self._ac_queue.clear()
        self._ac_since = None
        if self._ac_watchdog is not None:
            self._ac_watchdog.cancel()

    def _ac_force_close(self) -> None:
        self._ac_let_go()
        super()._ac_force_close()  # type: ignore[misc]
