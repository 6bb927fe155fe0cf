"""The demo: what it prints and how it ends, when all is well and when it is not."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import asynchat_core
import servers
from servers import Failure, Launcher, Server

DEMO = Path(servers.__file__).parent


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Run the demo with the given arguments and return its exit status."""

    def run(*arguments: str) -> object:
        monkeypatch.setattr(sys, "argv", ["tests/demo", *arguments])
        # What the environment asks of a terminal is not what is tested.
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        monkeypatch.setenv("COLUMNS", "120")
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(DEMO), run_name="__main__")
        return end.value.code

    return run


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Server]:
    """Make an example of a text and start it, with little patience."""
    monkeypatch.setattr(servers, "EXAMPLES", tmp_path)
    monkeypatch.setattr(servers, "PATIENCE", 1.0)

    def start(text: str) -> Server:
        (tmp_path / "example.py").write_text(text)
        return Server(Launcher(servers.STDLIB), "example.py")

    return start


def test_all_is_well(demo: Callable[..., object], launcher: Launcher, capsys: pytest.CaptureFixture[str]) -> None:
    """The demo talks to each program on the backend that is named, says so in a table, and ends with status 0."""
    assert 0 == demo("--backend", launcher.name)
    output = capsys.readouterr().out
    assert "the copy is right" in output
    assert 5 == output[output.index("┏") :].count("ok")
    assert output.endswith("All is well.\n")


def test_an_unknown_backend_is_a_usage_error(demo: Callable[..., object], capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is no backend ends the demo with status 2 and a line that lists the names."""
    assert 2 == demo("--backend", "nope")
    assert "invalid choice: 'nope' (choose from 'selectors'" in capsys.readouterr().err


def test_a_backend_that_is_not_installed_is_a_failure(
    demo: Callable[..., object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backend of ours that is missing ends the demo with status 1; the demo says what to install."""
    monkeypatch.setattr(asynchat_core, "installed_backends", list)
    assert 1 == demo("--backend", "uvloop")
    output = capsys.readouterr().out
    assert "not installed: pip install 'asynchat-core[uvloop]'" in output
    assert "All is well" not in output


def test_a_program_that_fails_is_a_failure(
    demo: Callable[..., object], program: Callable[[str], Server], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Programs that do not work end the demo with status 1, what they said is shown, and the others are still tried."""
    (tmp_path / "chat_room.py").write_text("print('I am out of order')")
    assert 1 == demo("--backend", servers.STDLIB)
    output = capsys.readouterr().out
    assert "I am out of order" in output
    assert 5 == output[output.index("┏") :].count("FAILED")


# A server in three lines: it waits for SIGTERM, however early that comes, and does nothing of its own about it.
SERVES = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("hello")
print("listening on 127.0.0.1:1")
signal.sigwait([signal.SIGTERM])
"""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("print('hello')", "never said that it listens"),
        ("import time; print('hello'); time.sleep(60)", "never said that it listens"),
        (SERVES + "raise SystemExit(3)", "ended with status 3"),
        (SERVES + "print('Traceback (most recent call last):')", "said 'Traceback'"),
        (SERVES + "signal.sigwait([signal.SIGINT])", "did not end within 1 s of SIGTERM"),
    ],
)
def test_a_server_that_misbehaves_is_reported(program: Callable[[str], Server], text: str, complaint: str) -> None:
    """A server that does not start, hangs or ends badly is a failure that tells what the server said."""
    with pytest.raises(Failure, match=complaint) as failure, program(text) as server:
        assert 1 == server.address[1]
    assert "    hello" in str(failure.value).splitlines()


def test_a_failure_tells_what_the_server_said(program: Callable[[str], Server]) -> None:
    """An error of a client carries the output of the server it talked to."""
    with pytest.raises(ValueError, match="wrong answer") as error, program(SERVES):
        raise ValueError("wrong answer")
    assert "    listening on 127.0.0.1:1" in error.value.__notes__[0].splitlines()


def test_a_client_that_hangs_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that does not end is ended, and what it said is told."""
    monkeypatch.setattr(servers, "PATIENCE", 1.0)
    with pytest.raises(Failure, match="did not end within 1 s; it said:\nhello"):
        servers.execute([sys.executable, "-uc", "print('hello'); import time; time.sleep(60)"])
