"""Loop, dispatcher and errors: what differs from CPython."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
import threading
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from .differences import difference
from .kit import Kit, Scripted, failing, quiet


def beside_a_bad_one(kit: Kit, bad: Any) -> object:
    """Return what a good channel gets beside the bad one that ``bad(map)`` makes; or what left the loop."""
    talk = kit.talk()
    kit.turns(talk.channels, 1)
    bad(talk.channels)
    talk.peer.send(b"x\n")
    try:
        kit.turns(talk.channels)
    except Exception as error:
        return type(error).__name__
    return talk.channel.trace


def bad_channel(kit: Kit, **members: Any) -> Any:
    def make(channels: Any) -> None:
        ours, peer = kit.pair()
        type("Bad", (kit.dispatcher,), {"log_info": quiet, **members})(ours, channels)
        peer.send(b"x")

    return make


@difference("ERR-015", cpython="ValueError", here=[b"x", "END"], asyncore="ValueError")
def readable_raises(kit: Kit) -> object:
    return beside_a_bad_one(kit, bad_channel(kit, readable=failing(ValueError())))


@difference("L13", cpython="KeyError", here=[b"x", "END"])
def closing_after_an_error_raises(kit: Kit) -> object:
    members = {"handle_read": failing(ValueError()), "handle_close": failing(KeyError())}
    return beside_a_bad_one(kit, bad_channel(kit, writable=lambda self: False, **members))


@difference("FDR-003", cpython="OSError", here=[b"x", "END"], asyncore="OSError")
def descriptor_closed_behind_the_loop(kit: Kit) -> object:
    def make(channels: Any) -> None:
        ours, _ = kit.pair()
        type("Bad", (kit.dispatcher,), {"log_info": quiet, "writable": lambda self: False})(ours, channels)
        os.close(ours.detach())

    return beside_a_bad_one(kit, make)


@difference("L14", cpython=["Stop"], here="left the loop", asyncore=["Stop"])
def base_exception(kit: Kit) -> object:
    class Stop(BaseException):
        pass

    talk = kit.talk(found_terminator=failing(Stop()))
    talk.peer.send(b"\n")
    try:
        kit.turns(talk.channels)
    except Stop:
        return "left the loop"
    return talk.channel.trace


@difference("L15", cpython=[], here=["uncaptured python exception, closing channel"])
def errors_are_logged(kit: Kit) -> object:
    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert record.exc_info is not None
            logged.append(record.getMessage().partition(" <")[0])

    logged: list[str] = []
    log, handler = logging.getLogger("asynchat"), Lines()
    log.addHandler(handler)
    try:
        base = kit.asynchat.async_chat
        talk = kit.talk(log_info=base.log_info, handle_error=base.handle_error, found_terminator=failing(ValueError()))
        talk.peer.send(b"\n")
        kit.turns(talk.channels)
    finally:
        log.removeHandler(handler)
    return logged


@difference("L44", cpython=("log: hit\n", "info: news\n"), here=("", ""), asyncore=("log: hit\n", "info: news\n"))
def diagnostics_are_printed(kit: Kit) -> object:
    channel = kit.asyncore.dispatcher(map=kit.map())
    with redirect_stderr(StringIO()) as errors, redirect_stdout(StringIO()) as output:
        channel.log("hit")
        channel.log_info("news")
    return errors.getvalue(), output.getvalue()


@difference("MIX-010", cpython=2, here=0, asyncore=2)
def close_all_with_one_that_fails(kit: Kit) -> object:
    def close(self: Any) -> None:
        kit.dispatcher.close(self)
        if not failed:
            failed.append(True)
            raise ValueError

    failed: list[bool] = []
    channels = kit.map()
    for _ in range(3):
        type("Channel", (kit.dispatcher,), {"close": close})(kit.pair()[0], channels)
    try:
        kit.close_all(channels)
    except ValueError:
        return len(channels)
    return None


@difference("ERR-018", cpython=(0, False), here=(1, True))
def handle_accepted_raises(kit: Kit) -> object:
    def handle_accepted(self: Any, sock: socket.socket, addr: object) -> None:
        accepted.append(kit.keep(sock))
        raise ValueError

    accepted: list[socket.socket] = []
    listener, channels = kit.listener(handle_accepted=handle_accepted)
    kit.client(listener)
    kit.turns(channels)
    return len(channels), accepted[0].fileno() == -1


@difference("ACC-007", cpython=(0, 1), here=(1, 1))
def no_descriptor_left(kit: Kit) -> object:
    def accept() -> None:
        tries.append(True)
        raise OSError(errno.EMFILE, "Too many open files")

    tries: list[bool] = []
    listener, channels = kit.listener()
    listener.socket = Scripted(listener.socket, accept=accept)
    kit.client(listener)
    kit.turns(channels, 5)
    return len(channels), len(tries)


@difference("X09", cpython=0, here=1)
def accept_fails_for_one_client(kit: Kit) -> object:
    listener, channels = kit.listener()
    listener.socket = Scripted(listener.socket, accept=failing(OSError(errno.EPROTO, "Protocol error")))
    kit.client(listener)
    kit.turns(channels)
    return len(channels)


@difference("L23", cpython=1, here=100)
def accepts_in_a_turn(kit: Kit) -> object:
    def handle_accepted(self: Any, sock: socket.socket, addr: object) -> None:
        sock.close()
        accepted.append(addr)

    accepted: list[object] = []
    listener, channels = kit.listener(handle_accepted=handle_accepted)
    for _ in range(120):
        kit.client(listener)
    kit.turns(channels, 1)
    return len(accepted)


@difference("LOP-009", cpython=12, here=0, asyncore=12)
def urgent_data(kit: Kit) -> object:
    ours, peer = kit.tcp()
    channels = kit.map()
    urgent: list[bool] = []
    members = {"handle_expt": lambda self: urgent.append(True), "log_info": quiet}
    type("Channel", (kit.asynchat.async_chat,), members)(ours, channels)
    peer.send(b"!", socket.MSG_OOB)
    kit.turns(channels, 12)
    return len(urgent)


@difference("L07", cpython=12, here=0)
def idle_dispatcher(kit: Kit) -> object:
    """Count what a dispatcher that overrides nothing logs: each write event that nobody handles."""
    lines: list[object] = []
    channels = kit.map()
    members = {"log_info": lambda self, *line: lines.append(line)}
    type("Idle", (kit.dispatcher,), members)(kit.pair()[0], channels)
    kit.turns(channels, 12)
    return len(lines)


@difference("LOP-008", cpython=[], here=[b"a", "END"], asyncore=[])
def predicate_on_the_instance(kit: Kit) -> object:
    talk = kit.talk()
    talk.channel.readable = lambda: False
    talk.peer.send(b"a\n")
    kit.turns(talk.channels)
    return talk.channel.trace


@difference("FDR-002", cpython="new", here="nothing", asyncore="new")
def event_for_a_recycled_descriptor(kit: Kit) -> object:
    """Let the first of two ready channels close the other and open one on its number."""

    class Channel(kit.dispatcher):  # type: ignore[misc, name-defined]
        log_info = quiet

        def writable(self) -> bool:
            return False

        def handle_read(self) -> None:
            if self.others:
                descriptor = self.others[0]._fileno
                self.others[0].close()
                ours, _ = kit.pair()
                assert ours.fileno() == descriptor
                Channel(ours, channels).others = []
                for channel in pair:
                    channel.others = []
            else:
                events.append("new" if self not in pair else "old")

    channels, events = kit.map(), list[str]()
    pair = []
    for _ in range(2):
        ours, peer = kit.pair()
        pair.append(Channel(ours, channels))
        peer.send(b"x")
    pair[0].others, pair[1].others = [pair[1]], [pair[0]]
    kit.turns(channels, 1)
    return events[0] if events else "nothing"


@difference("L17", cpython="TypeError", here="ExitNow")
def endless_wait_with_reading_paused(kit: Kit) -> object:
    talk = kit.talk(readable=lambda self: False)
    if kit.package is not None:
        kit.package.call_later(0.001, failing(kit.package.ExitNow()), map=talk.channels)
    try:
        kit.loop(None, map=talk.channels)
    except Exception as error:
        return type(error).__name__
    return None


class Client:
    """What becomes of a connection, for a channel class."""

    log_info = quiet

    def handle_connect(self: Any) -> None:
        self.trace.append("connected")

    def handle_close(self: Any) -> None:
        self.trace.append("closed")
        self.close()


def connecting(kit: Kit, base: type, address: object) -> object:
    channels = kit.map()
    channel: Any = type("Connecting", (Client, base), {"trace": []})(map=channels)
    channel.create_socket(socket.AF_INET, socket.SOCK_STREAM)
    kit.keep(channel.socket)
    try:
        channel.connect(address)
    except OSError as error:
        channel.trace.append(type(error).__name__)
    kit.turns(channels)
    return channel.trace


@difference("CON-003", cpython=["PermissionError", "connected", "closed"], here=["PermissionError"])
def connect_fails_at_once(kit: Kit) -> object:
    """A broadcast address is refused without a packet."""
    channels = kit.map()
    channel: Any = type("Connecting", (Client, kit.asynchat.async_chat), {"trace": []})(map=channels)
    channel.create_socket(socket.AF_INET, socket.SOCK_STREAM)
    channel.socket = Scripted(kit.keep(channel.socket), connect_ex=lambda address: errno.EACCES)
    try:
        channel.connect(("192.0.2.1", 1))
    except OSError as error:
        channel.trace.append(type(error).__name__)
    kit.turns(channels)
    return channel.trace


@difference("L22", cpython=True, here=False, asyncore=True)
def turn_before_connect(kit: Kit) -> object:
    channels = kit.map()
    events: list[str] = []
    members = {name: lambda self: events.append("event") for name in ("handle_read", "handle_write", "handle_close")}
    channel = type("Channel", (kit.asynchat.async_chat,), members)(map=channels)
    channel.create_socket(socket.AF_INET, socket.SOCK_STREAM)
    kit.keep(channel.socket)
    kit.turns(channels, 1)
    return bool(events)


@difference("L27", cpython=[b"x", "BlockingIOError"], here=[b"x"])
def recv_once_more(kit: Kit) -> object:
    trace: list[object] = []

    def handle_read(self: Any) -> None:
        trace.append(self.recv(10))
        self.recv(10)

    members = {"handle_read": handle_read, "handle_error": lambda self: trace.append("BlockingIOError")}
    ours, peer = kit.pair()
    channels = kit.map()
    type("Channel", (kit.dispatcher,), {"writable": lambda self: False, **members})(ours, channels)
    peer.send(b"x")
    kit.turns(channels, 1)
    return trace


@difference("L29", cpython=["closed"], here=[b"", b"more"])
def empty_datagram(kit: Kit) -> object:
    trace: list[object] = []

    def handle_read(self: Any) -> None:
        data = self.recv(10)
        if self.socket.fileno() != -1:
            trace.append(data)

    def handle_close(self: Any) -> None:
        trace.append("closed")
        self.close()

    channels = kit.map()
    members = {"writable": lambda self: False, "handle_read": handle_read, "handle_close": handle_close}
    channel = type("Receiver", (kit.dispatcher,), members)(map=channels)
    channel.create_socket(socket.AF_INET, socket.SOCK_DGRAM)
    kit.keep(channel.socket)
    channel.bind(("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in (b"", b"more"):
            sender.sendto(data, channel.addr and channel.socket.getsockname())
    kit.turns(channels)
    return trace


@difference("FAN-003", cpython="ValueError", here=[b"x", "END"], asyncore="ValueError")
def high_descriptor(kit: Kit) -> object:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2048)), hard))
    try:
        talk = kit.talk()
        low = talk.channel.socket
        talk.channel.del_channel()
        talk.channel.set_socket(kit.keep(socket.socket(fileno=os.dup2(low.fileno(), 1500))), talk.channels)
        talk.peer.send(b"x\n")
        kit.turns(talk.channels)
        return talk.channel.trace
    except ValueError as error:
        return type(error).__name__
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@difference("THR-004", cpython=None, here=True, asyncore=None)
def call_from_another_thread(kit: Kit) -> object:
    """Wait without end, and be woken."""
    if kit.package is None or kit.name == "asyncore":
        return None
    talk = kit.talk()
    called: list[bool] = []
    call = kit.package.call_soon_threadsafe
    waker = threading.Timer(0.01, lambda: call(called.append, True, map=talk.channels))
    waker.start()
    kit.loop(None, map=talk.channels, count=1)
    waker.join()
    return called == [True]


@difference("L33", cpython=None, here=["soon", "later"])
def timers(kit: Kit) -> object:
    if kit.package is None:
        return getattr(kit.asyncore, "call_later", None)
    done: list[str] = []
    channels = kit.map()
    kit.package.call_later(0.002, done.append, "later", map=channels)
    kit.package.call_later(0.001, done.append, "soon", map=channels)
    kit.loop(map=channels)
    return done


@difference("L35", cpython=False, here=True)
def constructor_with_a_broken_socket(kit: Kit) -> object:
    ours, _ = kit.pair()
    broken = Scripted(ours, getpeername=failing(OSError(errno.EIO, "Input/output error")))
    try:
        kit.dispatcher(broken, kit.map())
    except OSError:
        return ours.fileno() == -1
    return None


@difference("L21", cpython=False, here=True)
def errors_name_the_address(kit: Kit) -> object:
    ours, _ = kit.tcp()
    channel = kit.dispatcher(map=kit.map())
    channel.create_socket(socket.AF_INET, socket.SOCK_STREAM)
    kit.keep(channel.socket)
    try:
        channel.bind(ours.getsockname())
    except OSError as error:
        return str(ours.getsockname()) in str(error)
    return None


@difference("L41", cpython=False, here=True)
def small_sends_leave_at_once(kit: Kit) -> object:
    channel = kit.asynchat.async_chat(kit.tcp()[0], kit.map())
    return bool(channel.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


@difference("L43", cpython="TypeError", here=[b"x", "END"], asyncore="TypeError")
def channel_without_a_socket(kit: Kit) -> object:
    return beside_a_bad_one(kit, lambda channels: kit.dispatcher(map=channels).add_channel())


@difference("L45", cpython=[b"abcdef", "END", b"b", "END"], here=["CLOSE"])
def attribute_with_the_name_of_a_limit(kit: Kit) -> object:
    talk = kit.talk(max_frame_size=3)
    talk.peer.send(b"abcdef\nb\n")
    kit.turns(talk.channels, 3)
    return talk.channel.trace


@difference("L42", cpython=False, here=True, asyncore=False)
def representation_names_the_module(kit: Kit) -> object:
    named = repr(kit.asyncore.dispatcher(map=kit.map()))
    return kit.package is not None and named.startswith(f"<{kit.package.__name__}.asyncore.dispatcher ")
