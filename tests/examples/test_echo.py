"""The echo programs of the tutorial."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from clients import Wire
from servers import Launcher, Server


@pytest.fixture
def server(server_of: Callable[..., Server]) -> Server:
    """A running echo server."""
    return server_of("asynchat_echo_server.py")


def answer_once(answer: bytes, size: int) -> tuple[socket.socket, threading.Thread]:
    """Return a listener and the thread that reads ``size`` bytes from one client, sends it ``answer`` and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client, client.makefile("rb") as file:
            file.read(size)
            client.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return listener, thread


def test_the_client_tells_what_each_callback_received(launcher: Launcher, server: Server) -> None:
    """The client sends its text in pieces of 64 bytes, reports each callback and finds the copy right."""
    result = launcher.run("asynchat_echo_client.py", "--port", server.port, "--text", "x" * 100)
    lines = result.stdout.splitlines()
    assert "the copy is right" == lines.pop()
    assert 0 == result.returncode
    assert [
        f"EchoClient: connecting to 127.0.0.1:{server.port}",
        "EchoClient: handle_connect()",
        f"EchoProducer: more() -> (64 bytes) {b'x' * 64!r}",
        f"EchoProducer: more() -> (36 bytes) {b'x' * 36!r}",
        "EchoProducer: more() -> (0 bytes) b''",
    ] == [line for line in lines if "collect_" not in line and "found_" not in line]
    assert 100 == sum(int(line.split("(")[2].split()[0]) for line in lines if "collect_" in line)
    assert "EchoClient: found_terminator()" == lines[-1]


def test_both_halves_run_in_one_loop(launcher: Launcher) -> None:
    """The tutorial's main program runs server and client in one process and ends by itself."""
    result = launcher.run("asynchat_echo_main.py")
    assert 0 == result.returncode, result.stdout
    lines = result.stdout.splitlines()
    assert "the copy is right" == lines[-1]
    assert "EchoHandler: collect_incoming_data() -> (8 bytes) b'ECHO 182'" in lines
    assert "EchoHandler: found_terminator() in state 'message'" in lines
    assert "EchoHandler: handle_close()" in lines


def test_a_refused_connection_is_one_clear_line(launcher: Launcher) -> None:
    """The client of a server that is not there says so and ends with status 1."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = str(gone.getsockname()[1])
    result = launcher.run("asynchat_echo_client.py", "--port", port)
    assert 1 == result.returncode
    # A backend may say more behind the system's words.
    assert result.stdout.splitlines()[-1].startswith("the connection failed: [Errno 111] Connection refused")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"", "the server hung up before it answered"),
        (b"he", "the server hung up after b'he'"),
        (b"hallo", "the copy is wrong: b'hallo'"),
    ],
)
def test_a_wrong_answer_is_reported(launcher: Launcher, answer: bytes, outcome: str) -> None:
    """The client of a server that does not echo says what it got and ends with status 1."""
    listener, thread = answer_once(answer, len(b"ECHO 5\nhello"))
    with listener:
        result = launcher.run("asynchat_echo_client.py", "--port", str(listener.getsockname()[1]), "--text", "hello")
        thread.join()
    assert 1 == result.returncode
    assert outcome == result.stdout.splitlines()[-1]


def test_nothing_to_send_is_a_usage_error(launcher: Launcher) -> None:
    """An empty text cannot be echoed."""
    result = launcher.run("asynchat_echo_client.py", "--port", "1", "--text", "")
    assert 2 == result.returncode
    assert "--text '' has nothing to send" in result.stdout.splitlines()[-1]


def test_pipelined_commands_are_answered_in_turn(server: Server) -> None:
    """Two commands in one segment get two answers; a newline within a message does not end it."""
    with Wire(server.address) as wire:
        wire.send(b"ECHO 5\nab\ncdECHO 1\r\n!")
        assert b"ab\ncd!" == wire.read(6)


def test_a_byte_by_byte_sender_is_served(server: Server) -> None:
    """It does not matter in which pieces a command and its message arrive."""
    with Wire(server.address) as wire:
        wire.trickle(b"ECHO 6\n\n\r\n.\r\n")
        assert b"\n\r\n.\r\n" == wire.read(6)


def test_a_long_message_comes_back_whole(server: Server) -> None:
    """The longest message that is allowed, a mebibyte, is echoed."""
    message = bytes(range(256)) * 64
    with Wire(server.address) as wire:
        wire.send(b"ECHO %d\n" % len(message) + message)
        assert message == wire.read(len(message))


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (b"SHOUT 5\n", b"unknown command b'SHOUT', say ECHO length"),
        (b"\n", b"unknown command b'', say ECHO length"),
        (b"ECHO\n", b"length b'' is not a number from 1 to 1048576"),
        (b"ECHO 0\n", b"length b'0' is not a number from 1 to 1048576"),
        (b"ECHO -1\n", b"length b'-1' is not a number from 1 to 1048576"),
        (b"ECHO 1048577\n", b"length b'1048577' is not a number from 1 to 1048576"),
        (b"ECHO 1 \n", b"length b'1 ' is not a number from 1 to 1048576"),
        (b"ECHO \xff\n", b"length b'\\xff' is not a number from 1 to 1048576"),
        (b"x" * 65, b"a command is 64 bytes at most"),
    ],
)
def test_a_wrong_command_is_refused(server: Server, command: bytes, reason: bytes) -> None:
    """A wrong command gets one line that says why, and the connection ends."""
    with Wire(server.address) as wire:
        wire.send(command)
        assert b"ERROR " + reason == wire.line()
        assert b"" == wire.read()


def test_what_follows_a_wrong_command_is_not_run(server: Server) -> None:
    """A command behind a refused one, in the same segment, gets no answer."""
    with Wire(server.address) as wire:
        wire.send(b"BAD\nECHO 2\nhi")
        assert b"ERROR unknown command b'BAD', say ECHO length" == wire.line()
        assert b"" == wire.read()


@pytest.mark.parametrize("sent", [b"", b"ECH", b"ECHO 10\n", b"ECHO 10\nhalf"])
@pytest.mark.parametrize("manner", ["close", "vanish"])
def test_a_client_that_leaves_hurts_nobody(
    server: Server, leaves_nothing: Callable[..., AbstractContextManager[None]], sent: bytes, manner: str
) -> None:
    """After a client that left in the middle of a conversation the next one is served, and nothing is left of it."""

    def talk() -> None:
        with Wire(server.address) as other:
            other.send(b"ECHO 2\nhi")
            assert b"hi" == other.read(2)

    with leaves_nothing(server, talk):
        wire = Wire(server.address)
        wire.send(sent)
        getattr(wire, manner)()
