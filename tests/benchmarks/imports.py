"""What an import costs, in processes of its own, above that of starting Python."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from statistics import median

from goals import Goal

NAME = "import"
GOALS = (Goal("cpu", 0.015, ("asynchat_core",), ""),)
_MODULES = {
    "pyasynchat": "asynchat",
    "asynchat_core": "asynchat_core",
    "selectors": "asynchat_selectors",
    "uvloop": "asynchat_uvloop",
    "asyncore": "asynchat_asyncore",
    "asyncio": "asyncio",
    "Twisted": "twisted.internet.protocol",
    "Tornado": "tornado.iostream",
    "trio": "trio",
    "gevent": "gevent",
}


def measure(rounds: int) -> Iterator[tuple[str, list[float]]]:
    """Yield for each candidate here its processor seconds above bare Python's; compiled beforehand, interleaved."""
    here = {name: module for name, module in _MODULES.items() if find_spec(module.partition(".")[0])}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "PYTHONWARNINGS": "ignore"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        times: dict[str, list[float]] = {}
        for _ in range(rounds + 1):
            for name, module in {"": "", **here}.items():
                times.setdefault(name, []).append(_import(module, environment))
    # The first compiled them.
    bare = median(times[""][1:])
    for name in here:
        yield name, [seconds - bare for seconds in times[name][1:]]


def _import(name: str, environment: dict[str, str]) -> float:
    before = _children()
    subprocess.run([sys.executable, "-c", f"import {name}" if name else "pass"], env=environment, check=True)
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
