"""The documented API of async_chat, once for every backend, over the two state machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ._batch import close_batch, current_batch, open_batch
from ._framer import Framer
from ._limits import ChannelClosed, Limits
from ._producers import Producer, ProducerQueue
from ._sources import Buffer, FileProducer, NotReady, as_bytes
from ._terminators import Terminator

# Read and send sizes adapt between these two (bytes), where the program left the documented default.
_LEAST_SIZE = 4096
_MOST_SIZE = 262144
# Output is held back while a read is handled, up to so many bytes; then it is sent.
_MOST_HELD = 65536
# One channel sends at most so many bytes before the others have their turn.
_MOST_SENT = 1048576


class DefaultSize(int):
    """A buffer size that the program has not set: the channel may choose a better one."""


class ChatMixin(Limits, Framer):
    """
    Frames in, queued output out: the methods of async_chat, for a class that also derives from a dispatcher.

    Of the channel it needs what ``sockets.SocketChannel`` has and documents, above all ``send(data) -> count``,
    ``recv(size) -> bytes``, ``close()``, ``handle_error()``, ``connected``, and ``_ac_output_changed()``, by which it
    says that what it waits for may have changed.
    All bytes go through the first two, looked up on the instance, so that a subclass may override them.

    Any method may be called in any callback. Callbacks run in the thread of the loop, and so must all calls.
    """

    #: The largest read and the largest send, in bytes. Left alone they adapt to the traffic (4096 to 262144); a value
    #: set by a subclass or on the instance is honoured exactly (API-009).
    ac_in_buffer_size: int = DefaultSize(4096)
    ac_out_buffer_size: int = DefaultSize(4096)
    #: With true, frames already read are still delivered after ``close()``, as the standard library did (CLS-014).
    deliver_after_close: bool = False
    #: Whole frames delivered in one go, before other channels have their turn; None for no bound.
    frames_per_turn: int | None = None
    if TYPE_CHECKING:
        debug: bool
        send: Callable[[Any], int]
        recv: Callable[[int], Any]
        _ac_check_thread: Callable[[], None]
        _ac_is_driven: Callable[[], bool]
        _ac_send_file: Callable[[Any, int, int], int]

    _ac_queue: ProducerQueue
    _ac_socket: Any
    # Output waits for the end of a read or a batch; the kernel took less than it was given; a send is under way.
    _ac_held: bool
    _ac_blocked: bool
    _ac_sending: bool
    # Held output is being sent.
    _ac_flushing: bool
    # Whole frames may be left in the framer.
    _ac_frames_left: bool
    _ac_read_size: int = _LEAST_SIZE
    _ac_send_size: int = _LEAST_SIZE
    _ac_closed: bool = False

    def _ac_init_chat(self) -> None:
        """Make the state new; to be called before the dispatcher's constructor, and as often as that is."""
        Framer.__init__(self)
        if hasattr(self, "_ac_queue"):
            # Made anew, as programs do to connect again.
            self._ac_queue.clear()
            self._ac_init_limits()
            self._ac_forget("_ac_read_size", "_ac_send_size", "_ac_closed")
        self._ac_queue = ProducerQueue(self)
        self._ac_held = self._ac_blocked = self._ac_sending = self._ac_flushing = self._ac_frames_left = False

    # --- output

    @property
    def producer_fifo(self) -> ProducerQueue:
        """The deque of what is queued: bytes, producers, and None where ``close_when_done()`` was called."""
        return self._ac_queue

    @producer_fifo.setter
    def producer_fifo(self, entries: Any) -> None:
        self._ac_queue = ProducerQueue(self)
        self._ac_queue.extend(entries)

    def push(self, data: Buffer) -> bool:
        """
        Send ``data``, or queue what the socket does not take.

        It is sent before this returns (OUT-018); but while this or another channel of the thread handles an event, only
        the first push to a channel is, and what follows leaves together when that event has been handled.

        Returns:
            Whether the channel is below ``output_high_mark``; always, without one.

        Raises:
            TypeError: not bytes, bytearray or memoryview; nothing is queued (OUT-003).
            ChannelClosed: the channel is closed or closing, and ``strict_close`` is set; without it ``data`` is dropped
                (OUT-011).
        """
        if self.debug:
            self._ac_check_thread()
        if self._ac_closing or self._ac_closed:
            as_bytes(data)
            return self._ac_refuse_push()
        queue = self._ac_queue
        queue.push(data)
        if self._ac_blocked:
            return (self.output_high_mark is None and self.max_output is None) or self._ac_check_marks()
        if not self._ac_held:
            self._ac_send_soon()
        elif queue.size >= _MOST_HELD:
            self._ac_flush_held()
            self._ac_held = True
        return not self._ac_output_paused

    def push_with_producer(self, producer: Producer | Iterable[Buffer | NotReady] | Buffer) -> bool:
        """
        Queue an object whose ``more()`` gives the next piece, until that is empty; or an iterable of the pieces.

        Either may give ``NOT_READY`` instead: all that is queued then waits for ``resume_producer()``. A generator is
        closed when the channel drops it (PRD-109).

        What ``more()`` raises comes out of here when it is asked at once (PRD-014), else it goes to ``handle_error``.

        Raises:
            TypeError: ``producer`` has no method ``more`` and is not iterable.
            ChannelClosed: as for ``push``.
        """
        if self._ac_closing or self._ac_closed:
            refused = ProducerQueue(self)
            refused.push_producer(producer)
            refused.clear()
            return self._ac_refuse_push()
        self._ac_queue.push_producer(producer)
        if not self._ac_held and not self._ac_blocked:
            self._ac_send_soon()
        return not self._ac_output_paused

    def push_file(self, file: Any, offset: int | None = None, count: int | None = None) -> bool:
        """
        Queue a file, from ``offset`` (None: its position) ``count`` bytes (None: up to its end) (PRD-112).

        It is sent by ``os.sendfile`` where that can be, else read and given to ``send``. The file is the channel's from
        now on: closed when it is sent or dropped. One that ends before ``count`` is an EOFError in ``handle_error``.

        Raises:
            TypeError: not a file opened in binary mode. ValueError: it has no position, as a pipe; a negative number.
            ChannelClosed: as for ``push``; the file is closed.
        """
        return self.push_with_producer(FileProducer(file, offset, count, direct=True))

    def resume_producer(self) -> None:
        """
        Ask the producer that said ``NOT_READY`` again; harmless when none did (PRD-103).

        It is asked before this returns, or when the event that is being handled has been. What ``more()`` raises goes
        to ``handle_error``. To be called in the loop's thread; from another one by ``call_soon_threadsafe``.
        """
        if self.debug:
            self._ac_check_thread()
        if self._ac_queue.resume():
            if self._ac_closing:
                self._ac_began("flush")
            if not self._ac_held:
                self._ac_held = True
                self._ac_flush_held()
            self._ac_output_changed()

    def close_when_done(self) -> None:
        """
        Call ``handle_close()`` when all that is queued by now has been sent; never within this call (CWD-011).

        From now on ``flush_timeout`` runs, but not while a producer is not ready: that is the program's own waiting.
        """
        if not self._ac_closed and not self._ac_closing:
            self._ac_closing = True
            self._ac_queue.push_close_mark()
            if not self._ac_queue.parked:
                self._ac_began("flush")
            self._ac_output_changed()

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

    def initiate_send(self) -> None:
        """
        Send until the queue is empty or the socket is full: the one place that moves data out.

        ``push`` and ``handle_write`` call it through the instance; a subclass may wrap it in a lock. Not re-entrant:
        called by what it calls, it returns at once (RNT-005). The close mark at the head ends in ``handle_close()``.
        """
        self._ac_held = False
        if self._ac_sending:
            return
        self._ac_sending = True
        queue = self._ac_queue
        try:
            allowance = _MOST_SENT
            while queue and self.connected and allowance > 0:
                chunk = queue.next_chunk(self._ac_out_size(), self.encoding if self.use_encoding else None)
                if not isinstance(chunk, bytes):
                    if isinstance(chunk, FileProducer):
                        if (taken := self._ac_send_of(chunk)) < 0:
                            return
                        allowance -= taken
                        continue
                    if self._ac_flushing:
                        # Only a write event closes (CWD-011): TLS mixins hold that back until their handshake is done.
                        return
                    queue.popleft()
                    self._ac_finish()
                    return
                if not chunk or not self.connected:
                    if queue.parked:
                        self._ac_over("flush")
                    return
                if not self._ac_send_chunk(chunk):
                    return
                allowance -= len(chunk)
        finally:
            self._ac_sending = False
            if not self._ac_closed and (self.output_high_mark is not None or self.max_output is not None):
                self._ac_check_marks()
            if queue:
                self._ac_output_changed()

    def _ac_send_chunk(self, chunk: Any) -> bool:
        """Send one chunk; False when the socket took less of it or failed."""
        length = len(chunk)
        try:
            count = self.send(chunk) or 0
        except OSError:
            self.handle_error()
            return False
        if count:
            self._ac_queue.sent(count)
            if self._ac_since:
                self._ac_note_output()
        if count < length:
            self._ac_blocked = True
            return False
        if length == self._ac_send_size:
            self._ac_send_size = min(length * 4, _MOST_SIZE)
        return True

    def _ac_send_of(self, file: FileProducer) -> int:
        """Send of a file; return how many bytes, -1 when the socket is full."""
        size = self.ac_out_buffer_size
        try:
            taken = file.send(self._ac_send_file, _MOST_SIZE if type(size) is DefaultSize else size)
        except BlockingIOError:
            self._ac_blocked = True
            return -1
        except Exception:
            self._ac_queue.drop(file)
            raise
        if taken and self._ac_since:
            self._ac_note_output()
        return taken

    def _ac_out_size(self) -> int:
        size = self.ac_out_buffer_size
        return self._ac_send_size if type(size) is DefaultSize else size

    def _ac_send_soon(self) -> None:
        batch = current_batch()
        if batch is None:
            self.initiate_send()
        else:
            # A program may push and then wait, inside its callback, for what the peer does with that.
            self.initiate_send()
            self._ac_held = True
            batch.append(self)

    def _ac_flush_held(self) -> None:
        """Send what was held back, unless it has left already."""
        if not self._ac_held:
            return
        self._ac_held = False
        if self._ac_queue and not self._ac_blocked:
            self._ac_flushing = True
            try:
                self._ac_guarded(self.initiate_send)
            finally:
                self._ac_flushing = False

    # --- input

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

    def writable(self) -> bool:
        """Return whether the loop is to wait for room to write: there is output, or no connection yet (API-010)."""
        return self._ac_has_output(True) or not self.connected

    def _ac_has_output(self, handles_write: bool) -> bool:
        return bool(self._ac_queue) and not self._ac_queue.parked

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
        self._ac_frames_left = True
        try:
            self._ac_frames_left = self._ac_feed(data, self.frames_per_turn)
            while self._ac_frames_left and self._ac_wants_input():
                if self._ac_is_driven():
                    self._ac_read_on_later()
                    break
                # A loop of the program's own has called, and would not come back for them.
                self._ac_frames_left = self._ac_feed(b"", self.frames_per_turn)
        finally:
            if self.frame_timeout is not None or self.idle_timeout is not None:
                self._ac_note_input(frames)
            self._ac_flush_held()
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
            elif len(data) * 8 < size:
                self._ac_read_size = max(size // 4, _LEAST_SIZE)
        return data

    def handle_read_event(self) -> None:
        """Handle readiness to read. After a callback that raised, the frames behind it still come (ERR-014)."""
        try:
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

    def handle_write(self) -> None:
        """Send what is queued."""
        self._ac_blocked = False
        self.initiate_send()
        self._ac_output_changed()

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

    def _ac_send_last(self) -> None:
        """Send the held output of a channel that is being closed: bytes only, and errors no longer matter."""
        queue = self._ac_queue
        while queue and isinstance(queue[0], bytes):
            chunk: Any = queue.next_chunk(self._ac_out_size())
            try:
                count = self.send(chunk) or 0
            except OSError:
                return
            queue.sent(count)
            if count < len(chunk):
                return
