"""One run of one candidate: a server and a load, each on a processor of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import native
from sockets import Workload

_HERE = Path(__file__).parent
_TICK = os.sysconf("SC_CLK_TCK")
_MIB = 1 << 20
# Seconds after which a run is given up; so many times that for those known to be slow.
_PATIENCE = 60
_SLOW = 5


class Failed(Exception):
    """A run that came to no figures; the text says why, in a few words."""


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    pid: int
    port: int

    def cpu(self) -> float:
        """Return the processor seconds of all its threads; nanoseconds where the kernel tells them."""
        try:
            tasks = Path(f"/proc/{self.pid}/task").iterdir()
            return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
        except (OSError, ValueError):
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / _TICK

    def memory(self, field: str) -> float:
        """Return a field of its status in bytes: VmRSS, what it has now, or VmHWM, the most it had."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        return 0.0

    def rest(self, patience: float) -> None:
        """Wait until it has used no processor time for a twentieth of a second."""
        end = time.monotonic() + patience
        before = -1.0
        while (now := self.cpu()) != before and time.monotonic() < end:
            before = now
            time.sleep(0.05)


def run(workload: Workload, candidate: str) -> dict[str, float]:
    """
    Run a candidate once and return its figures.

    Returns:
        ``cpu``, seconds a message; ``rate``, messages a second; ``memory``, MiB above what it had before the load;
        where there are idle connections ``idle``, KiB for each; where the reader slept ``MB/s`` of the rest.

    Raises:
        Failed: the server or the load did.
    """
    patience = _PATIENCE * (_SLOW if candidate in workload.slow else 1)
    with (
        _server(workload, candidate) as server,
        _load(workload, candidate, server.port) as load,
        _watch(load, patience),
    ):
        before = server.memory("VmRSS")
        _expect(load, "ready")
        # What the connections cost is not part of the messages.
        server.rest(patience)
        begin = server.cpu()
        cpu = 0.0
        _go(load)
        if workload.kind == "swallow" and workload.numbers[1]:
            _expect(load, "asleep")
            server.rest(patience)
            cpu = server.cpu() - begin
            _go(load)
        seconds, drain = map(float, _expect(load).split())
        cpu = cpu or server.cpu() - begin
        figures = {"cpu": cpu / workload.messages, "rate": workload.messages / seconds}
        figures["memory"] = max(0.0, server.memory("VmHWM") - before) / _MIB
        if workload.group == "idle":
            figures["idle"] = (server.memory("VmRSS") - before) / workload.connections / 1024
        if drain:
            figures["MB/s"] = workload.numbers[0] / drain / 1e6
        return figures


@contextmanager
def _server(workload: Workload, candidate: str) -> Iterator[Server]:
    port = 0
    if candidate == "redis":
        command, port = native.redis_command()
    elif candidate == "C":
        command = [str(native.compiled("server")), workload.server]
    else:
        command = [sys.executable, str(_HERE / "server.py"), candidate, workload.server, str(workload.connections)]
    with _process(command, 0) as process:
        assert process.stdout is not None
        if port:
            while b"Ready to accept" not in _expect_line(process):
                pass
        yield Server(process.pid, port or int(_expect_line(process)))


@contextmanager
def _load(workload: Workload, candidate: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    request, reply = workload.request, workload.reply
    if candidate == "redis":
        times = len(request) // 64
        request, reply = (text * times for text in native.redis_texts(request[:64]))
    numbers = [port, *workload.numbers, len(request), len(reply)]
    program = native.compiled("load")
    command = [program] if program else [sys.executable, str(_HERE / "load.py")]
    with _process([*command, workload.kind, *map(str, numbers)], -1) as process:
        assert process.stdin is not None
        process.stdin.write(request + reply)
        process.stdin.flush()
        yield process


@contextmanager
def _process(command: list[str], processor: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program on the first (0) or the last (-1) processor there is, and end it."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        os.sched_setaffinity(process.pid, {sorted(os.sched_getaffinity(0))[processor]})
        try:
            yield process
        except (EOFError, BrokenPipeError):
            process.kill()
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
            if not said:
                raise
            raise Failed(said[-1][:100]) from None
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                try:
                    stream.close()  # type: ignore[union-attr]
                except BrokenPipeError:
                    pass


@contextmanager
def _watch(process: subprocess.Popen[bytes], patience: float) -> Iterator[None]:
    """Kill a process that takes too long."""
    timer = threading.Timer(patience, process.kill)
    timer.start()
    try:
        yield
    except (EOFError, BrokenPipeError):
        if timer.finished.is_set():
            raise Failed(f"not done in {patience} s") from None
        raise
    finally:
        timer.cancel()


def _expect_line(process: subprocess.Popen[bytes]) -> bytes:
    line: bytes = process.stdout.readline()  # type: ignore[union-attr]
    if not line:
        raise EOFError
    return line


def _expect(process: subprocess.Popen[bytes], word: str = "") -> str:
    line = _expect_line(process).decode().strip()
    if word and line != word:
        raise Failed(f"{line!r} in place of {word!r}")
    return line


def _go(process: subprocess.Popen[bytes]) -> None:
    process.stdin.write(b"\n")  # type: ignore[union-attr]
    process.stdin.flush()  # type: ignore[union-attr]
