"""Runs one program on one backend with one Python, and judges what its tests said."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from expectations import Difference, judge
from programs import INSIDE, Program
from running import Ended, execute
from venvs import REFERENCE, Unavailable, Venvs, standard_library


class Job(NamedTuple):
    """One cell of the matrix, to be run."""

    program: Program
    backend: str
    python: str


def run(job: Job, venvs: Venvs, folder: Path, differences: list[Difference]) -> dict[str, Any]:
    """
    Run a job.

    Args:
        job: what to run.
        venvs: where to run it.
        folder: for its files.
        differences: all that is known to differ.

    Returns:
        The result as it goes into the report.
    """
    try:
        python = venvs.python(job.python, job.program.requirements)
        suite = list(job.program.suite)
        if job.program.source:
            suite.insert(1, str(venvs.source(python, job.program.source) / "tests"))
        outcomes, texts, seconds = run_suite(python, job, folder, suite)
        first = outcomes
        for _ in range(1, job.program.tries):
            if "failed" in outcomes.values():
                again, said, more = run_suite(python, job, folder, suite)
                outcomes |= {
                    test: again.get(test, "failed") for test, outcome in outcomes.items() if outcome == "failed"
                }
                texts, seconds = texts | said, seconds + more
    except Unavailable as error:
        first = outcomes = {"environment": "failed"}
        texts, seconds = {"environment": str(error)}, 0.0
    applying = [one for one in differences if one.applies(job.program.name, job.backend, job.python)]
    failed, known, passed = judge(outcomes, applying)
    failures = {test: texts.get(test, "") for test in failed}
    failures.update((test, "passes, but expectations.toml says that it fails") for test in passed)
    return {
        "program": job.program.name,
        "backend": job.backend,
        "python": job.python,
        "seconds": round(seconds, 1),
        "passed": sum(outcome == "passed" for outcome in outcomes.values()),
        "skipped": sum(outcome == "skipped" for outcome in outcomes.values()),
        "known": known,
        "retried": [test for test, outcome in first.items() if outcome == "failed" != outcomes[test]],
        "failures": failures,
        "ok": not failures,
    }


def run_suite(
    python: Path, job: Job, folder: Path, suite: Sequence[str], without: Sequence[str] = ()
) -> tuple[dict[str, str], dict[str, str], float]:
    """
    Run a program's tests.

    Args:
        python: the interpreter that has the program and the backend.
        job: what to run; its Python is that interpreter's version.
        folder: for its files.
        suite: the script that runs them, and its arguments after the report.
        without: patterns of tests not to run.

    Returns:
        The outcome of each test, what those said that failed, and the seconds it took.
    """
    work = Path(tempfile.mkdtemp(dir=folder))
    report = work / "report"
    command = [str(python), "-W", "ignore", "-m", "asynchat_core", "run", "--backend", job.backend]
    command += [str(INSIDE / suite[0]), str(report), *suite[1:]]
    if suite[1] == "reference":
        command += ["--stdlib", str(standard_library(REFERENCE))]
    if without:
        command += ["--without", *without]
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    env |= {"PYTHONDONTWRITEBYTECODE": "1", "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    ended = execute(command, cwd=work, env=env, deadline=job.program.deadline)
    outcomes, texts = _read(report, ended, job.program.deadline)
    return outcomes, texts, ended.seconds


def _read(report: Path, ended: Ended, deadline: float) -> tuple[dict[str, str], dict[str, str]]:
    outcomes: dict[str, str] = {}
    texts: dict[str, str] = {}
    for line in report.read_text(encoding="utf-8").splitlines() if report.exists() else ():
        test, outcome, text = json.loads(line)
        # A test that failed in a part of it, or in its clean-up, has failed.
        if outcomes.get(test) != "failed":
            outcomes[test] = outcome
            texts[test] = text
    for test, outcome in outcomes.items():
        if outcome == "started":
            outcomes[test] = "failed"
            texts[test] = f"never ended\n{ended.output}"
    if ended.status is None:
        outcomes["deadline"], texts["deadline"] = "failed", f"not done after {deadline:.0f} s\n{ended.output}"
    elif ended.status or not outcomes:
        outcomes["process"], texts["process"] = "failed", f"ended with status {ended.status}\n{ended.output}"
    return outcomes, texts
