"""The RESP server, driven by redis-py, redis-cli, redis-benchmark and raw bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
import redis

import clients
from clients import Wire, redis_cli
from servers import PATIENCE, Server, execute

needs_cli = pytest.mark.skipif(clients.REDIS_CLI is None, reason="there is no redis-cli")
needs_benchmark = pytest.mark.skipif(clients.REDIS_BENCHMARK is None, reason="there is no redis-benchmark")

EVERY_BYTE = bytes(range(256)) + b"\r\n$5\r\n*1\r\n"


@pytest.fixture
def server(server_of: Callable[..., Server]) -> Server:
    """A running RESP server."""
    return server_of("resp_server.py")


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """redis-py, in both versions of the protocol."""
    host, port = server.address
    with redis.Redis(host, port, protocol=request.param, socket_timeout=PATIENCE, client_name="test") as client:
        yield client
        client.delete("key", "other", b"\xff\r\n")


def array(*arguments: bytes) -> bytes:
    """Return a command as a client sends it."""
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%b\r\n" % (len(a), a) for a in arguments)


# Real clients


def test_ping(client: redis.Redis) -> None:
    """PING answers."""
    assert client.ping() is True


def test_echo(client: redis.Redis) -> None:
    """ECHO gives back each byte."""
    assert EVERY_BYTE == client.echo(EVERY_BYTE)


def test_set_and_get(client: redis.Redis) -> None:
    """What was set can be got; keys and values may hold any byte, and none."""
    assert client.set(b"\xff\r\n", EVERY_BYTE) is True
    assert EVERY_BYTE == client.get(b"\xff\r\n")
    assert client.set("key", "") is True
    assert b"" == client.get("key")


def test_get_of_nothing(client: redis.Redis) -> None:
    """A key that was never set has no value."""
    assert client.get("key") is None


def test_delete(client: redis.Redis) -> None:
    """DEL takes many keys and tells how many there were."""
    client.set("key", "1")
    client.set("other", "2")
    assert 2 == client.delete("key", "nowhere", "other")
    assert client.get("key") is None


def test_a_large_value(client: redis.Redis) -> None:
    """Ten megabytes go in and out."""
    value = bytes(10_000_000)
    client.set("key", value)
    assert value == client.get("key")


def test_a_pipeline(client: redis.Redis) -> None:
    """A thousand commands sent at once get a thousand replies in their order."""
    pipeline = client.pipeline(transaction=False)
    for number in range(1000):
        pipeline.echo(str(number))
    assert [str(number).encode() for number in range(1000)] == pipeline.execute()


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (["LPUSH", "key", "value"], "unknown command 'LPUSH'"),
        (["GET"], "wrong number of arguments for 'get' command"),
        (["set", "key"], "wrong number of arguments for 'set' command"),
        (["SET", "key", "value", "EX", "5"], "wrong number of arguments for 'set' command"),
        (["SELECT", "1"], "DB index is out of range"),
        (["HELLO", "4"], "NOPROTO unsupported protocol version"),
    ],
)
def test_a_wrong_command_is_an_error_reply(client: redis.Redis, command: list[str], error: str) -> None:
    """A command that is not understood is answered with an error, and the connection goes on."""
    with pytest.raises(redis.ResponseError, match=error):
        client.execute_command(*command)
    assert client.ping() is True


@needs_cli
def test_redis_cli(server: Server) -> None:
    """The real redis-cli sets, gets and deletes."""
    assert "PONG" == redis_cli(server, "ping")
    assert "OK" == redis_cli(server, "set", "cli", "from the shell")
    assert "from the shell" == redis_cli(server, "get", "cli")
    assert "1" == redis_cli(server, "del", "cli")
    assert "" == redis_cli(server, "get", "cli")


@needs_cli
def test_redis_cli_with_resp3(server: Server) -> None:
    """redis-cli -3 says HELLO 3 and understands the answer."""
    assert "PONG" == redis_cli(server, "-3", "ping")


@needs_cli
def test_redis_cli_reads_commands(server: Server) -> None:
    """redis-cli sends one command after the other from its input."""
    assert ["PONG", "hello"] == redis_cli(server, text="PING\nECHO hello\n").split()


@needs_cli
def test_redis_cli_pipe(server: Server) -> None:
    """redis-cli --pipe sends a mass of commands without waiting for replies."""
    commands = b"".join(array(b"PING", b"%d" % number) for number in range(5000)).decode()
    assert "errors: 0, replies: 5000" in redis_cli(server, "--pipe", text=commands)


@needs_benchmark
def test_redis_benchmark(server: Server) -> None:
    """redis-benchmark measures the server, with twenty connections and sixteen commands in each pipeline."""
    assert clients.REDIS_BENCHMARK is not None
    options = ["-h", server.address[0], "-p", server.port, "-t", "ping,set,get", "-n", "2000", "-c", "20", "-P", "16"]
    result = execute([clients.REDIS_BENCHMARK, *options, "--csv"])
    assert 0 == result.returncode, result.stdout
    measured = [line.split(",")[0] for line in result.stdout.splitlines() if "," in line]
    assert ['"PING_INLINE"', '"PING_MBULK"', '"SET"', '"GET"'] == [name for name in measured if name != '"test"']


# Framing


def test_inline_commands(server: Server) -> None:
    """Commands in plain words, as a person types them, are understood; an empty line is none."""
    with Wire(server.address) as wire:
        wire.send(b"PING\r\n\r\n  echo   hello \nSET inline 1\r\nGET inline\r\n*0\r\nDEL inline\r\n")
        expected = b"+PONG\r\n$5\r\nhello\r\n+OK\r\n$1\r\n1\r\n:1\r\n"
        assert expected == wire.read(len(expected))


def test_a_byte_by_byte_sender_is_served(server: Server) -> None:
    """It does not matter in which pieces a command arrives."""
    with Wire(server.address) as wire:
        wire.trickle(array(b"ECHO", b"\r\n") + array(b"ECHO", b"") + array(b"PING"))
        expected = b"$2\r\n\r\n\r\n$0\r\n\r\n+PONG\r\n"
        assert expected == wire.read(len(expected))


def test_quit(server: Server) -> None:
    """QUIT is answered, the connection ends, and what follows is not run."""
    with Wire(server.address) as wire:
        wire.send(array(b"QUIT") + array(b"PING"))
        assert b"+OK\r\n" == wire.read()


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"*x\r\n", b"invalid multibulk length"),
        (b"*-1\r\n", b"invalid multibulk length"),
        (b"*1025\r\n", b"invalid multibulk length"),
        (b"*" + b"9" * 5000 + b"\r\n", b"invalid multibulk length"),
        (b"*1\r\n:1\r\n", b"expected '$', got ':'"),
        (b"*1\r\n\r\n", b"expected '$', got ''"),
        (b"*1\r\n$\r\n", b"invalid bulk length"),
        (b"*1\r\n$-1\r\n", b"invalid bulk length"),
        (b"*1\r\n$16777217\r\n", b"invalid bulk length"),
        (b"*2\r\n$10\r\n0123456789\r\n$16777207\r\n", b"invalid bulk length"),
        (b"*1\r\n$4\r\nPINGxx", b"a string must end in CRLF"),
        (b"x" * 65537, b"too big inline request"),
    ],
)
def test_bytes_that_are_no_command_end_the_connection(server: Server, sent: bytes, error: bytes) -> None:
    """What comes before is answered, the error is named, and what comes behind is not looked at."""
    with Wire(server.address) as wire:
        wire.send(b"PING\r\n" + sent + b"PING\r\n")
        assert b"+PONG\r\n-ERR Protocol error: " + error + b"\r\n" == wire.read()


def test_a_client_that_does_not_read_is_not_read_from(server: Server) -> None:
    """A client that only sends is slowed down by TCP, and gets all its replies once it reads."""
    value = b"x" * 1_000_000
    with Wire(server.address, receive_buffer=4096) as wire:
        wire.send(array(b"SET", b"large", value) + array(b"GET", b"large") * 30)
        assert b"+OK\r\n" == wire.read(5)
        for _ in range(30):
            assert b"$1000000\r\n" + value + b"\r\n" == wire.read(1_000_012)
        wire.send(array(b"DEL", b"large"))
        assert b":1\r\n" == wire.read(4)


@pytest.mark.parametrize(
    "sent", [b"", b"PI", b"*2\r\n$4\r\nEC", b"*2\r\n$4\r\nECHO\r\n$10\r\nhalf", b"PING\r\n" * 1000]
)
@pytest.mark.parametrize("manner", ["close", "vanish"])
def test_a_client_that_leaves_hurts_nobody(
    server: Server, leaves_nothing: Callable[..., AbstractContextManager[None]], sent: bytes, manner: str
) -> None:
    """After a client that left in the middle of a command the next one is served, and nothing is left of it."""

    def talk() -> None:
        with Wire(server.address) as other:
            other.send(b"PING\r\n")
            assert b"+PONG" == other.line()

    with leaves_nothing(server, talk):
        wire = Wire(server.address)
        wire.send(sent)
        getattr(wire, manner)()
