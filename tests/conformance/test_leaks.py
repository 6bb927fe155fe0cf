"""What a check leaves behind is found, and told of the check that left it; what the command refuses."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from asynchat_conformance import Backend, Level, load_suite
from asynchat_conformance._adapter import load_adapter
from asynchat_conformance._registry import LEAK_RULES, Check
from asynchat_conformance._rig import Rig
from asynchat_conformance._run import run_check, warm_up

_KEPT: list[Any] = []


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A sound backend; what the checks kept is released."""
    sound = load_adapter("selectors")
    warm_up(sound)
    yield sound
    for kept in _KEPT:
        if hasattr(kept, "close"):
            kept.close()
    _KEPT.clear()


def _leaks(backend: Backend, body: Any) -> dict[str, str]:
    return run_check(Check("FRM-001", Level.MUST, "A rule.", body), backend, 0).leaks


def _keep_a_descriptor(rig: Rig) -> None:
    ours, theirs = socket.socketpair()
    _KEPT.extend((ours, theirs))


def _keep_a_thread(rig: Rig) -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    _KEPT.append(ExitStack())
    _KEPT[-1].callback(thread.join)
    _KEPT[-1].callback(end.set)


def _keep_in_the_default_map(rig: Rig) -> None:
    channel = rig.chat()
    rig.backend.socket_map[-1] = channel
    _KEPT.append(ExitStack())
    _KEPT[-1].callback(rig.backend.socket_map.pop, -1)


def _drop_a_socket(rig: Rig) -> None:
    socket.socket()


def _keep_a_channel(rig: Rig) -> None:
    _KEPT.append(rig.chat())


@pytest.mark.parametrize(
    ("id", "body"),
    [
        ("LEK-001", _keep_a_descriptor),
        ("LEK-003", _keep_in_the_default_map),
        ("LEK-004", _keep_a_thread),
        ("LEK-005", _drop_a_socket),
        ("LEK-006", _keep_a_channel),
    ],
)
def test_a_leak_is_found(backend: Backend, id: str, body: Any) -> None:
    """Each kind of leak breaks its rule."""
    assert id in _leaks(backend, body)


def test_a_map_that_is_not_emptied_is_found(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A close_map that leaves channels in the map breaks LEK-002."""

    def close_sockets(map: Any) -> None:
        for channel in map.values():
            channel.socket.close()
        _KEPT.append(map)

    monkeypatch.setattr(backend, "close_map", close_sockets)

    assert "1 channels" in _leaks(backend, lambda rig: rig.chat())["LEK-002"]


def test_a_clean_check_leaks_nothing(backend: Backend) -> None:
    """A check that makes a channel and uses it is charged with nothing."""
    assert not _leaks(backend, lambda rig: rig.feed(rig.chat(), b"a\n"))


_ADAPTERS = """
import os
from asynchat_selectors.conformance import Selectors

class Sound(Selectors):
    expected_failures = {"LEK-001": "a reason"}

class Leaking(Selectors):
    expected_failures = {}
    def new_map(self):
        os.dup(0)
        return super().new_map()

class Declared(Leaking):
    expected_failures = {"LEK-001": "a reason"}
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command where adapters are that leak."""
    (tmp_path / "mine.py").write_text(_ADAPTERS)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "asynchat_conformance", *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    return call


def test_a_leak_is_a_failure_that_names_its_check(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """A leak ends in status 1, and the command that repeats it runs the check that leaked."""
    done = run("mine:Leaking", "--only", "FRM-001,FRM-002")

    assert done.returncode == 1
    assert "repeat    python -m asynchat_conformance mine:Leaking --only FRM-001,FRM-002" in done.stdout


def test_a_leak_may_be_declared(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """A declared leak is an expected failure."""
    done = run("mine:Declared", "--only", "FRM-001")

    assert done.returncode == 0
    assert re.search(r"LEK-001 +xfail", done.stdout)


def test_a_few_checks_do_not_disprove_a_declared_leak(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """A declared leak that does not show in some checks is no unexpected pass; others may leak."""
    assert run("mine:Sound", "--only", "FRM-001").returncode == 0


def test_a_rule_about_leaks_stands_for_all_checks() -> None:
    """--only LEK-001 selects every check, since any of them may leak."""
    registry = load_suite()

    assert {check.id for check in registry.select(["LEK-001"])} == set(registry.checks)


def test_the_list_has_the_rules_about_leaks(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """--list names them."""
    listed = run("--list").stdout

    assert all(f"\n{id}  " in listed for id in LEAK_RULES)


@pytest.mark.parametrize("arguments", [("--repeat", "0"), ("--report", "no/such/folder/r.json")])
def test_an_option_without_sense_is_refused_before_the_run(
    run: Callable[..., subprocess.CompletedProcess[str]], arguments: tuple[str, str]
) -> None:
    """A number of times below one, or a file that cannot be written, ends in status 2 and names the value."""
    done = run("mine:Sound", "--only", "FRM-001", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert arguments[1] in done.stderr.splitlines()[-1]


@pytest.mark.timeout(120)
def test_the_references_faults_are_declared(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """With poll2 the reference has faults of its own, all of them declared; it is known by its short name."""
    done = run("reference-poll", "--level", "should")

    assert done.returncode == 0, done.stdout + done.stderr
