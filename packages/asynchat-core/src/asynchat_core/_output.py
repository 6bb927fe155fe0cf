"""What a channel sends: the queue, the pushes that fill it, and the one place that empties it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sys import maxsize
from typing import TYPE_CHECKING, Any

from ._batch import current_batch
from ._limits import Limits
from ._producers import Producer, ProducerQueue
from ._sources import Buffer, FileProducer, NotReady, as_bytes

# Where the program left the documented default, output is joined and cut to so many bytes; what lies ready may be of
# the second size. For copies of 128 KiB and more malloc would map new pages each time.
_SEND_SIZE = 65536
_MOST_WHOLE = 262144
# Output is held back while a read is handled, up to so many bytes; then it is sent.
_MOST_HELD = 65536
# One channel sends at most so many bytes before the others have their turn.
_MOST_SENT = 1048576


class DefaultSize(int):
    """A buffer size that the program has not set: the channel may choose a better one."""


class Output(Limits):
    """The outbound half of a channel. A base of ``ChatMixin``, which says what else a channel needs."""

    #: The largest send, in bytes. Left alone, what is joined or cut leaves in sends of up to 65536, and a push of up to
    #: 262144 as it is; a value set by a subclass or on the instance is honoured exactly (API-009).
    ac_out_buffer_size: int = DefaultSize(4096)

    if TYPE_CHECKING:
        debug: bool
        encoding: str
        use_encoding: int | bool
        send: Callable[[Any], int]
        _ac_check_thread: Callable[[], None]
        _ac_send_file: Callable[[Any, int, int], int]

    # What is to be sent; but whoever looks at it takes ``_ac_queue``, which moves what was gathered into it.
    _ac_fifo: ProducerQueue
    # Pushes that only had to be queued, and how many bytes more cross no limit and no mark. None: look at each push.
    _ac_gathered: list[bytes] | None
    _ac_room: int
    # A read of this channel is being handled, at whose end held output is sent.
    _ac_in_event: bool
    # Output waits for that, or for the end of a batch; the kernel took less than it was given; a send is under way.
    _ac_held: bool
    _ac_blocked: bool
    _ac_sending: bool
    # Held output is being sent.
    _ac_flushing: bool

    def _ac_init_output(self) -> None:
        self._ac_fifo = ProducerQueue(self)
        self._ac_gathered, self._ac_room = None, 0
        self._ac_in_event = self._ac_held = self._ac_blocked = self._ac_sending = self._ac_flushing = False

    @property
    def producer_fifo(self) -> ProducerQueue:
        """The deque of what is queued: bytes, producers, and None where ``close_when_done()`` was called."""
        return self._ac_queue

    @producer_fifo.setter
    def producer_fifo(self, entries: Any) -> None:
        self._ac_fifo, self._ac_gathered = ProducerQueue(self), None
        self._ac_fifo.extend(entries)

    @property
    def _ac_queue(self) -> ProducerQueue:
        gathered = self._ac_gathered
        if gathered is not None:
            self._ac_gathered = None
            self._ac_fifo.push_all(gathered)
        return self._ac_fifo

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
        gathered = self._ac_gathered
        if gathered is None or type(data) is not bytes or len(data) > self._ac_room:
            return self._ac_push(data)
        self._ac_room -= len(data)
        gathered.append(data)
        return not self._ac_output_paused

    def _ac_push(self, data: Buffer) -> bool:
        """Do what a push means, where it is not known to mean only to queue it."""
        if self.debug:
            self._ac_check_thread()
        if self._ac_closing or self._ac_closed:
            as_bytes(data)
            return self._ac_refuse_push()
        if self._ac_held or self._ac_blocked:
            self._ac_push_behind(data)
        else:
            # Whoever has an initiate_send of his own means it to be called.
            own = getattr(self.initiate_send, "__func__", None) is not Output.initiate_send
            if own or self._ac_fifo or self._ac_sending or type(data) is not bytes or not data or not self.connected:
                self._ac_fifo.push(data)
                self.initiate_send()
            else:
                self._ac_send_first(data)
            # A program may push and then wait, inside its callback, for what the peer does with that: so the first push
            # has left. What it pushes next leaves together, when the callback is over.
            self._ac_hold()
        return not self._ac_output_paused

    def _ac_push_behind(self, data: Buffer) -> None:
        """Queue what cannot leave yet, and see to the limits."""
        queue = self._ac_queue
        queue.push(data)
        if self._ac_blocked:
            self._ac_mind_marks()
        elif queue.size >= _MOST_HELD:
            self._ac_flush_held()
            self._ac_held = True
            return
        self._ac_begin_gathering()

    def _ac_begin_gathering(self) -> None:
        """Let the next pushes be gathered, as far as they cross no limit."""
        if self.debug or self._ac_closed:
            return
        size = self._ac_fifo.size
        held = None if self._ac_blocked else _MOST_HELD
        limits = [limit - size for limit in (held, self.output_high_mark, self.max_output) if limit and limit >= size]
        self._ac_gathered, self._ac_room = [], min(limits, default=maxsize)

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
            self.initiate_send()
            self._ac_hold()
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

    def initiate_send(self) -> None:
        """
        Send until the queue is empty or the socket is full: the one place that moves data out.

        ``push`` and ``handle_write`` call it through the instance; a subclass may wrap it in a lock. Not re-entrant:
        called by what it calls, it returns at once (RNT-005). The close mark at the head ends in ``handle_close()``.
        """
        if self._ac_sending:
            return
        self._ac_held = False
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
            self._ac_mind_marks()
            if queue:
                self._ac_output_changed()

    def _ac_send_first(self, data: bytes) -> None:
        """Send what nothing is queued before: queued is only what the socket does not take."""
        size = self.ac_out_buffer_size
        if len(data) > (_MOST_WHOLE if type(size) is DefaultSize else size):
            self._ac_fifo.push(data)
            self.initiate_send()
            return
        count = 0
        self._ac_sending = True
        try:
            count = self.send(data) or 0
        except OSError:
            self._ac_fifo.put_back(data)
            self.handle_error()
        except BaseException:
            self._ac_fifo.put_back(data)
            raise
        else:
            if count < len(data):
                self._ac_blocked = True
                if not self._ac_closed:
                    self._ac_fifo.put_back(data, count)
            if count and self._ac_since:
                self._ac_note_output()
        finally:
            self._ac_sending = False
            if self._ac_fifo:
                self._ac_mind_marks()
                self._ac_output_changed()

    def _ac_mind_marks(self) -> None:
        if not self._ac_closed and (self.output_high_mark is not None or self.max_output is not None):
            self._ac_check_marks()

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
        return True

    def _ac_send_of(self, file: FileProducer) -> int:
        """Send of a file; return how many bytes, -1 when the socket is full."""
        size = self.ac_out_buffer_size
        try:
            taken = file.send(self._ac_send_file, _MOST_WHOLE if type(size) is DefaultSize else size)
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
        return _SEND_SIZE if type(size) is DefaultSize else size

    def _ac_hold(self) -> None:
        """Hold back what is pushed next, if a batch is open."""
        if self._ac_in_event:
            self._ac_held = True
        elif (batch := current_batch()) is not None:
            self._ac_held = True
            batch.append(self)

    def _ac_flush_held(self) -> None:
        """Send what was held back, unless it has left already."""
        if not self._ac_held:
            return
        self._ac_held = False
        if self._ac_gathered:
            # Nobody has looked at them one by one, and they leave as one.
            self._ac_fifo.push(b"".join(self._ac_gathered))
            self._ac_gathered = None
        if self._ac_fifo and not self._ac_blocked:
            self._ac_flushing = True
            try:
                self._ac_guarded(self.initiate_send)
            finally:
                self._ac_flushing = False

    def writable(self) -> bool:
        """Return whether the loop is to wait for room to write: there is output, or no connection yet (API-010)."""
        return self._ac_has_output(True) or not self.connected

    def _ac_has_output(self, handles_write: bool) -> bool:
        return bool(self._ac_queue) and not self._ac_queue.parked

    def handle_write(self) -> None:
        """Send what is queued."""
        self._ac_blocked = False
        self.initiate_send()
        self._ac_output_changed()

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
