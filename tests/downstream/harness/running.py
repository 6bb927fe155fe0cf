"""Runs a command to its end or its deadline, and leaves none of its processes behind."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# Seconds that a command has to end after it was asked to, at its deadline.
_GRACE = 2.0


class Ended(NamedTuple):
    """How a command ended: its status, None at the deadline; both its streams; how long it took, in seconds."""

    status: int | None
    output: str
    seconds: float


def execute(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, deadline: float
) -> Ended:
    """
    Run ``command`` in a process group of its own.

    Args:
        command: the program and its arguments.
        cwd: where to run it.
        env: its environment; None for ours.
        deadline: seconds; what runs longer is ended, its children too.
    """
    begun = time.monotonic()
    # A file: a child that outlives the command must not keep us reading its pipe.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(deadline)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
        output.seek(0)
        text = output.read().decode(errors="backslashreplace")
    return Ended(status, text, time.monotonic() - begun)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the process's group."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signum)
        except ProcessLookupError:
            break
        if process.returncode is None:
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                pass
    process.wait()
