"""Make sockets that listen: on each address of a host, on a path, or on a descriptor that was inherited."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

# Bytes of a Unix socket's path, with its final null: what the kernels' sockaddr_un holds.
_LONGEST_PATH = 108 if sys.platform == "linux" else 104
# Where the system chooses the port and a host has several addresses, it may be taken on one of the others.
_PORT_ATTEMPTS = 20
# The first descriptor that systemd passes.
_FIRST_INHERITED = 3


def tcp_sockets(host: str | None, port: int, *, reuse_port: bool, dual_stack: bool) -> list[socket.socket]:
    """
    Bind a socket on each address of ``host``, all to the same port.

    Args:
        host: a name or an address; None for all addresses of the machine.
        port: 0 lets the system choose one.
        reuse_port: let other processes listen there too, each getting a share.
        dual_stack: with no host, serve IPv6 and IPv4.

    Raises:
        ValueError: the port is not one, or ``reuse_port`` does not exist here.
        OSError: the host is not known or the address cannot be had; the message names it.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"port {port!r} is not a number from 0 to 65535")
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("reuse_port: this system has no SO_REUSEPORT")
    addresses = _addresses(host, port, dual_stack)
    for attempt in range(_PORT_ATTEMPTS):
        try:
            return _bind_all(addresses, reuse_port)
        except OSError as error:
            if port or len(addresses) < 2 or error.errno != errno.EADDRINUSE or attempt == _PORT_ATTEMPTS - 1:
                raise
    raise AssertionError


def _addresses(host: str | None, port: int, dual_stack: bool) -> list[tuple[int, Any]]:
    if not host:
        if not dual_stack or not socket.has_ipv6:
            return [(socket.AF_INET, ("0.0.0.0", port))]
        return [(socket.AF_INET6, ("::", port, 0, 0)), (socket.AF_INET, ("0.0.0.0", port))]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OSError(errno.EADDRNOTAVAIL, f"cannot listen on {host!r}: {reason}") from error
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bind_all(addresses: list[tuple[int, Any]], reuse_port: bool) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for family, (host, port, *rest) in addresses:
            if sockets and not port:
                port = sockets[0].getsockname()[1]
            try:
                sock = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:
                if error.errno == errno.EAFNOSUPPORT and len(addresses) > 1:
                    continue
                raise
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if reuse_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                sock.bind((host, port, *rest))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL and family == socket.AF_INET6 and len(addresses) > 1:
                    # A kernel that has IPv6, on a machine that does not use it.
                    sockets.pop().close()
                    continue
                raise _cannot_listen(error, shown((host, port))) from None
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    if not sockets:
        hosts = ", ".join(str(address[0]) for _, address in addresses)
        raise OSError(errno.EADDRNOTAVAIL, f"cannot listen on any of {hosts}")
    return sockets


def unix_socket(path: str, mode: int | None) -> socket.socket:
    """
    Bind a socket on ``path``, in place of one there that nobody listens on any more.

    Args:
        path: in the file system; one that begins with a null byte is of Linux's abstract names.
        mode: permissions of the file, as ``0o660``; None leaves them to the umask.

    Raises:
        ValueError: the path is too long; the message names both lengths.
        OSError: somebody listens there, or the file is no socket.
    """
    length = len(os.fsencode(path))
    if length >= _LONGEST_PATH:
        raise ValueError(f"unix path of {length} bytes is longer than the {_LONGEST_PATH - 1} possible: {path!r}")
    abstract = path.startswith("\0")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        try:
            sock.bind(path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or abstract:
                raise _cannot_listen(error, repr(path)) from None
            _remove_stale(path)
            sock.bind(path)
        if mode is not None and not abstract:
            # Nobody can connect before listen(), so there is no moment with the wrong mode.
            os.chmod(path, mode)  # noqa: PTH101
    except BaseException:
        sock.close()
        raise
    return sock


def _remove_stale(path: str) -> None:
    if not stat.S_ISSOCK(os.stat(path, follow_symlinks=False).st_mode):  # noqa: PTH116
        raise OSError(errno.EADDRINUSE, f"cannot listen on {path!r}: it is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        refused = probe.connect_ex(path)
    if refused != errno.ECONNREFUSED:
        raise OSError(errno.EADDRINUSE, f"cannot listen on {path!r}: a server listens there already")
    os.unlink(path)  # noqa: PTH108


def inherited_sockets(fds: Iterable[int]) -> list[socket.socket]:
    """
    Adopt stream sockets that this process inherited.

    Raises:
        ValueError: a descriptor is not open, or not of a stream socket; the message names it, and all stay open.
    """
    adopted: list[socket.socket] = []
    try:
        for fd in fds:
            adopted.append(_inherited_socket(fd))
    except ValueError:
        for sock in adopted:
            sock.detach()
        raise
    return adopted


def _inherited_socket(fd: int) -> socket.socket:
    try:
        is_socket = stat.S_ISSOCK(os.fstat(fd).st_mode)
    except (OSError, OverflowError, TypeError) as error:
        raise ValueError(f"descriptor {fd!r} is not open: pass a listening socket") from error
    if not is_socket:
        raise ValueError(f"descriptor {fd} is no socket: pass a listening one")
    sock = socket.socket(fileno=fd)
    if sock.type != socket.SOCK_STREAM:
        sock.detach()
        raise ValueError(f"descriptor {fd} is no stream socket: pass a listening one")
    os.set_inheritable(fd, False)
    return sock


def inherited_descriptors() -> list[int]:
    """
    Return the descriptors that systemd, or another that speaks its protocol, has passed to this very process.

    ``LISTEN_FDS`` counts only where ``LISTEN_PID`` is this process; both are taken out of the environment, so that
    no child believes they are its own.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    return list(range(_FIRST_INHERITED, _FIRST_INHERITED + int(count)))


def remove_path(path: str, inode: tuple[int, int]) -> None:
    """Remove the file of a listener that closes, unless another has taken its place."""
    with suppress(OSError):
        if path_inode(path) == inode:
            os.unlink(path)  # noqa: PTH108


def path_inode(path: str) -> tuple[int, int]:
    """Return what tells this file from another that takes its place."""
    status = os.stat(path)  # noqa: PTH116
    return status.st_dev, status.st_ino


def shown(address: Any) -> str:
    """Return an address as one writes it: ``host:port``, ``[host]:port``, or a path."""
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return os.fsdecode(address or "")


def _cannot_listen(error: OSError, where: str) -> OSError:
    return OSError(error.errno, f"cannot listen on {where}: {os.strerror(error.errno or 0)}")
