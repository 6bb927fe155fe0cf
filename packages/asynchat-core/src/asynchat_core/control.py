"""Show a running server to its own user: a Unix socket that answers with its counters."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .metering import Meter, Snapshot

if TYPE_CHECKING:
    from .readiness import ReadinessChat as _Mixin
else:
    _Mixin = object

_SNAPSHOT = b"snapshot"
# Seconds that a server has to answer.
_ANSWER_TIME = 5.0


class ControlChannel(_Mixin):
    """One who asks; each backend's is this over its async_chat."""

    meter: Meter
    max_frame_size: int | None = 256
    ac_in_buffer_size = 256
    idle_timeout: float | None = 60.0

    def __init__(self, sock: Any, map: Any = None) -> None:
        super().__init__(sock, map)
        self.set_terminator(b"\n")
        if not _same_user(sock):
            self.log_info("control connection of another user is refused", "error")
            self.close()

    def frame_received(self, frame: bytes) -> None:
        """Answer with a line of JSON."""
        if frame == _SNAPSHOT:
            self.push(json.dumps(self.meter.snapshot()).encode() + b"\n")
        else:
            self.push(b'{"error": "the one question is: snapshot"}\n')


def _same_user(sock: socket.socket) -> bool:
    """Whether the peer is our own user or root, where the system tells; the file's mode holds everywhere."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid in (os.geteuid(), 0)


def ask(path: str) -> Snapshot:
    """
    Return the counters of the server that listens on ``path``.

    Raises:
        OSError: nobody listens, or does not answer.
        ValueError: what answers is no such server.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_ANSWER_TIME)
        sock.connect(path)
        sock.sendall(_SNAPSHOT + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            piece = sock.recv(65536)
            if not piece:
                raise ConnectionAbortedError(f"{path!r} closed the connection")
            answer += piece
    snapshot = json.loads(answer)
    if not isinstance(snapshot, dict) or "channels" not in snapshot:
        raise ValueError(f"{path!r} is no control socket of a server")
    return snapshot


def control_path(address: str) -> str:
    """
    Return where the server on an address has its control socket, if it is asked to have one and not told where.

    Args:
        address: ``HOST:PORT``.

    Raises:
        PermissionError: the folder for it is another user's.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) if runtime else Path(f"/tmp/asynchat-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{str(folder)!r} is not a folder of this user alone: give the path of the socket")
    return str(folder / f"asynchat-{re.sub(r'[^A-Za-z0-9.]+', '-', address).strip('-')}.sock")


def find_controls(target: str) -> list[str]:
    """
    Return the control sockets that ``asynchat top TARGET`` means: that of a server, and those of its workers.

    Args:
        target: a path, or ``HOST:PORT``.

    Raises:
        FileNotFoundError: there is none.
    """
    is_address = "/" not in target and ":" in target and not Path(target).exists()
    path = Path(control_path(target) if is_address else target)
    found = [str(path)] if path.exists() else []
    found += sorted(str(worker) for worker in path.parent.glob(f"{path.name}.*"))
    if not found:
        raise FileNotFoundError(f"no server shows itself at {str(path)!r}: start it with asynchat serve --control")
    return found


def make_control_type(async_chat: Callable[..., Any], meter: Meter) -> type[Any]:
    """Return a backend's control channel for one meter."""
    return type("ControlChannel", (ControlChannel, async_chat), {"meter": meter})  # type: ignore[arg-type]
