"""What an import costs, in processes of its own, above that of starting Python."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from statistics import median

from goals import Goal

NAME = "import"
GOALS = (Goal("cpu", 0.015, ("asynchat_core",), ""),)
_MODULES = (
    "asynchat_core",
    "asynchat_selectors",
    "asynchat_uvloop",
    "asynchat",
    "asyncio",
    "twisted.internet.protocol",
    "tornado.iostream",
    "trio",
    "gevent",
)


def candidates() -> list[str]:
    """Return the modules that are installed."""
    return [name for name in _MODULES if find_spec(name.partition(".")[0])]


def measure(names: Iterable[str], rounds: int) -> Iterator[tuple[str, float]]:
    """Yield the median processor seconds above bare Python's, of each module; compiled beforehand, interleaved."""
    names = list(names)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "PYTHONWARNINGS": "ignore"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        times: dict[str, list[float]] = {}
        for _ in range(rounds + 1):
            for name in ("", *names):
                times.setdefault(name, []).append(_import(name, environment))
    # The first compiled them.
    bare = median(times[""][1:])
    for name in names:
        yield name, median(times[name][1:]) - bare


def _import(name: str, environment: dict[str, str]) -> float:
    before = _children()
    subprocess.run([sys.executable, "-c", f"import {name}" if name else "pass"], env=environment, check=True)
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
