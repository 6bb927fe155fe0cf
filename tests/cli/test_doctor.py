"""The command ``asynchat doctor``: what an old program uses, and what to change in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from asynchat_core.cli import main

_OLD = """\
import asynchat, asyncore, socket


class Handler(asynchat.async_chat):
    def __init__(self, sock):
        asynchat.async_chat.__init__(self, conn=sock)
        self.set_terminator("\\r\\n")

    def writable(self):
        return True

    def handle_expt(self):
        pass

    def found_terminator(self):
        self.push("text")


class Special(Handler):
    def log_info(self, message, type):
        pass


asyncore.loop(30, True)
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A program with all that a doctor knows."""
    path = tmp_path / "old.py"
    path.write_text(_OLD)
    return path


def _lines(out: str) -> list[str]:
    return [line.partition(".py:")[2] for line in out.splitlines() if ".py:" in line]


def test_each_finding_has_its_line(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What breaks, what differs and what costs is said with its line and a fix."""
    assert main(["doctor", str(old)]) == 1

    found = _lines(capsys.readouterr().out)[1:]
    begins = [
        "1: change: asynchat left Python with 3.12",
        "1: change: asyncore left Python with 3.12",
        "6: change: the argument conn is of Python 2.5",
        "7: change: set_terminator('\\r\\n') is a TypeError: write b'\\r\\n'",
        "9: note: writable() is asked before each wait",
        "12: differs: urgent data is not watched",
        "16: change: push('text') is a TypeError: write b'text'",
        "20: note: without this log_info()",
        "24: differs: use_poll is taken and not heeded",
    ]
    assert [line[: len(begin)] for line, begin in zip(found, begins, strict=True)] == begins


def test_a_healthy_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program that uses none of the modules has nothing to change."""
    path = tmp_path / "new.py"
    path.write_text("import asyncio\n")

    assert main(["doctor", str(path)]) == 0
    assert "uses neither" in capsys.readouterr().out


def test_fix_shows_and_changes_the_imports(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--fix changes the imports only, after showing how; a second time there is nothing left."""
    main(["doctor", "--fix", "uvloop", str(old)])

    expected = _OLD.replace(
        "import asynchat, asyncore, socket", "import socket\nfrom asynchat_uvloop import asynchat, asyncore"
    )
    assert old.read_text() == expected
    assert "+from asynchat_uvloop import asynchat, asyncore" in capsys.readouterr().out

    main(["doctor", "--fix", "uvloop", str(old)])
    assert old.read_text() == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import asyncore\n", "from asynchat_selectors import asyncore\n"),
        ("import asynchat as chat  # old\n", "from asynchat_selectors import asynchat as chat  # old\n"),
        (
            "from asyncore import (\n    dispatcher,\n    loop as run,\n)\n",
            "from asynchat_selectors.asyncore import dispatcher, loop as run\n",
        ),
        (
            "def f():\n    import os, asynchat\n",
            "def f():\n    import os\n    from asynchat_selectors import asynchat\n",
        ),
        ("name = 'ä'; import asyncore\n", "name = 'ä'; import asyncore\n"),
    ],
)
def test_every_form_of_import(tmp_path: Path, before: str, after: str) -> None:
    """Aliases, parentheses, indentation and comments are kept; a statement behind another one is left alone."""
    path = tmp_path / "program.py"
    path.write_text(before, encoding="utf-8")
    main(["doctor", "--fix", "selectors", str(path)])

    assert path.read_text(encoding="utf-8") == after


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\0\1", "is not Python 3"), (b"print 'x'\n", "is not Python 3, line 1"), (None, "there is no file, folder or")],
)
def test_bad_input_gets_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, reason: str
) -> None:
    """What is not Python, and what is not there, ends in one line and status 2."""
    path = tmp_path / "bad.py"
    if content is not None:
        path.write_bytes(content)

    assert main(["doctor", str(path)]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1


def test_a_folder_is_examined_whole(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a folder each file has its report; one that is not Python does not hide the others."""
    (old.parent / "broken.py").write_text("print 'x'\n")

    assert main(["doctor", str(old.parent)]) == 1
    out = capsys.readouterr().out
    assert "broken.py:0: change:" in out
    assert "old.py: uses asynchat.async_chat" in out
