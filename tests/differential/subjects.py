"""What is compared: our mixin in memory and the reference, on alike sockets; and each backend on real ones."""

from __future__ import annotations

import asynchat
from collections.abc import Callable
from contextlib import suppress
from errno import EAGAIN
from importlib import import_module
from socket import MSG_PEEK, SHUT_WR, socketpair
from typing import Any, NamedTuple

from asynchat_core import ChatMixin

from ..core.memory import END, MemoryChannel, Trace, merged
from .conversations import FALSY, Arm, Conversation, Step


class Boom(Exception):
    """Raised by the program."""


class FakeSocket:
    """A connected socket in memory: what arrives is put there, and it takes as many bytes as it has room for."""

    def __init__(self) -> None:
        self.arriving = b""
        self.ended = self.closed = False
        self.room = 0
        self.sent = b""

    def recv(self, size: int) -> bytes:
        if not self.arriving and not self.ended:
            raise BlockingIOError(EAGAIN, "nothing there")
        data, self.arriving = self.arriving[:size], self.arriving[size:]
        return data

    def send(self, data: bytes) -> int:
        count = min(self.room, len(data))
        if data and not count:
            raise BlockingIOError(EAGAIN, "no room")
        self.room -= count
        self.sent += bytes(data[:count])
        return count

    def close(self) -> None:
        self.closed = True

    def setblocking(self, flag: bool) -> None:
        pass

    def getpeername(self) -> tuple[str, int]:
        return "peer", 1

    def getsockopt(self, level: int, option: int) -> int:
        return 0

    def fileno(self) -> int:
        return 7


class State(NamedTuple):
    """What must be the same of both after each step."""

    trace: Trace
    sent: bytes
    terminator: Any
    closed: bool
    writable: bool


class Program:
    """The program on a channel: it writes down what is called, and does what it was armed with."""

    trace: Trace
    armed: list[Arm]
    keeps: bool

    def begin(self, conversation: Conversation) -> None:
        self.trace, self.armed, self.keeps = [], [], conversation.keeps
        channel: Any = self
        channel.ac_in_buffer_size = conversation.in_size
        channel.ac_out_buffer_size = conversation.out_size
        channel.set_terminator(conversation.terminator)

    def collect_incoming_data(self, data: bytes) -> None:
        self.trace.append(data)
        self._fire("collect")

    def found_terminator(self) -> None:
        self.trace.append(END)
        self._fire("found")

    def handle_close(self) -> None:
        self.trace.append("close")
        self.close()

    def handle_error(self) -> None:
        self.trace.append("error")
        if not self.keeps:
            self.close()

    def close(self) -> None:
        raise NotImplementedError

    def _fire(self, where: str) -> None:
        for index, (place, after, step) in enumerate(self.armed):
            if place == where:
                if after:
                    self.armed[index] = Arm(place, after - 1, step)
                else:
                    del self.armed[index]
                    do(self, step)
                return


def do(channel: Any, step: Step) -> None:
    """Let the program do a step."""
    match step:
        case Step("terminator", terminator):
            channel.set_terminator(terminator)
        case Step("push", data):
            channel.push(data)
        case Step("producer", pieces):
            channel.push_with_producer((FalsyProducer if FALSY in pieces else Producer)(channel, pieces))
        case Step("close_when_done"):
            channel.close_when_done()
        case Step("discard"):
            channel.discard_buffers()
        case Step("close"):
            channel.close()
        case Step("raise"):
            raise Boom
        case Step("arm", arm):
            channel.armed.append(arm)
        case _:
            raise AssertionError(step)


class Producer:
    """A producer of pieces; a step among them is done before the next one is returned."""

    def __init__(self, channel: Any, pieces: tuple[Any, ...]) -> None:
        self.channel = channel
        self.pieces = [piece for piece in pieces if piece is not FALSY]

    def more(self) -> bytes:
        while self.pieces:
            piece = self.pieces.pop(0)
            if isinstance(piece, bytes):
                return piece
            do(self.channel, piece)
        return b""


class FalsyProducer(Producer):
    """The same with a length of 0."""

    def __len__(self) -> int:
        return 0


class Ours(Program, ChatMixin, MemoryChannel):
    """Our mixin, without a loop."""

    def __init__(self, sock: FakeSocket) -> None:
        self._ac_init_chat()
        MemoryChannel.__init__(self, sock)

    def close(self) -> None:
        super(Program, self).close()

    def log_info(self, message: Any, type: str = "info") -> None:
        pass


class Reference(Program, asynchat.async_chat):
    """The reference: the standard library's on Python 3.11, pyasynchat from 3.12 on."""

    def __init__(self, sock: FakeSocket) -> None:
        asynchat.async_chat.__init__(self, sock, {})  # type: ignore[arg-type]

    def close(self) -> None:
        super(Program, self).close()


class Subject:
    """
    A channel in a conversation: ``perform`` its steps, and look at its ``state`` after each.

    Args:
        make: the channel's class.
        conversation: gives the settings; the steps are performed one by one.
        settings: further attributes of the channel.
    """

    def __init__(self, make: Callable[[FakeSocket], Any], conversation: Conversation, **settings: Any) -> None:
        self.socket = FakeSocket()
        self.channel = make(self.socket)
        self.channel.begin(conversation)
        for name, value in settings.items():
            setattr(self.channel, name, value)

    def perform(self, step: Step) -> None:
        """Do one step, and all that a loop would do because of it."""
        if self.socket.closed:
            return
        match step:
            case Step("feed", data):
                self.socket.arriving += data
            case Step("eof"):
                self.socket.ended = True
            case Step("room", count):
                self.socket.room += count
            case _:
                self._guard(do, self.channel, step)
        self._settle()

    @property
    def state(self) -> State:
        """What can be seen of the channel."""
        closed = self.socket.closed
        terminator = None if closed else self.channel.get_terminator()
        return State(merged(self.channel.trace), self.socket.sent, terminator, closed, self._wants_to_write())

    def _settle(self) -> None:
        """Hand over readiness as long as there is any, and some more: a loop may always wake for nothing."""
        idle = 0
        while idle < 3 and not self.socket.closed:
            before = self._progress()
            if self.socket.arriving or self.socket.ended:
                self._guard(self.channel.handle_read_event)
            if self._wants_to_write():
                self._guard(self.channel.handle_write_event)
            idle = idle + 1 if before == self._progress() else 0

    def _wants_to_write(self) -> bool:
        return not self.socket.closed and bool(self.channel.writable())

    def _progress(self) -> tuple[int, ...]:
        return (
            len(self.channel.trace),
            len(self.socket.sent),
            len(self.socket.arriving),
            len(self.channel.producer_fifo),
        )

    def _guard(self, call: Callable[..., object], *args: Any) -> None:
        try:
            call(*args)
        except Exception:
            self.channel.handle_error()


class Served:
    """
    A backend's channel on one end of a socket pair: a subject as ``Subject``, with the kernel and the loop in between.

    Args:
        backend: the name of the backend's package.
        conversation: gives the settings; the socket always has room.
        settings: further attributes of the channel.
    """

    def __init__(self, backend: str, conversation: Conversation, **settings: Any) -> None:
        self._backend: Any = import_module(backend)
        self._channels = self._backend.ChannelMap()
        self._socket, self._peer = socketpair()
        self._peer.setblocking(False)
        self._sent = b""
        self.channel: Any = _program_on(self._backend)(self._socket, self._channels)
        self.channel.begin(conversation)
        for name, value in settings.items():
            setattr(self.channel, name, value)

    def close(self) -> None:
        """Give back the sockets and the loop."""
        self._channels.close()
        self._peer.close()

    def perform(self, step: Step) -> None:
        """Do one step, and turn the loop until nothing more comes of it."""
        if self.channel.closed:
            return
        match step:
            case Step("feed", data):
                self._peer.send(data)
            case Step("eof"):
                self._peer.shutdown(SHUT_WR)
            case Step("room"):
                pass
            case _:
                try:
                    do(self.channel, step)
                except Exception:
                    self.channel.handle_error()
        idle = 0
        while idle < 3:
            before = self._progress()
            self._backend.poll_once(0.0, self._channels)
            idle = idle + 1 if before == self._progress() else 0

    @property
    def state(self) -> State:
        """What can be seen of the channel."""
        closed = self.channel.closed
        terminator = None if closed else self.channel.get_terminator()
        return State(merged(self.channel.trace), self._sent, terminator, closed, not closed and self.channel.writable())

    def _progress(self) -> tuple[int, ...]:
        try:
            while data := self._peer.recv(65536):
                self._sent += data
        except OSError:
            # Nothing there; or a reset, behind all that was sent.
            pass
        waiting = 0
        if not self.channel.closed:
            with suppress(BlockingIOError):
                waiting = len(self._socket.recv(65536, MSG_PEEK))
        return len(self.channel.trace), len(self._sent), waiting, len(self.channel.producer_fifo)


def _program_on(backend: Any) -> type[Any]:
    class Channel(Program, backend.asynchat.async_chat):  # type: ignore[misc]
        closed = False

        def close(self) -> None:
            self.closed = True
            super(Program, self).close()

        def log_info(self, message: Any, type: str = "info") -> None:
            pass

    return Channel
