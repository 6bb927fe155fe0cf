"""How the examples start and end, whatever they serve."""

from __future__ import annotations

import signal
import socket

import pytest

from clients import ChatClient, Wire
from servers import Launcher, Server

SERVERS = ("asynchat_echo_server.py", "http_server.py", "chat_room.py", "resp_server.py", "smtp_sink.py")


@pytest.mark.parametrize("program", SERVERS)
def test_it_says_where_it_listens_and_ends_on_sigterm(launcher: Launcher, program: str) -> None:
    """The first line tells the address; SIGTERM ends the program with status 0, also with a client connected."""
    with Server(launcher, program, "--host", "127.0.0.1", "--port", "0") as server, Wire(server.address):
        assert [f"listening on 127.0.0.1:{server.port}"] == server.lines[:1]
        server.stop(signal.SIGTERM)


def test_it_ends_on_sigint(launcher: Launcher) -> None:
    """Ctrl-C in the middle of a conversation ends a server with status 0 and without a traceback."""
    with Server(launcher, "chat_room.py") as server, ChatClient(server, "ann") as ann:
        server.stop(signal.SIGINT)
        assert b"" == ann.read()


@pytest.mark.parametrize("program", ["http_server.py", "asynchat_echo_main.py"])
def test_an_occupied_port_is_one_clear_line(launcher: Launcher, program: str) -> None:
    """A port that is taken ends the program with status 1 and a line that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = launcher.run(program, "--port", port)
    assert 1 == result.returncode
    # A backend may say more behind the system's words.
    assert result.stdout.startswith(f"cannot listen on 127.0.0.1:{port}: Address already in use")
    assert result.stdout.endswith("; try another --host or --port\n")
    assert 1 == len(result.stdout.splitlines())


@pytest.mark.parametrize("port", ["x", "-1", "65536", "1.5", "٣"])
def test_a_wrong_port_is_a_usage_error(launcher: Launcher, port: str) -> None:
    """A port that is no port ends the program with status 2 and a line that names it."""
    result = launcher.run("http_server.py", f"--port={port}")
    assert 2 == result.returncode
    assert f"port {port!r} is not a number from 0 to 65535" in result.stdout.splitlines()[-1]


def test_an_unknown_host_is_one_clear_line(launcher: Launcher) -> None:
    """An address that is not this machine's ends the program with status 1 and a line that names it."""
    result = launcher.run("http_server.py", "--host", "192.0.2.1")
    assert 1 == result.returncode
    assert result.stdout.startswith("cannot listen on 192.0.2.1:0: ")
    assert 1 == len(result.stdout.splitlines())
