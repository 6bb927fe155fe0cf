"""One server in a process of its own, and what the kernel says of that process."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import IO, NamedTuple, Self

_SERVERS = Path(__file__).parent / "servers"
# Seconds for a server to say its port, and to end.
_PATIENCE = 15.0
_TICK = os.sysconf("SC_CLK_TCK")


class ServerGone(Exception):
    """The server did not start, or has ended; the text has the last that it said."""


class Candidate(NamedTuple):
    """A server: its name, its file in servers/, the modules it needs, and our module where it is ours."""

    name: str
    file: str
    needs: tuple[str, ...]
    ours: str | None = None

    @property
    def missing(self) -> list[str]:
        """The modules that are not installed."""
        return [module for module in self.needs if find_spec(module) is None]


CANDIDATES = {
    candidate.name: candidate
    for candidate in (
        Candidate("selectors", "selectors_lines.py", ("asynchat_selectors",), "asynchat_selectors"),
        Candidate("uvloop", "uvloop_lines.py", ("asynchat_uvloop", "uvloop"), "asynchat_uvloop"),
        Candidate("asyncio-streams", "asyncio_lines.py", ()),
        Candidate("twisted", "twisted_lines.py", ("twisted",)),
        Candidate("pyasynchat", "pyasynchat_lines.py", ("asyncore", "asynchat")),
    )
}


class Server:
    """
    A context manager: on entry the server listens, on exit its process has ended.

    Args:
        candidate: which.
        descriptors: its limit of open files, as ``ulimit -n`` sets it; None for the hard limit.
        limits: defaults of our async_chat to change, by name; of no meaning for others.
        deadline: seconds after which it is ended, so that no probe hangs on it.
    """

    port: int

    def __init__(
        self,
        candidate: Candidate,
        descriptors: int | None = None,
        limits: dict[str, float] | None = None,
        deadline: float = 60.0,
    ) -> None:
        self.candidate = candidate
        self._descriptors = descriptors or resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self._limits = limits or {}
        self._timer = threading.Timer(deadline, self.kill)
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed on exit

    def _command(self) -> list[str]:
        path = str(_SERVERS / self.candidate.file)
        if not (self._limits and self.candidate.ours):
            return [sys.executable, "-P", path]
        lines = ["import runpy", f"from {self.candidate.ours} import async_chat"]
        lines += [f"async_chat.{name} = {value!r}" for name, value in self._limits.items()]
        return [sys.executable, "-c", "\n".join([*lines, f"runpy.run_path({path!r})"])]

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command(),
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=os.environ | {"PYTHONWARNINGS": "ignore::DeprecationWarning"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (self._descriptors,) * 2),
        )
        self.pid = self.process.pid
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.strip().isdigit():
            said = self.tail()
            self.__exit__()
            raise ServerGone(f"the {self.candidate.name} server did not start: {said}")
        self.port = int(line)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self.kill()
        self.process.wait(_PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()

    def terminate(self) -> None:
        """Send it SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    def tail(self) -> str:
        """Return the last line that it wrote to its standard error."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"

    def _status(self, field: str) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        raise ServerGone(f"the {self.candidate.name} server is gone: {self.tail()}")

    @property
    def memory(self) -> float:
        """Its resident memory, in MiB."""
        return self._status("VmRSS")

    @property
    def peak(self) -> float:
        """The most of its resident memory since ``forget_peak()``, in MiB."""
        return self._status("VmHWM")

    def forget_peak(self) -> float:
        """Begin to look for the peak anew; return the memory of now, in MiB."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self.memory

    @property
    def cpu(self) -> float:
        """The seconds of processor that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    @property
    def open_files(self) -> int:
        """How many descriptors it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
