"""The PROXY protocol, versions 1 and 2: what a load balancer says first of the client it speaks for. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from struct import unpack
from typing import Any, NamedTuple

_V1_START = b"PROXY "
_V1_LONGEST = 107
_V1_FAMILIES: dict[str, type[IPv4Address] | type[IPv6Address]] = {"TCP4": IPv4Address, "TCP6": IPv6Address}
_V2_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_FIXED = 16
# The longest block of addresses and extensions taken, in bytes; senders keep below 536.
_V2_LONGEST = 4096
_V2_UNIX = 108

#: Stands for connections over a Unix socket among the trusted.
UNIX = "unix"


class ProxyError(ValueError):
    """What came is no PROXY header, or a broken one."""


class ProxyHeader(NamedTuple):
    """
    A header that was read whole.

    Attributes:
        size: its length in bytes; what follows is the client's.
        source: the client's address as ``getpeername()`` gives one; None when the header names none, and the
            connection's own counts.
        destination: the address that the client connected to, or None.
    """

    size: int
    source: Any
    destination: Any


def parse_proxy_header(data: bytes) -> ProxyHeader | None:
    r"""
    Read the header at the start of ``data``.

    >>> parse_proxy_header(b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\nEHLO")
    ProxyHeader(size=44, source=('192.0.2.7', 40000), destination=('198.51.100.1', 25))

    Returns:
        The header; None when all of ``data`` belongs to one that has not ended yet.

    Raises:
        ProxyError: no header starts like this.
    """
    if data.startswith(_V2_SIGNATURE[: len(data)]):
        return _parse_v2(data)
    if data[:6] != _V1_START[: len(data)]:
        raise ProxyError(f"no PROXY header: {data[:32]!r}")
    return _parse_v1(data)


def _parse_v1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, _V1_LONGEST)
    if end < 0:
        if len(data) >= _V1_LONGEST:
            raise ProxyError(f"a PROXY line of more than {_V1_LONGEST} bytes: {data[:32]!r}...")
        return None
    line, size = data[:end], end + 2
    words = line.split(b" ")
    if words[1] == b"UNKNOWN":
        return ProxyHeader(size, None, None)
    try:
        _, family, source, destination, source_port, destination_port = (word.decode("ascii") for word in words)
        return ProxyHeader(
            size, _v1_address(family, source, source_port), _v1_address(family, destination, destination_port)
        )
    except (KeyError, ValueError) as error:
        raise ProxyError(f"a PROXY line that is none: {line!r}") from error


def _v1_address(family: str, host: str, port: str) -> Any:
    address = _V1_FAMILIES[family](host)
    # Not what int() takes beyond digits: signs, spaces, underscores.
    if not (port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError(f"no port: {port!r}")
    return _address(address, int(port))


def _parse_v2(data: bytes) -> ProxyHeader | None:
    if len(data) < _V2_FIXED:
        return None
    version_command, family, length = unpack("!BBH", data[12:_V2_FIXED])
    if version_command not in (0x20, 0x21):
        raise ProxyError(f"PROXY version and command {version_command:#04x} are not known")
    if length > _V2_LONGEST:
        raise ProxyError(f"a PROXY header of {length} bytes, more than {_V2_LONGEST}")
    size = _V2_FIXED + length
    if len(data) < size:
        return None
    if version_command == 0x20:
        # LOCAL: the balancer itself, as for a health check.
        return ProxyHeader(size, None, None)
    return ProxyHeader(size, *_v2_addresses(family, data[_V2_FIXED:size]))


def _v2_addresses(family: int, block: bytes) -> tuple[Any, Any]:
    kind: type[IPv4Address] | type[IPv6Address]
    match family >> 4:
        case 1:
            kind, width = IPv4Address, 4
        case 2:
            kind, width = IPv6Address, 16
        case 3:
            _require(block, 2 * _V2_UNIX)
            return _unix_name(block[:_V2_UNIX]), _unix_name(block[_V2_UNIX : 2 * _V2_UNIX])
        case 0:
            return None, None
        case unknown:
            raise ProxyError(f"PROXY address family {unknown} is not known")
    _require(block, 2 * width + 4)
    ports = unpack("!HH", block[2 * width : 2 * width + 4])
    return _address(kind(block[:width]), ports[0]), _address(kind(block[width : 2 * width]), ports[1])


def _require(block: bytes, size: int) -> None:
    if len(block) < size:
        raise ProxyError(f"a PROXY address block of {len(block)} bytes, where {size} are needed")


def _address(address: IPv4Address | IPv6Address, port: int) -> Any:
    return (str(address), port) if address.version == 4 else (str(address), port, 0, 0)


def _unix_name(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


class TrustedPeers:
    """
    The balancers that may speak for others.

    Args:
        networks: addresses and networks, as ``"10.0.0.0/8"`` and ``"::1"``; ``"unix"`` for all that come over a Unix
            socket.

    Raises:
        ValueError: one of them is neither.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        if isinstance(networks, str):
            networks = [networks]
        names = list(networks)
        self._unix = UNIX in names
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(name) for name in names if name != UNIX]

    def __bool__(self) -> bool:
        return self._unix or bool(self._networks)

    def __contains__(self, address: Any) -> bool:
        """Whether a peer's address, as ``accept()`` gives it, is of one of them."""
        if not isinstance(address, tuple):
            return self._unix
        peer = ip_address(address[0].partition("%")[0])
        mapped = getattr(peer, "ipv4_mapped", None)
        return any((mapped or peer) in network for network in self._networks)
