"""Run the suite on a backend: a process of its own, watched, and replaced when it hangs or dies."""

from __future__ import annotations

import json
import os
import platform
import random
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from ._adapter import Backend, BadAdapter, load_adapter, version_of
from ._registry import LEAK_RULES, REGISTRY, Check, Level

# Seconds that one check may take before its process is ended.
_LONGEST = 60.0


@dataclass
class Result:
    """One cell of the matrix: pass, fail, xfail, xpass, n/a or untested."""

    id: str
    level: str
    rule: str
    status: str
    message: str = ""
    expected: str = ""
    actual: str = ""
    trace: list[str] = field(default_factory=list)
    #: The checks to run to see it again: itself, or those that leaked.
    culprits: list[str] = field(default_factory=list)


@dataclass
class Run:
    """The suite's results on one backend."""

    spec: str
    name: str
    version: str
    python: str
    platform: str
    seed: int
    results: dict[str, Result]

    def counts(self, level: Level) -> tuple[int, int]:
        """Return how many checks of a level passed, of how many that apply."""
        cells = [cell for cell in self.results.values() if cell.level == level.value]
        applying = [cell for cell in cells if cell.status not in ("n/a", "untested")]
        return sum(cell.status == "pass" for cell in applying), len(applying)

    def command(self, cell: Result) -> str:
        """Return the command that repeats what led to a cell."""
        only = ",".join(cell.culprits or [cell.id])
        seed = f" --seed {self.seed}" if self.seed else ""
        return f"python -m {__package__} {self.spec} --only {only}{seed}"

    def failed(self, levels: tuple[Level, ...]) -> list[Result]:
        """Return the failures that count: those of the levels, and expected failures of any that passed."""
        names = {level.value for level in levels}
        return [
            cell
            for cell in self.results.values()
            if cell.status == "xpass" or (cell.status == "fail" and cell.level in names)
        ]


def run_backend(
    spec: str,
    checks: list[Check],
    *,
    seed: int = 0,
    patience: float = 3.0,
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> Run:
    """
    Run checks on the backend that ``spec`` names.

    Args:
        spec: an entry point's name or ``module:attribute``.
        checks: what to run.
        seed: other than 0, the order is shuffled by it; random checks use it in any case.
        patience: seconds without progress after which a check has failed.
        progress: called with the checks done, those in all, and the id of the current one.

    Raises:
        BadAdapter: the adapter cannot be used.
    """
    backend = load_adapter(spec)
    order = [check.id for check in checks]
    if seed:
        random.Random(seed).shuffle(order)
    verdicts: dict[str, dict[str, Any]] = {}
    while len(verdicts) < len(order):
        rest = [id for id in order if id not in verdicts]
        for message in _talk(spec, rest, {"seed": seed, "patience": patience}):
            if "broken" in message:
                raise BadAdapter(message["broken"])
            if "begin" in message:
                progress(len(verdicts), len(order), message["begin"])
            elif "verdict" in message:
                verdicts[message["verdict"]["id"]] = message["verdict"]
    results = {check.id: _judge(check, verdicts[check.id], backend) for check in checks}
    whole = set(verdicts) >= set(REGISTRY.checks)
    results.update(_judge_leaks(verdicts, backend, whole))
    if whole:
        for id, (rule, reason) in REGISTRY.untested.items():
            results[id] = Result(id, "untested", rule, "untested", reason)
    return Run(
        spec,
        backend.name,
        version_of(backend),
        platform.python_version(),
        f"{platform.python_implementation()} on {platform.system()}",
        seed,
        dict(sorted(results.items())),
    )


def _talk(spec: str, ids: list[str], options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a child process says; in the end, if it hangs or dies, a verdict on the check that it was at."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONOPTIMIZE", "PYTHONWARNINGS")}
    command = [sys.executable, "-m", f"{__package__}._child"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True)
    assert child.stdin is not None
    json.dump({"spec": spec, "ids": ids, **options}, child.stdin)
    child.stdin.close()
    at, fate, over = None, "the process died", False
    try:
        for line in _lines(child):
            if line is None:
                fate = f"no end after {_LONGEST:.0f} s"
                break
            message = json.loads(line)
            at = message.get("begin")
            yield message
        else:
            over = True
    finally:
        if not over:
            child.kill()
        status = child.wait()
        assert child.stdout is not None
        child.stdout.close()
    if at is not None:
        died = f" with status {status}" if fate == "the process died" else ""
        yield {"verdict": {"id": at, "status": "fail", "message": fate + died}}
    elif status != 0 and ids:
        yield {"broken": f"the process of {spec!r} ended with status {status} before its first check"}


def _lines(child: subprocess.Popen[str]) -> Iterator[str | None]:
    """Yield the child's lines, and None when none comes for too long."""
    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        buffer = ""
        while True:
            if not selector.select(_LONGEST):
                yield None
                return
            data = os.read(child.stdout.fileno(), 65536).decode()
            if not data:
                return
            *lines, buffer = (buffer + data).split("\n")
            yield from lines


def _judge(check: Check, verdict: dict[str, Any], backend: Backend) -> Result:
    fields = {key: verdict.get(key, "") for key in ("message", "expected", "actual")}
    status, reason = verdict["status"], backend.expected_failures.get(check.id)
    if reason is not None and status == "fail":
        status = "xfail"
        fields["message"] = f"{reason} ({fields['message']})"
    elif reason is not None and status == "pass":
        status = "xpass"
        fields["message"] = f"it was expected to fail: {reason}"
    trace = verdict.get("trace", [])
    return Result(check.id, check.level.value, check.rule, status, **fields, trace=trace, culprits=[check.id])


def _judge_leaks(verdicts: dict[str, dict[str, Any]], backend: Backend, whole: bool) -> dict[str, Result]:
    results = {}
    for id, (level, rule) in LEAK_RULES.items():
        guilty = {name: verdict["leaks"][id] for name, verdict in verdicts.items() if id in verdict.get("leaks", {})}
        message = "; ".join(f"{name}: {what}" for name, what in guilty.items())
        status = "fail" if guilty else "pass"
        reason = backend.expected_failures.get(id)
        if reason is not None and guilty:
            status, message = "xfail", f"{reason} ({message})"
        elif reason is not None and whole:
            # A few checks alone need not be those that leak.
            status, message = "xpass", f"it was expected to fail: {reason}"
        results[id] = Result(id, level.value, rule, status, message, culprits=list(guilty))
    return results


def as_json(runs: list[Run], suite_version: str) -> dict[str, Any]:
    """Return runs as the report's JSON object."""
    return {"suite": suite_version, "backends": [asdict(run) for run in runs]}
