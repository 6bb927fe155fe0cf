"""Starts the programs of docs/examples under a launcher and ends them: what the demo and the tests share."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"

# Seconds. Nothing here takes one; whatever takes this long hangs.
PATIENCE = 15.0

# The standard library's modules, and pyasynchat's, say at import that they are deprecated.
ENVIRONMENT = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore:The asyn:DeprecationWarning"}

STDLIB = "stdlib"


class Failure(Exception):
    """A program did not do what was expected of it; the text is for a person to read."""


class Launcher(NamedTuple):
    """A way to run a program: on a backend, or just as it is."""

    name: str

    def command(self, program: str, *arguments: str) -> list[str]:
        """Return the command line that runs ``program`` of docs/examples."""
        run = [] if self.name == STDLIB else ["-m", "asynchat_core", "run", "--backend", self.name]
        return [sys.executable, *run, str(EXAMPLES / program), *arguments]

    def title(self, program: str, *arguments: str) -> str:
        """Return the command line as a person would type it."""
        run = "python" if self.name == STDLIB else f"asynchat run --backend {self.name}"
        return " ".join([run, f"docs/examples/{program}", *arguments])

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program that ends by itself and return its exit status and output (both streams)."""
        return execute(self.command(program, *arguments), env=ENVIRONMENT)


def execute(
    command: list[str], *, text: str | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``command`` with ``text`` as its input and return it; one that hangs is ended and raises Failure."""
    try:
        return subprocess.run(
            command,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=PATIENCE,
            env=env,
        )
    except subprocess.TimeoutExpired as hang:
        output = (hang.stdout or b"").decode(errors="backslashreplace")
        raise Failure(f"{' '.join(command)} did not end within {PATIENCE:.0f} s; it said:\n{output}") from None


class Server:
    """A running example, from its ``listening on`` line to a clean end.

    A context manager: on entry ``address`` is known, on exit the program is told to stop and must obey with
    status 0 and without a traceback.
    """

    def __init__(self, launcher: Launcher, program: str, *arguments: str) -> None:
        self.title = launcher.title(program, *arguments)
        self.lines: list[str] = []
        self.address = ("", 0)
        self._ready = threading.Event()
        self._process = subprocess.Popen(
            launcher.command(program, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="backslashreplace",
            env=ENVIRONMENT,
        )
        # A thread reads, so that a server that says much never waits for us, nor we for one that says nothing.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            match = re.fullmatch(r"listening on (\S+):(\d+)\n", line)
            if match:
                self.address = (match[1], int(match[2]))
                self._ready.set()
        # The end of the output is the end of waiting, too.
        self._ready.set()

    @property
    def port(self) -> str:
        """The port as a command line takes it."""
        return str(self.address[1])

    def descriptors(self) -> int:
        """Return how many descriptors the program has open, where the system tells (0 elsewhere)."""
        folder = Path(f"/proc/{self._process.pid}/fd")
        return len(list(folder.iterdir())) if folder.exists() else 0

    def url(self, path: str = "/") -> str:
        """Return the address of ``path`` on this server, if it speaks HTTP."""
        return "http://{}:{}{}".format(*self.address, path)

    def __enter__(self) -> Self:
        if not self._ready.wait(PATIENCE) or not self.address[1]:
            self._end()
            raise self.failure("never said that it listens")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A failure inside the block is the one to report, with what the server has to say about it.
        try:
            self.stop()
        except Failure as failure:
            if error is None:
                raise
            error.add_note(str(failure))
        else:
            if error is not None:
                error.add_note(str(self.failure("was talked to")))

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> None:
        """End the program as a person or a service manager would, and check how it ended."""
        if self._process.poll() is None:
            self._process.send_signal(signum)
        status = self._end()
        if status is None:
            raise self.failure(f"did not end within {PATIENCE:.0f} s of {signum.name}")
        if status != 0:
            raise self.failure(f"ended with status {status}")
        self.check()

    def _end(self) -> int | None:
        """Wait for the end, with force if need be; return the exit status, None if force was needed."""
        try:
            status: int | None = self._process.wait(PATIENCE if self.address[1] else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            status = None
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status

    def check(self) -> None:
        """Raise Failure if the program reported an error of its own, such as one in a callback."""
        for sign in ("Traceback", "uncaptured python exception", "Warning:"):
            if any(sign in line for line in self.lines):
                raise self.failure(f"said {sign!r}")

    def failure(self, what: str) -> Failure:
        """Return the error that tells ``what`` happened and all that the program said."""
        said = "\n".join(f"    {line}" for line in self.lines[-40:]) or "    (nothing)"
        return Failure(f"{self.title} {what}; the end of its output:\n{said}")
