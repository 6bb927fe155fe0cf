"""Listeners: what they listen on, their limits, and what they survive."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .conftest import Rig


def test_the_system_chooses_a_port(rig: Rig) -> None:
    """Port 0 gives one of the system's choice, which ``addresses`` tells."""
    listener = rig.listen()
    host, port = listener.addresses[0]
    assert "127.0.0.1" == host
    assert port
    assert b"a\n" == rig.ask(rig.client((host, port)), b"a\n")


def test_all_addresses_share_a_port(rig: Rig) -> None:
    """With no host all addresses of the machine are listened on, by one port."""
    listener = rig.listen(host=None)
    assert 1 == len({address[1] for address in listener.addresses})
    assert b"a\n" == rig.ask(rig.client(("127.0.0.1", listener.addresses[0][1])), b"a\n")


def test_without_dual_stack_there_is_ipv4_only(rig: Rig) -> None:
    """``dual_stack=False`` leaves IPv6 out."""
    assert ["0.0.0.0"] == [address[0] for address in rig.listen(host=None, dual_stack=False).addresses]


def test_a_factory_need_not_take_a_map(rig: Rig) -> None:
    """A factory without a parameter ``map`` is called with the socket alone."""
    listener = rig.listen(lambda sock: rig.echo(sock, rig.map))
    assert b"a\n" == rig.ask(rig.client(listener.addresses[0]), b"a\n")


def test_connections_are_counted_while_they_are_open(rig: Rig) -> None:
    """``connections`` holds the open channels; ``accepted`` all there were."""
    listener = rig.listen()
    client = rig.client(listener.addresses[0])
    rig.until(lambda: listener.connections)
    assert rig.echo is type(listener.connections[0])
    client.close()
    rig.until(lambda: not listener.connections)
    assert 1 == listener.accepted


def test_closing_leaves_the_connections(rig: Rig) -> None:
    """``close()`` refuses newcomers, and those who are there are served; twice does no harm."""
    listener = rig.listen()
    address = listener.addresses[0]
    client = rig.client(address)
    rig.ask(client, b"a\n")
    listener.close()
    listener.close()
    assert [] == listener.addresses
    assert b"b\n" == rig.ask(client, b"b\n")
    with pytest.raises(ConnectionRefusedError):
        rig.client(address)


def test_at_the_limit_newcomers_wait(rig: Rig) -> None:
    """At ``max_connections`` accepting pauses, and goes on when a connection ends."""
    listener = rig.listen(max_connections=1)
    first = rig.client(listener.addresses[0])
    rig.ask(first, b"a\n")
    second = rig.client(listener.addresses[0])
    second.sendall(b"b\n")
    rig.ask(first, b"c\n")
    assert 1 == len(listener.connections)

    first.close()
    assert b"b\n" == rig.read(second)


def test_at_the_limit_the_loop_is_idle(rig: Rig) -> None:
    """A connection that waits in the backlog makes no event after event."""
    listener = rig.listen(max_connections=1)
    rig.ask(rig.client(listener.addresses[0]), b"a\n")
    rig.client(listener.addresses[0])
    rig.until(lambda: listener.acceptors[0]._held)
    calls: list[int] = []
    for acceptor in listener.acceptors:
        acceptor.handle_accept = lambda: calls.append(1)
    for _ in range(5):
        rig.module.poll_once(0, rig.map)
    assert [] == calls


def test_above_the_limit_for_an_address_it_is_turned_away(rig: Rig) -> None:
    """``max_connections_per_ip`` closes what comes above it at once; the place of one that ends is free again."""
    listener = rig.listen(max_connections_per_ip=1)
    first = rig.client(listener.addresses[0])
    rig.ask(first, b"a\n")
    assert b"" == rig.read(rig.client(listener.addresses[0]))
    assert 1 == listener.refused

    first.close()
    rig.until(lambda: not listener.connections)
    assert b"b\n" == rig.ask(rig.client(listener.addresses[0]), b"b\n")


def test_a_raising_factory_costs_its_connection_only(rig: Rig) -> None:
    """What a factory raises closes that connection; the listener and what it holds stay."""
    refuse = [True]

    def factory(sock: Any, map: Any) -> Any:
        channel = rig.echo(sock, map)
        if refuse.pop():
            raise LookupError("no")
        return channel

    listener = rig.listen(factory, max_connections=1)
    assert b"" == rig.read(rig.client(listener.addresses[0]))
    refuse.append(False)
    assert b"a\n" == rig.ask(rig.client(listener.addresses[0]), b"a\n")
    assert 2 == len(rig.map)


def test_a_client_that_resets_at_once_costs_nothing(rig: Rig) -> None:
    """A connection that is reset before it is accepted is none of the listener's trouble."""
    listener = rig.listen()
    for _ in range(3):
        client = rig.client(listener.addresses[0])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    assert b"a\n" == rig.ask(rig.client(listener.addresses[0]), b"a\n")
    rig.until(lambda: 1 == len(listener.connections))


@contextmanager
def no_descriptor_left() -> Iterator[int]:
    """Let the process have no more descriptors than it has; yields how many those may be."""
    spare = os.dup(0)
    os.close(spare)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (spare, before[1]))
    try:
        yield spare
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_without_descriptors_it_rests_and_recovers(rig: Rig) -> None:
    """With no descriptor left the old clients are served; when there are some again the waiting ones are taken."""
    listener = rig.listen()
    old = rig.client(listener.addresses[0])
    rig.ask(old, b"a\n")
    new = rig.client(listener.addresses[0])
    with no_descriptor_left():
        new.sendall(b"b\n")
        rig.until(lambda: listener.acceptors[0]._ac_resting)
        assert b"c\n" == rig.ask(old, b"c\n")
    assert b"b\n" == rig.read(new)


def test_without_descriptors_there_is_one_line_when_it_begins_and_one_when_it_is_over(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """However long it lasts, a shortage is logged once, with the limit and the cure, and once when it is over."""
    caplog.set_level(logging.INFO, "asynchat")
    listener = rig.listen()
    rig.ask(rig.client(listener.addresses[0]), b"a\n")
    new = rig.client(listener.addresses[0])
    acceptor = listener.acceptors[0]
    rested: list[int] = []

    def end_of_rest() -> None:
        rested.append(1)
        type(acceptor)._ac_rested(acceptor)

    acceptor._ac_rested = end_of_rest
    with no_descriptor_left() as most:
        new.sendall(b"b\n")
        rig.until(lambda: len(rested) > 1)
    assert b"b\n" == rig.read(new)

    begin, end = caplog.records
    assert f"this process may have {most}; raise that (ulimit -n), or set max_connections" in begin.getMessage()
    assert (logging.ERROR, False) == (begin.levelno, bool(begin.exc_info))
    assert "accepting goes on" == end.getMessage()


def test_two_may_share_a_port(rig: Rig) -> None:
    """With ``reuse_port`` a second listener has the same port."""
    port = rig.listen(reuse_port=True).addresses[0][1]
    assert port == rig.listen(port=port, reuse_port=True).addresses[0][1]


def test_a_port_in_use_is_named(rig: Rig) -> None:
    """An address that another has is an error that names it."""
    port = rig.listen().addresses[0][1]
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}") as caught:
        rig.listen(port=port)
    assert errno.EADDRINUSE == caught.value.errno


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 65536}, "port 65536"),
        ({"port": -1}, "port -1"),
        ({"backlog": 0}, "backlog = 0"),
        ({"max_connections": 0}, "max_connections = 0"),
        ({"max_connections_per_ip": -3}, "max_connections_per_ip = -3"),
        ({"proxy_protocol_from": ["10.0.0.0/33"]}, "10.0.0.0/33"),
        ({"host": "127.0.0.1", "path": "x"}, "host and path"),
        ({"path": "x", "fd": 0}, "path and fd"),
        ({"fd": 9999}, "descriptor 9999 is not open"),
    ],
)
def test_an_argument_that_cannot_be_is_named(rig: Rig, options: dict[str, Any], message: str) -> None:
    """A bad argument is a ValueError with its name or value, and nothing is left in the map."""
    with pytest.raises(ValueError, match=message):
        rig.module.listen(rig.echo, map=rig.map, **options)
    assert {} == rig.map


def test_an_unknown_host_is_named(rig: Rig) -> None:
    """A host that does not resolve is an error with its name."""
    with pytest.raises(OSError, match=r"cannot listen on 'no-such-host\.invalid'"):
        rig.listen(host="no-such-host.invalid")


def test_what_cannot_be_called_is_no_factory(rig: Rig) -> None:
    """A factory that is none fails at the call."""
    with pytest.raises(TypeError, match="'nothing'"):
        rig.listen("nothing")


def test_an_inherited_socket_is_adopted(rig: Rig) -> None:
    """``fd`` listens on a socket that the process has from elsewhere."""
    with socket.create_server(("127.0.0.1", 0)) as inherited:
        address = inherited.getsockname()
        listener = rig.listen(fd=inherited.detach())
    assert [address] == listener.addresses
    assert b"a\n" == rig.ask(rig.client(address), b"a\n")


def test_a_descriptor_that_is_no_socket_is_refused(rig: Rig) -> None:
    """``fd`` of a pipe is a ValueError, and the pipe stays open."""
    read_end, write_end = os.pipe()
    try:
        with pytest.raises(ValueError, match=f"descriptor {read_end} is no socket"):
            rig.listen(fd=read_end)
        os.fstat(read_end)
    finally:
        os.close(read_end)
        os.close(write_end)
