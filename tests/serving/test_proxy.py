"""The PROXY protocol: the headers themselves, and listeners behind a balancer."""

from __future__ import annotations

import socket
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynchat_core.proxy import ProxyError, TrustedPeers, parse_proxy_header

from .conftest import Rig

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n"
V1_IPV6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n"


def v2(family: int, block: bytes, command: int = 0x21) -> bytes:
    """Make a header of version 2."""
    return SIGNATURE + pack("!BBH", command, family, len(block)) + block


V2 = v2(0x11, socket.inet_aton("192.0.2.7") + socket.inet_aton("198.51.100.1") + pack("!HH", 40000, 25))
V2_IPV6 = v2(
    0x21,
    socket.inet_pton(socket.AF_INET6, "2001:db8::7")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    + pack("!HH", 40000, 25)
    + b"\x04\x00\x03abc",
)
V2_UNIX = v2(0x31, b"/run/client".ljust(108, b"\0") + b"/run/server".ljust(108, b"\0"))
GOOD = [
    (V1, ("192.0.2.7", 40000)),
    (V1_IPV6, ("2001:db8::7", 40000, 0, 0)),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
    (V2, ("192.0.2.7", 40000)),
    (V2_IPV6, ("2001:db8::7", 40000, 0, 0)),
    (V2_UNIX, "/run/client"),
    (v2(0x00, b""), None),
    (v2(0x11, b"", 0x20), None),
]


@pytest.mark.parametrize(("header", "client"), GOOD)
def test_a_header_tells_the_client(header: bytes, client: Any) -> None:
    """Each kind of header gives the client's address, and its own length, whatever follows it."""
    parsed = parse_proxy_header(header + b"PROXY and more")
    assert parsed is not None
    assert (len(header), client) == (parsed.size, parsed.source)


@pytest.mark.parametrize(("header", "client"), GOOD)
def test_a_part_of_a_header_wants_more(header: bytes, client: Any) -> None:
    """No part of a header is taken for one, or for none."""
    assert [None] * len(header) == [parse_proxy_header(header[:size]) for size in range(len(header))]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25 26\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 65536\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 +25\r\n",
        b"PROXY TCP4 192.0.2.256 198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 40000 25\r\n",
        b"PROXY TCP5 192.0.2.7 198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 192.0.2.7\xff 198.51.100.1 40000 25\r\n",
        b"PROXY \r\n",
        b"PROXY UNKNOWN ".ljust(107, b"x"),
        v2(0x11, b"\0" * 11),
        v2(0x31, b"\0" * 215),
        v2(0x41, b"\0" * 12),
        v2(0x11, b"\0" * 12, 0x22),
        v2(0x11, b"\0" * 12, 0x11),
        v2(0x11, b"\0" * 4097),
    ],
)
def test_what_is_no_header_is_refused(data: bytes) -> None:
    """Anything else is a ProxyError."""
    with pytest.raises(ProxyError):
        parse_proxy_header(data)


@given(st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21"]), st.binary(max_size=300))
def test_garbage_is_refused_or_wants_more(start: bytes, data: bytes) -> None:
    """Nothing but a ProxyError comes of garbage."""
    try:
        header = parse_proxy_header(start + data)
    except ProxyError:
        return
    assert header is None or header.size <= len(start + data)


@pytest.mark.parametrize(
    ("networks", "peer", "trusted"),
    [
        (["10.0.0.0/8"], ("10.1.2.3", 1), True),
        (["10.0.0.0/8"], ("11.1.2.3", 1), False),
        (["10.0.0.0/8"], ("::ffff:10.1.2.3", 1, 0, 0), True),
        (["::1"], ("::1", 1, 0, 0), True),
        (["fe80::/10"], ("fe80::1%eth0", 1, 0, 2), True),
        (["10.0.0.0/8"], "", False),
        (["unix"], "", True),
        (["unix"], ("10.1.2.3", 1), False),
        ("127.0.0.1", ("127.0.0.1", 1), True),
    ],
)
def test_who_is_trusted(networks: Any, peer: Any, trusted: bool) -> None:
    """Addresses, networks and Unix sockets may be trusted; IPv4 in IPv6's clothes is IPv4."""
    assert trusted is (peer in TrustedPeers(networks))


@pytest.mark.parametrize("header", [V1, V2])
def test_the_channel_has_the_clients_address(rig: Rig, header: bytes) -> None:
    """Behind a balancer ``addr`` is the client's, in the constructor already, and no byte behind the header is lost."""
    seen: list[Any] = []

    def factory(sock: Any, map: Any) -> Any:
        channel = rig.echo(sock, map)
        seen.append(channel.addr)
        return channel

    listener = rig.listen(factory, proxy_protocol_from=["127.0.0.0/8"])
    client = rig.client(listener.addresses[0])
    assert b"a\nb\n" == rig.ask(client, header + b"a\nb\n")
    assert [("192.0.2.7", 40000)] == seen
    assert ("192.0.2.7", 40000) == listener.connections[0].addr


def test_a_header_may_come_byte_by_byte(rig: Rig) -> None:
    """The header is read in whatever pieces it comes."""
    listener = rig.listen(proxy_protocol_from=["127.0.0.1"])
    client = rig.client(listener.addresses[0])
    for at in range(len(V2)):
        client.sendall(V2[at : at + 1])
        rig.module.poll_once(0, rig.map)
    assert b"a\n" == rig.ask(client, b"a\n")
    assert ("192.0.2.7", 40000) == listener.connections[0].addr


def test_the_balancers_own_connection_keeps_its_address(rig: Rig) -> None:
    """A health check (LOCAL) is served under the balancer's address."""
    listener = rig.listen(proxy_protocol_from=["127.0.0.1"])
    client = rig.client(listener.addresses[0])
    rig.ask(client, v2(0x00, b"", 0x20) + b"a\n")
    assert client.getsockname() == listener.connections[0].addr


def test_a_stranger_cannot_claim_an_address(rig: Rig) -> None:
    """From an address that is not trusted a header is input like any other."""
    listener = rig.listen(proxy_protocol_from=["192.0.2.0/24"])
    client = rig.client(listener.addresses[0])
    assert V1 == rig.ask(client, V1)
    assert client.getsockname() == listener.connections[0].addr


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", V1[:20]])
def test_without_a_whole_header_it_is_closed(rig: Rig, data: bytes) -> None:
    """A trusted peer that sends something else, or ends, is closed and never reaches the handler."""
    listener = rig.listen(proxy_protocol_from=["127.0.0.1"])
    client = rig.client(listener.addresses[0])
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)
    assert b"" == rig.read(client)
    assert (0, 1) == (listener.accepted, listener.refused)
    assert [] == listener.unidentified


def test_a_header_must_come_soon(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trusted peer that says nothing is closed when its time is over."""
    monkeypatch.setattr("asynchat_core.listening._HEADER_TIMEOUT", 0.01)
    listener = rig.listen(proxy_protocol_from=["127.0.0.1"])
    assert b"" == rig.read(rig.client(listener.addresses[0]))


def test_the_limit_for_an_address_counts_clients(rig: Rig) -> None:
    """Behind a balancer ``max_connections_per_ip`` counts the clients' addresses, not the balancer's."""
    listener = rig.listen(proxy_protocol_from=["127.0.0.1"], max_connections_per_ip=1)
    address = listener.addresses[0]
    assert b"a\n" == rig.ask(rig.client(address), V1 + b"a\n")
    assert b"b\n" == rig.ask(rig.client(address), V1_IPV6 + b"b\n")
    assert b"" == rig.ask(rig.client(address), V1 + b"c\n")
