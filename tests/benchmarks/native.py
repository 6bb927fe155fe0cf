"""What is not Python: the server and the load in C, compiled on the spot, and redis."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent


@cache
def compiled(name: str) -> str | None:
    """Return the path of ``name``.c as a program; None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    # It lasts as long as this process.
    program = Path(_folder().name) / name
    subprocess.run([compiler, "-O2", "-o", program, _HERE / f"{name}.c"], check=True)
    return str(program)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="asynchat-bench-")


def redis_command() -> tuple[list[str], int]:
    """Return how to start redis-server, and its port: it cannot choose a free one by itself."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    options = {"bind": "127.0.0.1", "port": str(port), "save": "", "appendonly": "no", "maxclients": "12000"}
    return ["redis-server", *(word for name, value in options.items() for word in (f"--{name}", value))], port


def redis_texts(payload: bytes) -> tuple[bytes, bytes]:
    """Return the request that redis echoes, and its reply."""
    bulk = b"$%d\r\n%b\r\n" % (len(payload), payload)
    return b"*2\r\n$4\r\nECHO\r\n" + bulk, bulk
