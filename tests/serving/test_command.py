"""``asynchat serve`` and ``asynchat top``, as their users run them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from .conftest import BACKENDS

PROGRAM = """
import os, signal
import asynchat

class Echo(asynchat.async_chat):
    def __init__(self, sock, map=None):
        super().__init__(sock, map)
        self.set_terminator(b"\\n")

    def frame_received(self, frame):
        if frame == b"pid":
            frame = b"%d" % os.getpid()
        if frame == b"crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if frame == b"limit":
            frame = b"%r" % self.frame_timeout
        self.push(frame + b"\\n")

class Plain:
    def __init__(self, sock, map=None):
        super().__init__(sock, map)
        self.set_terminator(b"\\n")

    def frame_received(self, frame):
        self.push(type(self).__mro__[2].__module__.encode() + b"\\n")

def factory(sock):
    return Echo(sock)

nothing = 3
"""


class Command:
    """A command that runs, and what it says."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "asynchat_core", *arguments],
            cwd=folder,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.said = self.process.stderr
        self.sockets: list[socket.socket] = []

    def until(self, pattern: str) -> re.Match[str]:
        """Read what it says until a line matches."""
        lines = []
        for line in self.said:
            lines.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"{pattern!r} was not said: {lines}")

    def client(self, address: tuple[str, int] | str) -> socket.socket:
        """Connect."""
        sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.sockets.append(sock)
        sock.settimeout(20)
        sock.connect(address)
        return sock

    def serving(self) -> tuple[str, int]:
        """Return where it serves."""
        return "127.0.0.1", int(self.until(r"serving on 127\.0\.0\.1:(\d+)")[1])

    def stop(self) -> int:
        """Stop it, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.said.read()
        return self.process.wait()

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()
        self.process.kill()
        self.process.wait()
        self.said.close()


Serve: TypeAlias = Callable[..., Command]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Run ``asynchat serve`` in a folder with a program."""
    (tmp_path / "program.py").write_text(PROGRAM)
    commands = []

    def serve(*arguments: str, handler: str = "program:Echo", **environment: str) -> Command:
        commands.append(Command(tmp_path, "serve", handler, *arguments, **environment))
        return commands[-1]

    yield serve
    for command in commands:
        command.close()


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "asynchat_core", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def ask(sock: socket.socket, line: bytes) -> bytes:
    """Send a line, and return the reply."""
    sock.sendall(line + b"\n")
    reply = b""
    while not reply.endswith(b"\n"):
        piece = sock.recv(1000)
        if not piece:
            break
        reply += piece
    return reply.removesuffix(b"\n")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_serves_and_stops(serve: Serve, backend: str, workers: str) -> None:
    """A handler class is served on the chosen backend, in one process or several, until SIGTERM; then status is 0."""
    command = serve("--host", "127.0.0.1", "--port", "0", "--backend", backend, "--workers", workers)
    address = command.serving()
    clients = [command.client(address) for _ in range(8)]
    assert [b"hello"] * 8 == [ask(client, b"hello") for client in clients]
    assert 0 == command.stop()
    assert [b""] * 8 == [client.recv(1) for client in clients]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_plain_class_gets_the_backends_chat(serve: Serve, backend: str) -> None:
    """A class that derives from nothing is combined with the backend's async_chat."""
    command = serve("--host", "127.0.0.1", "--port", "0", "--backend", backend, handler="program:Plain")
    assert f"asynchat_{backend}".encode() == ask(command.client(command.serving()), b"who")


def test_a_factory_is_served(serve: Serve) -> None:
    """A function that makes a channel of a socket is served."""
    command = serve("--host", "127.0.0.1", "--port", "0", handler="program:factory")
    assert b"hello" == ask(command.client(command.serving()), b"hello")


def test_limits_are_safe_and_can_be_set(serve: Serve) -> None:
    """A class of the drop-in module is served with the safe limits; ``--limit`` sets one."""
    command = serve("--host", "127.0.0.1", "--port", "0")
    assert b"60.0" == ask(command.client(command.serving()), b"limit")
    command = serve("--host", "127.0.0.1", "--port", "0", "--limit", "frame_timeout=7.5")
    assert b"7.5" == ask(command.client(command.serving()), b"limit")
    command = serve("--host", "127.0.0.1", "--port", "0", "--limit", "frame_timeout=none")
    assert b"None" == ask(command.client(command.serving()), b"limit")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_path_is_served(serve: Serve, tmp_path: Path, workers: str) -> None:
    """``--path`` serves a Unix socket with ``--mode``; its file is gone afterwards."""
    path = tmp_path / "s"
    command = serve("--path", str(path), "--mode", "600", "--workers", workers)
    command.until("serving on")
    assert b"hello" == ask(command.client(str(path)), b"hello")
    assert 0o600 == path.stat().st_mode & 0o777
    assert 0 == command.stop()
    assert not path.exists()


def test_an_inherited_socket_is_served(tmp_path: Path) -> None:
    """``--fd`` serves a socket that was passed."""
    (tmp_path / "program.py").write_text(PROGRAM)
    with socket.create_server(("127.0.0.1", 0)) as passed:
        process = subprocess.Popen(
            [sys.executable, "-m", "asynchat_core", "serve", "program:Echo", "--fd", str(passed.fileno())],
            cwd=tmp_path,
            pass_fds=[passed.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:
            with socket.create_connection(passed.getsockname(), 20) as client:
                assert b"hello" == ask(client, b"hello")
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait()
        finally:
            process.kill()
            process.wait()


def test_a_crashed_worker_is_restarted(serve: Serve) -> None:
    """A worker that is killed is started again, and the port is served all the time."""
    command = serve("--host", "127.0.0.1", "--port", "0", "--workers", "2")
    address = command.serving()
    command.serving()
    victim = command.client(address)
    pid = int(ask(victim, b"pid"))
    assert b"" == ask(victim, b"crash")
    command.until(rf"worker \d \(pid {pid}\) crashed, killed by signal 9: again in 0\.1 s")
    assert address == command.serving()
    assert b"hello" == ask(command.client(address), b"hello")
    assert 0 == command.stop()


def test_workers_do_not_outlive_their_supervisor(serve: Serve) -> None:
    """When the supervisor is killed its workers stop gracefully."""
    command = serve("--host", "127.0.0.1", "--port", "0", "--workers", "2")
    address = command.serving()
    command.serving()
    client = command.client(address)
    assert b"hello" == ask(client, b"hello")
    command.process.kill()
    assert b"" == client.recv(1)
    # The end of the stream, once both have ended.
    command.said.read()


def test_workers_abort_at_a_second_signal(serve: Serve) -> None:
    """A second signal is passed on: a client that does not finish is cut off."""
    command = serve("--host", "127.0.0.1", "--port", "0", "--workers", "2")
    address = command.serving()
    command.serving()
    client = command.client(address)
    assert b"hello" == ask(client, b"hello")
    client.sendall(b"never-en")
    command.process.send_signal(signal.SIGTERM)
    # Each of them has had the first one: two that wait for a process are one.
    command.until("stopping: . connections")
    command.until("stopping: . connections")
    command.process.send_signal(signal.SIGTERM)
    command.until("connections were cut off")
    assert 0 == command.process.wait()


def test_the_service_manager_is_told_by_the_supervisor(serve: Serve, tmp_path: Path) -> None:
    """With workers it is told READY once, when all of them are, and STOPPING once."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20)
        command = serve("--host", "127.0.0.1", "--port", "0", "--workers", "2", NOTIFY_SOCKET=path)
        assert b"READY=1\nSTATUS=Serving with 2 workers" == manager.recv(1000)
        assert 0 == command.stop()
        assert b"STOPPING=1\nSTATUS=Stopping 2 workers" == manager.recv(1000)
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(1000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["program:Nothing", "--port", "0"], "'program' has no 'Nothing'"),
        (["program:nothing", "--port", "0"], "cannot be called"),
        (["program", "--port", "0"], "'program' is not MODULE:Handler"),
        (["missing:Handler", "--port", "0"], "cannot import 'missing'"),
        (["program:Echo"], "give --port, --path or --fd"),
        (["program:Echo", "--port", "65536"], "port 65536"),
        (["program:Echo", "--port", "65536", "--workers", "2"], "port 65536"),
        (["program:Echo", "--host", "no-such-host.invalid", "--port", "0"], "'no-such-host.invalid'"),
        (["program:Echo", "--port", "0", "--max-connections", "-1"], "max_connections = -1"),
        (["program:Echo", "--port", "0", "--max-connections", "-1", "--workers", "2"], "max_connections = -1"),
        (["program:Echo", "--port", "0", "--limit", "frame_timeout=-1"], "frame_timeout = -1"),
        (["program:Echo", "--port", "0", "--limit", "output_low_mark=99999"], "output_low_mark = 99999 is above"),
        (["program:Echo", "--port", "0", "--limit", "frame_timeout=long"], "'long' is neither a number"),
        (["program:Echo", "--port", "0", "--limit", "speed=1"], "choose from connect_timeout"),
        (["program:factory", "--port", "0", "--limit", "frame_timeout=1"], "no async_chat class"),
        (["program:Echo", "--port", "0", "--workers", "0"], "--workers 0"),
        (["program:Echo", "--port", "0", "--shutdown-timeout", "-1"], "--shutdown-timeout -1"),
        (["program:Echo", "--port", "0", "--backend", "missing"], "backend 'missing' is not installed"),
        (["program:Echo", "--port", "0", "--proxy-protocol-from", "10.0.0.0/33"], "10.0.0.0/33"),
        (["program:Echo", "--fd", "977"], "descriptor 977 is not open"),
        (["program:Echo", "--fd", "x"], "--fd 'x'"),
        (["program:Echo", "--fd", "systemd"], "no LISTEN_FDS"),
        (["program:Echo", "--path", "x" * 200], "unix path of 200 bytes"),
        (["program:Echo", "--port", "0", "--control"], "--control needs a path"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    """A configuration that cannot be ends with status 2 and one line that names the value."""
    (tmp_path / "program.py").write_text(PROGRAM)
    result = run(tmp_path, "serve", *arguments)
    lines = result.stderr.splitlines()
    assert (2, 1) == (result.returncode, len(lines)), result.stderr
    assert lines[0].startswith("asynchat: ")
    assert message in lines[0]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_one_line_and_status_2(tmp_path: Path, workers: str) -> None:
    """A port that another has is named."""
    (tmp_path / "program.py").write_text(PROGRAM)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        arguments = ["program:Echo", "--host", "127.0.0.1", "--port", port, "--workers", workers]
        result = run(tmp_path, "serve", *arguments)
    assert 2 == result.returncode
    assert f"asynchat: cannot listen on 127.0.0.1:{port}: Address already in use\n" == result.stderr


def test_a_handler_of_another_backend_is_refused(tmp_path: Path) -> None:
    """A class that is built on one backend cannot be served on another."""
    (tmp_path / "program.py").write_text("from asynchat_selectors import async_chat as Handler\n")
    result = run(tmp_path, "serve", "program:Handler", "--port", "0", "--backend", "uvloop")
    assert 2 == result.returncode
    assert "program:Handler is built on another backend than asynchat_uvloop" in result.stderr


@pytest.mark.parametrize("backend", BACKENDS)
def test_top_shows_the_channels(serve: Serve, tmp_path: Path, backend: str) -> None:
    """``top`` shows a server that has --control: its process, and each channel with its counters."""
    path = str(tmp_path / "control")
    command = serve("--host", "127.0.0.1", "--port", "0", "--backend", backend, "--control", path)
    address = command.serving()
    client = command.client(address)
    assert b"hello" == ask(client, b"hello")

    assert 0o600 == Path(path).stat().st_mode & 0o777
    result = run(tmp_path, "top", path)
    summary, _, headings, *rows = result.stdout.splitlines()
    assert f"pid {command.process.pid}, " in summary
    assert f"127.0.0.1:{address[1]}: 1 open, 1 accepted" in summary
    assert headings.split()[:4] == ["PID", "FD", "PEER", "STATE"]
    assert 1 == len(rows)
    peer = "{}:{}".format(*client.getsockname())
    assert [peer, "connected", "6", "6", "1", "0", "Echo"] == [rows[0].split()[at] for at in (2, 3, 7, 8, 9, 10, 11)]
    assert 0 == command.stop()
    assert not Path(path).exists()


def test_top_finds_a_server_by_its_address(serve: Serve, tmp_path: Path) -> None:
    """With ``--control`` alone the server is found by its host and port."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as chosen:
        port = chosen.getsockname()[1]
    # pytest's folder may be too long for the path of a Unix socket.
    with tempfile.TemporaryDirectory() as runtime:
        command = serve("--host", "127.0.0.1", "--port", str(port), "--control", XDG_RUNTIME_DIR=runtime)
        command.serving()
        result = run(tmp_path, "top", f"127.0.0.1:{port}", "--json", XDG_RUNTIME_DIR=runtime)
    assert command.process.pid == json.loads(result.stdout)["pid"]


def test_top_shows_all_workers(serve: Serve, tmp_path: Path) -> None:
    """Each worker has a control socket of its own, and ``top`` shows them together."""
    path = str(tmp_path / "control")
    command = serve("--host", "127.0.0.1", "--port", "0", "--workers", "2", "--control", path)
    command.serving()
    command.serving()
    result = run(tmp_path, "top", "--json", path)
    assert 2 == len({json.loads(line)["pid"] for line in result.stdout.splitlines()})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/no/such/path"], "no server shows itself at '/no/such/path'"),
        (["127.0.0.1:1"], "no server shows itself at"),
        (["program.py"], "cannot ask 'program.py'"),
        (["program.py", "--interval", "0"], "--interval 0.0"),
    ],
)
def test_top_without_a_server_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    """Where nobody answers ``top`` says so, in one line."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "runtime").mkdir(mode=0o700)
    result = run(tmp_path, "top", *arguments, XDG_RUNTIME_DIR=str(tmp_path / "runtime"))
    assert (2, 1) == (result.returncode, len(result.stderr.splitlines()))
    assert message in result.stderr


def test_top_on_a_terminal_looks_again_and_again(serve: Serve, tmp_path: Path) -> None:
    """On a terminal ``top`` draws one look over the other until it is interrupted; that is a good end."""
    path = str(tmp_path / "control")
    serve("--host", "127.0.0.1", "--port", "0", "--control", path).serving()
    ours, theirs = os.openpty()
    top = subprocess.Popen(
        [sys.executable, "-m", "asynchat_core", "top", path, "--interval", "0.01"],
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
    )
    os.close(theirs)
    try:
        shown = b""
        while shown.count(b"\x1b[H\x1b[J") < 3:
            shown += os.read(ours, 4096)
        top.send_signal(signal.SIGINT)
        assert 0 == top.wait()
    finally:
        top.kill()
        top.wait()
        os.close(ours)
    assert b"PID" in shown
    assert b"Traceback" not in shown
