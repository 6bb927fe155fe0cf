"""Mutants whose connections, threads or timers are wrong."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

from asynchat_core.channels import ChannelMap

from ._registry import mutant
from ._sound import PollReactor, Sound

_kept: list[Any] = []


def _with_reactor(backend: Sound, reactor: type[PollReactor]) -> None:
    class Map(ChannelMap):
        make_reactor = reactor

    backend.map_type = Map


@mutant
def connected_too_early(backend: Sound) -> None:
    """connected is true before handle_connect."""

    def event(self: Any, old: Any) -> None:
        self.connected = True
        old(self)

    backend.dispatcher_with(handle_connect_event=event)


@mutant
def connect_twice(backend: Sound) -> None:
    """handle_connect runs twice."""

    def event(self: Any, old: Any) -> None:
        old(self)
        self.handle_connect()

    backend.dispatcher_with(handle_connect_event=event)


@mutant
def connect_never(backend: Sound) -> None:
    """handle_connect does not run."""

    def event(self: Any, old: Any) -> None:
        self.connected, self.connecting = True, False
        self._ac_output_changed()

    backend.dispatcher_with(handle_connect_event=event)


@mutant
def refusal_is_success(backend: Sound) -> None:
    """A refused connection is reported as made, and stays in the map."""

    def event(self: Any, old: Any) -> None:
        self.handle_connect()
        self.connected, self.connecting = True, False

    def close(self: Any, old: Any) -> None:
        self._ac_output_changed()

    backend.dispatcher_with(handle_connect_event=event)
    backend.chat_with(_ac_lost=lambda self, old: None)


@mutant
def connecting_cannot_stop(backend: Sound) -> None:
    """close() while connecting is forgotten."""

    def close(self: Any, old: Any) -> None:
        if not self.connecting:
            old(self)

    backend.chat_with(close=close)


@mutant
def no_addr(backend: Sound) -> None:
    """addr is not set."""

    def connect(self: Any, old: Any, address: Any) -> None:
        old(self, address)
        self.addr = None

    def set_socket(self: Any, old: Any, sock: Any, map: Any = None) -> None:
        old(self, sock, map)
        self.addr = None

    backend.dispatcher_with(connect=connect, set_socket=set_socket)


@mutant
def ipv4_only(backend: Sound) -> None:
    """Other address families than IPv4 are refused."""

    def create_socket(self: Any, old: Any, family: int = socket.AF_INET, type: int = socket.SOCK_STREAM) -> None:
        if family != socket.AF_INET:
            raise ValueError("IPv4 only")
        old(self, family, type)

    backend.dispatcher_with(create_socket=create_socket)


@mutant
def believed_connected(backend: Sound) -> None:
    """A socket given to the constructor is taken for connected, and left blocking."""

    def init(self: Any, old: Any, sock: Any = None, map: Any = None) -> None:
        old(self, sock, map)
        if sock:
            self.connected = True
            sock.setblocking(True)
            sock.settimeout(1.0)

    backend.chat_with(__init__=init)


@mutant
def accepts_one(backend: Sound) -> None:
    """A listener accepts one connection in its life."""

    def handle_accept(self: Any, old: Any) -> None:
        pair = self.accept()
        if pair is not None:
            self.handle_accepted(*pair)
            self.accepting = False
            self.del_channel()

    backend.dispatcher_with(handle_accept=handle_accept)


@mutant
def accepted_stay_open(backend: Sound) -> None:
    """The default handle_accepted keeps the socket."""
    backend.dispatcher_with(handle_accepted=lambda self, old, sock, addr: _kept.append(sock))


@mutant
def accept_must_succeed(backend: Sound) -> None:
    """A connection that has gone before it is accepted is an error, and closes the listener."""

    def handle_accept(self: Any, old: Any) -> None:
        conn, addr = self.accept()
        self.handle_accepted(conn, addr)

    def handle_error(self: Any, old: Any) -> None:
        self.log_info("an error", "error")
        self.handle_close()

    backend.dispatcher_with(handle_accept=handle_accept, handle_error=handle_error)


@mutant
def listener_owns_its_clients(backend: Sound) -> None:
    """Closing a listener closes every channel of its map."""

    def close(self: Any, old: Any) -> None:
        listens = self.accepting
        old(self)
        for channel in list(self._map.values()) if listens else ():
            channel.close()

    backend.dispatcher_with(close=close)


@mutant
def listeners_write(backend: Sound) -> None:
    """A listener gets write events."""

    def interest(self: Any, old: Any) -> Any:
        if self.accepting:
            self.handle_write()
        return old(self)

    def poll(map: Any, timeout: float) -> None:
        for channel in list(map.values()):
            if getattr(channel, "accepting", False):
                channel.handle_write()
        backend.poll_once(timeout, map)

    backend.poll = poll  # type: ignore[method-assign]


@mutant
def no_reuse(backend: Sound) -> None:
    """set_reuse_addr does nothing."""
    backend.dispatcher_with(set_reuse_addr=lambda self, old: None)


@mutant
def wrong_peer(backend: Sound) -> None:
    """handle_accepted is given the listener's address."""

    def accept(self: Any, old: Any) -> Any:
        pair = old(self)
        return None if pair is None else (pair[0], self.addr)

    backend.dispatcher_with(accept=accept)


@mutant
def callbacks_in_a_thread(backend: Sound) -> None:
    """Callbacks run in a thread of the loop's own."""

    def poll(map: Any, timeout: float) -> None:
        worker = threading.Thread(target=backend.poll_once, args=(timeout, map))
        worker.start()
        worker.join()

    backend.poll = poll  # type: ignore[method-assign]


@mutant
def main_thread_only(backend: Sound) -> None:
    """The loop runs in the main thread only."""

    def poll(map: Any, timeout: float) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("main thread only")
        backend.poll_once(timeout, map)

    backend.poll = poll  # type: ignore[method-assign]


@mutant
def upgrade_keeps_watching(backend: Sound) -> None:
    """del_channel leaves the descriptor watched, and a channel cannot come back."""

    def del_channel(self: Any, old: Any, map: Any = None) -> None:
        fd = self._fileno
        target = self._map if map is None else map
        if fd is not None and target.get(fd) is self:
            dict.__delitem__(target, fd)
        self._fileno = None

    backend.dispatcher_with(del_channel=del_channel)


@mutant
def timers_early(backend: Sound) -> None:
    """Timers fire at half their time."""
    sound = backend.call_later
    backend.call_later = lambda delay, *args, **kwargs: sound(delay / 2, *args, **kwargs)


@mutant
def timers_never(backend: Sound) -> None:
    """Timers do not fire."""

    class Dead:
        def cancel(self) -> None:
            pass

    backend.call_later = lambda *args, **kwargs: Dead()


@mutant
def timers_twice(backend: Sound) -> None:
    """Timers fire twice."""
    sound = backend.call_later

    def call_later(delay: float, callback: Any, *args: Any, **kwargs: Any) -> Any:
        sound(delay, callback, *args, **kwargs)
        return sound(delay, callback, *args, **kwargs)

    backend.call_later = call_later


@mutant
def timers_unordered(backend: Sound) -> None:
    """Timers fire in the order of their making."""
    sound = backend.call_later
    backend.call_later = lambda delay, *args, **kwargs: sound(min(delay, 0.001), *args, **kwargs)


@mutant
def timers_cannot_be_cancelled(backend: Sound) -> None:
    """cancel() does nothing."""
    sound = backend.call_later

    class Stubborn:
        def __init__(self, timer: Any) -> None:
            self.timer = timer

        def cancel(self) -> None:
            pass

    backend.call_later = lambda *args, **kwargs: Stubborn(sound(*args, **kwargs))


@mutant
def timers_at_once(backend: Sound) -> None:
    """A timer of 0 runs within call_later."""
    sound = backend.call_later

    def call_later(delay: float, callback: Any, *args: Any, **kwargs: Any) -> Any:
        if not delay:
            callback(*args)
        return sound(delay, callback if delay else int, *(args if delay else ()), **kwargs)

    backend.call_later = call_later


@mutant
def timers_kill(backend: Sound) -> None:
    """What a timer raises leaves the loop."""
    sound = backend.call_later

    def call_later(delay: float, callback: Any, *args: Any, **kwargs: Any) -> Any:
        def run() -> None:
            try:
                callback(*args)
            except Exception as error:
                raise KeyboardInterrupt from error

        return sound(delay, run, **kwargs)

    backend.call_later = call_later


@mutant
def sleeps_past_timers(backend: Sound) -> None:
    """A wait is not cut short for a timer."""

    def poll(map: Any, timeout: float) -> None:
        if timeout:
            time.sleep(timeout)
        backend.poll_once(timeout, map)

    backend.poll = poll  # type: ignore[method-assign]


@mutant
def endless_loop(backend: Sound) -> None:
    """loop() polls once more than it is told, and does not look at the map."""
    sound = backend.loop

    def loop(timeout: float = 30.0, use_poll: bool = False, map: Any = None, count: int | None = None) -> None:
        sound(timeout, use_poll, map, 2 if count is None else count + 1)

    backend.loop = loop


@mutant
def five_hundred_at_most(backend: Sound) -> None:
    """A map holds 300 channels at the most, with descriptors below 1000."""

    def add_channel(self: Any, old: Any, map: Any = None) -> None:
        target = self._map if map is None else map
        if len(target) >= 300 or (self.socket is not None and self.socket.fileno() >= 1000):
            raise ValueError("filedescriptor out of range in select()")
        old(self, map)

    backend.dispatcher_with(add_channel=add_channel)
