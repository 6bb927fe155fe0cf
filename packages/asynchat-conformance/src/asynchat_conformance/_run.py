"""Run one check in this process: the verdict, what was seen, and what it left behind."""

from __future__ import annotations

import sys
import threading
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ._adapter import Backend
from ._registry import Check
from ._rig import Mismatch, Rig


@dataclass
class Verdict:
    """What became of a check: ``pass``, ``fail`` or ``n/a``."""

    id: str
    status: str
    message: str = ""
    expected: str = ""
    actual: str = ""
    trace: list[str] = field(default_factory=list)
    #: Ids of the rules about leaks that were broken, each with what leaked.
    leaks: dict[str, str] = field(default_factory=dict)


def warm_up(backend: Backend) -> None:
    """Let a loop open what it opens once for the process, so that no check is charged with it."""
    rig = Rig(backend)
    channel = rig.chat(b"\n")
    rig.feed(channel, b"warm\n")
    if backend.call_later is not None:
        backend.call_later(0, int, map=rig.map)
        rig.settle()
    rig.close()


def run_check(check: Check, backend: Backend, seed: int) -> Verdict:
    """Run one check in a world of its own."""
    for need in check.needs:
        reason = backend.has(need)
        if reason is not None:
            return Verdict(check.id, "n/a", reason)
    before = _Census(backend)
    strays: list[str] = []
    with warnings.catch_warnings(), _Strays(strays):
        warnings.simplefilter("error", ResourceWarning)
        verdict, survivors = _try(check, backend, seed)
    verdict.leaks.update(before.leaks(_Census(backend)))
    if strays:
        verdict.leaks["LEK-005"] = "; ".join(strays)
    if survivors and verdict.status == "pass":
        verdict.leaks["LEK-006"] = f"{survivors} channels are still alive"
    return verdict


def _try(check: Check, backend: Backend, seed: int) -> tuple[Verdict, int]:
    rig = Rig(backend, seed)
    verdict = Verdict(check.id, "pass")
    try:
        check.body(rig)
    except Mismatch as error:
        verdict = Verdict(check.id, "fail", "the trace differs", _show(error.expected), _show(error.actual))
    except AssertionError as error:
        verdict = Verdict(check.id, "fail", _place(error))
    except Exception as error:
        verdict = Verdict(check.id, "fail", f"{type(error).__name__}: {_place(error)}")
    verdict.trace = [_show(trace) for trace in map(rig.trace, rig._live())] if verdict.status == "fail" else []
    try:
        rig.close()
        if len(rig.map):
            verdict.leaks["LEK-002"] = f"{len(rig.map)} channels are in the map after it was closed"
    except Exception as error:
        verdict.leaks["LEK-002"] = f"closing the map raised {error!r}"
    return verdict, rig.survivors()


def _place(error: BaseException) -> str:
    """Return the message of an exception, or else the line that raised it."""
    if str(error):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.line} (line {frame.lineno} of {Path(frame.filename).name})"


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 2000 else f"{text[:1000]} ... {text[-500:]}"


class _Census:
    """What a process has at one moment."""

    def __init__(self, backend: Backend) -> None:
        self.descriptors = _descriptors()
        self.threads = set(threading.enumerate())
        self.default_map = 0 if backend.socket_map is None else len(backend.socket_map)

    def leaks(self, after: _Census) -> dict[str, str]:
        found = {}
        new = after.descriptors - self.descriptors
        if new:
            found["LEK-001"] = f"descriptors {', '.join(sorted(new))} are still open"
        if after.default_map != self.default_map:
            found["LEK-003"] = f"{after.default_map} channels in the default map, before there were {self.default_map}"
        threads = after.threads - self.threads
        if threads:
            found["LEK-004"] = f"threads {', '.join(thread.name for thread in threads)} still run"
        return found


def _descriptors() -> set[str]:
    """Return the open descriptors, each with what it is where the system tells."""
    folder = Path("/proc/self/fd")
    found = set()
    for link in (folder if folder.is_dir() else Path("/dev/fd")).iterdir():
        try:
            found.add(f"{link.name} ({link.readlink()})")
        except OSError:
            # The descriptor of the listing itself, or no links here.
            pass
    return found


class _Strays:
    """Exceptions that ended nowhere: in a finalizer, or in a thread."""

    def __init__(self, strays: list[str]) -> None:
        self._strays = strays

    def __enter__(self) -> None:
        self._before = sys.unraisablehook, threading.excepthook
        sys.unraisablehook = lambda args: self._strays.append(f"{args.exc_value!r} in {args.object!r}")
        threading.excepthook = lambda args: self._strays.append(f"{args.exc_value!r} in {args.thread!r}")

    def __exit__(self, *exception: object) -> None:
        sys.unraisablehook, threading.excepthook = self._before
