"""``serve`` and its signals, in processes of their own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asynchat_core import get_backend

from .conftest import BACKENDS

SERVER = """
import logging, signal, sys
from asynchat_core import get_backend
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
backend = get_backend(sys.argv[1])

class Echo(backend.async_chat):
    def __init__(self, sock, map=None):
        super().__init__(sock, map)
        self.set_terminator(b"\\n")
    def frame_received(self, frame):
        if frame == b"term":
            # It arrives here, between two waits of the loop.
            signal.raise_signal(signal.SIGTERM)
        if frame == b"exit":
            raise backend.ExitNow
        self.push(frame + b"\\n")

def ready(listener):
    print("port", listener.addresses[0][1], flush=True)

well = backend.serve(Echo, "127.0.0.1", ready=ready, shutdown_timeout=30, map=backend.ChannelMap())
print("well" if well else "cut off", signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""


class Served:
    """A server's process, and clients of it."""

    def __init__(self, backend: str, environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, backend], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        self.output = self.process.stdout
        self.port = int(self.output.readline().split()[1])
        self.sockets: list[socket.socket] = []

    def client(self) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), 20)
        self.sockets.append(sock)
        return sock

    def end(self) -> str:
        """Wait for the end of the process; return its last line."""
        last = self.output.read().splitlines()[-1]
        assert 0 == self.process.wait()
        return last

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()
        self.process.kill()
        self.process.wait()
        self.output.close()


@pytest.fixture(params=BACKENDS)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """A server on each backend."""
    served = Served(request.param)
    yield served
    served.close()


def talk(sock: socket.socket, data: bytes) -> bytes:
    """Send, and receive once."""
    sock.sendall(data)
    return sock.recv(100)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_gracefully(served: Served, number: signal.Signals) -> None:
    """A signal lets who is connected finish, then ends the process well, its own handlers back in place."""
    idle, busy = served.client(), served.client()
    assert b"a\n" == talk(idle, b"a\n")
    assert b"a\n" == talk(busy, b"a\nunfin")
    served.process.send_signal(number)
    assert b"" == idle.recv(1)
    assert b"unfinished\n" == talk(busy, b"ished\n")
    assert b"" == busy.recv(1)
    assert "well True" == served.end()


def test_a_second_signal_aborts(served: Served) -> None:
    """A second signal cuts off who has not finished."""
    client = served.client()
    assert b"a\n" == talk(client, b"a\nunfin")
    served.process.send_signal(signal.SIGTERM)
    while "stopping" not in served.output.readline():
        pass
    served.process.send_signal(signal.SIGTERM)
    assert "cut off True" == served.end()


def test_a_signal_before_the_wait_ends_it(served: Served) -> None:
    """A signal that arrives while the loop is not waiting stops it all the same, with nothing else to wake it."""
    assert b"term\n" == talk(served.client(), b"term\n")
    assert "well True" == served.end()


def test_under_load_nothing_accepted_is_lost(served: Served) -> None:
    """Each request that was sent when the signal came is answered whole, also by those who were not accepted yet."""
    clients = [served.client() for _ in range(50)]
    for client in clients:
        client.sendall(b"a\nb\n")
    served.process.send_signal(signal.SIGTERM)
    for client in clients:
        answer = b""
        while piece := client.recv(100):
            answer += piece
        assert b"a\nb\n" == answer
    assert "well True" == served.end()


def test_a_program_may_leave_by_itself(served: Served) -> None:
    """ExitNow ends ``serve``; it closes what is open, and tells."""
    client = served.client()
    client.sendall(b"exit\n")
    assert "cut off True" == served.end()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_service_manager_is_told(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``NOTIFY_SOCKET`` it is told READY, then WATCHDOG as often as asked, then STOPPING."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        served = Served(backend)
        try:
            assert manager.recv(1000).startswith(b"READY=1\nSTATUS=Serving on 127.0.0.1:")
            assert b"WATCHDOG=1" == manager.recv(1000)
            served.process.send_signal(signal.SIGTERM)
            told = manager.recv(1000)
            while told == b"WATCHDOG=1":
                told = manager.recv(1000)
            assert b"STOPPING=1\nSTATUS=Finishing 0 connections" == told
            assert "well True" == served.end()
        finally:
            served.close()


@pytest.mark.parametrize("backend", BACKENDS)
def test_in_another_thread_the_loop_is_stopped_from_within(backend: str) -> None:
    """Outside the main thread ``serve`` takes no signals, and ``shutdown`` and ExitNow end it."""
    from threading import Thread

    module: Any = get_backend(backend)
    map, results = module.ChannelMap(), []
    ports: list[int] = []

    def ready(listener: Any) -> None:
        ports.append(listener.addresses[0][1])
        module.call_later(0, leave, map=map)

    def leave() -> None:
        assert module.shutdown(map=map).finished
        raise module.ExitNow

    def run() -> None:
        results.append(module.serve(module.async_chat, "127.0.0.1", map=map, ready=ready))

    before = signal.getsignal(signal.SIGTERM)
    thread = Thread(target=run)
    thread.start()
    thread.join()
    assert [True] == results
    assert before is signal.getsignal(signal.SIGTERM)
    assert {} == map
    map.close()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_negative_time_is_refused(backend: str) -> None:
    """A ``shutdown_timeout`` below 0 is a ValueError that names it, before anything is opened."""
    module: Any = get_backend(backend)
    map = module.ChannelMap()
    with pytest.raises(ValueError, match="shutdown_timeout = -1"):
        module.serve(module.async_chat, "127.0.0.1", shutdown_timeout=-1, map=map)
    assert {} == map
