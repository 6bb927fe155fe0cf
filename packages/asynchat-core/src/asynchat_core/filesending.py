"""Let the kernel send a file to a socket, without the bytes passing through Python."""

from __future__ import annotations

import io
import os
import socket
from errno import EINVAL, ENOSYS, ENOTSOCK, EOPNOTSUPP, EOVERFLOW
from typing import Any

# What a kernel says of a file or a socket that its sendfile does not take.
_CANNOT = frozenset({EINVAL, ENOSYS, ENOTSOCK, EOPNOTSUPP, EOVERFLOW})


def send_file(sock: socket.socket, file: Any, offset: int, count: int) -> int:
    """
    Send of a file by ``os.sendfile``.

    Args:
        sock: a plain stream socket, non-blocking.
        file: opened in binary mode; its position stays.
        offset: where to begin, in bytes.
        count: bytes at the most; not 0.

    Returns:
        How many bytes were taken, 0 at the end of the file.

    Raises:
        BlockingIOError: the socket has no room.
        NotImplementedError: the system has no sendfile, or it cannot send this; read the file instead.
        OSError: as the system says.
    """
    if not hasattr(os, "sendfile") or not _is_of_the_system(file) or sock.type != socket.SOCK_STREAM:
        raise NotImplementedError
    try:
        return os.sendfile(sock.fileno(), file.fileno(), offset, count)
    except OverflowError:
        raise NotImplementedError from None
    except OSError as error:
        if error.errno in _CANNOT:
            raise NotImplementedError from None
        raise


def _is_of_the_system(file: Any) -> bool:
    """Whether a file's bytes are those of its descriptor; that of GzipFile and others holds something else."""
    raw = file.raw if isinstance(file, (io.BufferedReader, io.BufferedRandom)) else file
    return isinstance(raw, io.FileIO)
