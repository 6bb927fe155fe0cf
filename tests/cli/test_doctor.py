"""The command ``asynchat doctor``: what an old program uses, and what to change in it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

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
            "from asyncore import (\n    dispatcher,  # base\n    loop as run,\n)\n",
            "from asynchat_selectors.asyncore import (\n    dispatcher,  # base\n    loop as run,\n)\n",
        ),
        (
            "def f():\n    import os, asynchat\n",
            "def f():\n    import os\n    from asynchat_selectors import asynchat\n",
        ),
        (
            "name = 'ä'; import asyncore, os; import asynchat\n",
            "name = 'ä'; import os; from asynchat_selectors import asyncore; from asynchat_selectors import asynchat\n",
        ),
        ("from asyncore import *\n", "from asynchat_selectors.asyncore import *\n"),
        ("a = 1\n\f\nimport asyncore\n", "a = 1\n\f\nfrom asynchat_selectors import asyncore\n"),
        (
            "from .asyncore import loop\nfrom . import asynchat\n",
            "from .asyncore import loop\nfrom . import asynchat\n",
        ),
    ],
)
def test_every_form_of_import(tmp_path: Path, before: str, after: str) -> None:
    """Aliases, parentheses, indentation, comments, form feeds and other statements are kept; other imports too."""
    path = tmp_path / "program.py"
    path.write_text(before, encoding="utf-8")
    main(["doctor", "--fix", "selectors", str(path)])

    assert path.read_text(encoding="utf-8") == after


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\0\1", "is not Python 3"),
        (b"\x7fELF\xff\xfe", "is not Python 3"),
        (b"print 'x'\n", "is not Python 3, line 1"),
        (b"# coding: none-such\n", "is not Python 3: unknown encoding"),
        (None, "there is no file, folder or Python module"),
    ],
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
    assert "broken.py:1: change: is not Python 3: Missing parentheses" in out
    assert "old.py: uses asynchat.async_chat" in out


def _told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["doctor", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("self.push('a' + name)", "change: push('a' + name) is a TypeError: encode it"),
        ("self.push(f'{name}')", "change: push(f'{name}') is a TypeError: encode it"),
        ("self.push('%s' % name)", "change: push('%s' % name) is a TypeError: encode it"),
        ("self.push(', '.join(name))", "change: push(', '.join(name)) is a TypeError: encode it"),
        ("other.push('a')", "note: if this is a channel, push() of text is a TypeError"),
        ("self.push_with_producer(asynchat.simple_producer('a'))", "change: simple_producer() of text is a TypeError"),
        ("self.readable = lambda: False", "differs: readable of one object is not asked on selectors and uvloop"),
        ("self.set_terminator(0)", "note: set_terminator(0) means None"),
        ("super().__init__(conn=name)", "change: the argument conn is of Python 2.5"),
        ("self.refill_buffer()", "change: refill_buffer() is of Python 2.5"),
        ("asyncore.poll3(1)", "differs: asyncore.poll3 is the same as poll here"),
        ("asyncore.loop()", "note: as in the standard library, on asyncore this loop dies of a descriptor above 1023"),
        ("select.select([], [], [])", "note: this select() dies of a descriptor above 1023"),
        ("__import__('asynchat')", "change: asynchat left Python with 3.12: run it by asynchat run, or call"),
        ("self.push(b'a' + name)", ""),
        ("self.push(name)", ""),
    ],
)
def test_each_habit_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, message: str) -> None:
    """What a channel does that does not work, or works otherwise, is told; what works is not."""
    path = tmp_path / "program.py"
    path.write_text(
        f"from asynchat_selectors import asynchat, asyncore\nimport select\nclass Chat(asynchat.async_chat):\n"
        f"    def found_terminator(self):\n        {line}\n"
    )
    found = _lines(_told(capsys, str(path))[1])[1:] if message else _lines(_told(capsys, str(path))[1])

    if message:
        assert len(found) == 1
        assert found[0].startswith(f"5: {message}")
    else:
        assert [name.partition(" ")[0] for name in found] == [""]


def test_names_that_mean_something_here_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An attribute or a method that would set a limit, or be called, is told: the program had it first (L45)."""
    path = tmp_path / "program.py"
    path.write_text(
        "from asynchat_selectors import asynchat\nclass Chat(asynchat.async_chat):\n    idle_timeout = 300\n"
        "    def abort(self):\n        self.max_output = 10\n        self.timeout = 5\n"
    )
    _, *found = _lines(_told(capsys, str(path))[1])

    assert ["idle_timeout is a limit", "max_output is a limit", "abort() has a meaning"] == [
        line.split(": ", 2)[2].partition(" here")[0] for line in found
    ]


def test_text_terminators_are_taken_with_use_encoding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A class that has use_encoding may give text as its terminator."""
    path = tmp_path / "program.py"
    path.write_text(
        "from asynchat_selectors.asynchat import async_chat\nclass Chat(async_chat):\n    use_encoding = 1\n"
        "    def start(self):\n        self.set_terminator('x')\n"
    )

    assert _told(capsys, str(path))[0] == 0


def test_a_push_of_the_programs_own_may_take_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A class whose own push() encodes, or that of a base in another file, may push text."""
    (tmp_path / "base.py").write_text(
        "from asynchat_selectors import asynchat\nclass Base(asynchat.async_chat):\n"
        "    def push(self, text):\n        asynchat.async_chat.push(self, text.encode())\n"
    )
    (tmp_path / "app.py").write_text("import base\nclass App(base.Base):\n    def f(self):\n        self.push('x')\n")

    assert _told(capsys, str(tmp_path))[0] == 0


def test_a_refill_buffer_of_the_programs_own_is_no_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a class defines itself is there; that nothing calls it is good to know."""
    path = tmp_path / "program.py"
    path.write_text(
        "from asynchat_selectors.asynchat import async_chat\nclass Chat(async_chat):\n    ac_out_buffer = b''\n"
        "    def refill_buffer(self):\n        return self.ac_out_buffer\n"
    )
    status, out, _ = _told(capsys, str(path))

    assert status == 0
    assert "4: note: nothing calls this: refill_buffer() is of Python 2.5" in out


def test_names_of_a_starred_import_are_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A class that derives from a name that `import *` gave is a channel."""
    path = tmp_path / "program.py"
    path.write_text("from asyncore import *\nclass A(dispatcher):\n    def handle_expt(self): pass\n")

    assert "3: differs: urgent data" in _told(capsys, str(path))[1]


def test_a_class_of_another_file_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a folder, a class that derives from a channel of another file is a channel, whatever the files' order."""
    (tmp_path / "app.py").write_text("from .base import Base\nclass App(Base):\n    def handle_expt(self): pass\n")
    (tmp_path / "base.py").write_text("import asynchat\nclass Base(asynchat.async_chat): pass\n")

    assert "app.py:3: differs: urgent data" in _told(capsys, str(tmp_path))[1]


def test_other_programs_push_is_not_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no channel is, push() of text is nothing to us."""
    path = tmp_path / "program.py"
    path.write_text("class Stack:\n    def f(self):\n        self.push('x')\n")

    assert "uses neither" in _told(capsys, str(path))[1]


def test_a_copy_of_the_programs_own_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program with a copy of asyncore of its own is told that only an import is replaced."""
    path = tmp_path / "program.py"
    path.write_text("from medusa import asyncore_25\nfrom medusa import asyncore\n")
    status, out, _ = _told(capsys, str(path))

    assert status == 0
    assert "2: note: this asyncore is that of 'medusa': asynchat run replaces it only if it is imported there" in out


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_fix_keeps_encoding_and_line_ends(tmp_path: Path, encoding: str) -> None:
    """All bytes but those of the imports stay: byte order mark, encoding, carriage returns, a last line without end."""
    path = tmp_path / "program.py"
    text = f"# coding: {encoding.removesuffix('-sig')}\r\nimport os, asyncore\r\nname = 'ä'"
    path.write_bytes(text.encode(encoding))
    main(["doctor", "--fix", "selectors", str(path)])

    after = text.replace("import os, asyncore", "import os\r\nfrom asynchat_selectors import asyncore")
    assert path.read_bytes() == after.encode(encoding)


def test_fix_tells_what_is_left(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After --fix the imports are no findings, and the rest are; with nothing else the status is 0."""
    status, out, _ = _told(capsys, "--fix", "selectors", str(old))
    assert status == 1
    assert "left Python with 3.12" not in out
    assert "set_terminator('\\r\\n') is a TypeError" in out

    old.write_text("import asyncore\n")
    assert _told(capsys, "--fix", "selectors", str(old))[0] == 0


def test_fix_shows_on_any_terminal(tmp_path: Path) -> None:
    """What a terminal cannot show is escaped, and the file is changed all the same."""
    path = tmp_path / "program.py"
    path.write_text("import asyncore\nname = 'ä'\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "asynchat_core", "doctor", "--fix", "selectors", str(path)],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert " name = '\\xe4'" in done.stdout
    assert path.read_text(encoding="utf-8") == "from asynchat_selectors import asyncore\nname = 'ä'\n"


def test_fix_without_a_change_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--fix of a program whose imports are right already leaves the file alone, and says so."""
    path = tmp_path / "program.py"
    path.write_text("from asynchat_selectors import asyncore\n")
    path.chmod(0o444)
    status, out, err = _told(capsys, "--fix", "selectors", str(path))

    assert (status, err) == (0, "")
    assert "no imports to change" in out


def test_fix_of_an_unknown_backend_changes_nothing(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--fix takes installed backends only: one line names them, and the program stays as it is."""
    status, _, err = _told(capsys, "--fix", "selector", str(old))

    assert status == 2
    assert err.startswith("asynchat: backend 'selector' is not installed (installed: ")
    assert old.read_text() == _OLD


def test_fix_of_what_cannot_be_written(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be written is one line, and status 2."""
    with pytest.MonkeyPatch.context() as patch:
        # Root may write to anything.
        patch.setattr(Path, "write_bytes", _denied)
        status, _, err = _told(capsys, "--fix", "selectors", str(old))

    assert (status, err) == (2, f"asynchat: cannot write {str(old)!r}: Permission denied\n")


def test_what_cannot_be_read(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be read is one line, and status 2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", _denied)
        status, _, err = _told(capsys, str(old))

    assert (status, err) == (2, f"asynchat: cannot read {str(old)!r}: Permission denied\n")


def _denied(*arguments: object) -> NoReturn:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe is refused, not waited for."""
    path = tmp_path / "pipe.py"
    os.mkfifo(path)

    assert _told(capsys, str(path)) == (
        2,
        "",
        f"asynchat: {str(path)!r} is not a file: name a Python file, a folder or a module\n",
    )


def test_a_bad_program_does_not_hide_the_others(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of several programs all are examined, and the status is that of the worst."""
    status, out, err = _told(capsys, "none_such", str(old))

    assert status == 2
    assert "there is no file, folder or Python module 'none_such'" in err
    assert "uses asynchat.async_chat" in out


def test_a_package_is_examined_whole_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name a package is found, and all files in it are read; nothing of it is run."""
    package = tmp_path / "oldpackage"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('it was run')\n")
    (package / "server.py").write_text("import asyncore\n")
    monkeypatch.chdir(tmp_path)

    for name in ("oldpackage", "oldpackage.server"):
        assert "server.py:1: change: asyncore left Python" in _told(capsys, name)[1]


def test_environments_in_a_folder_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Virtual environments and hidden folders below a folder are not looked into, and not changed."""
    for folder in (".tox", "env"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "library.py").write_text("import asyncore\n")
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / "program.py").touch()

    assert "uses neither" in _told(capsys, str(tmp_path))[1]


def test_a_folder_without_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without Python files is one line, and status 2."""
    assert _told(capsys, str(tmp_path)) == (2, "", f"asynchat: {str(tmp_path)!r} has no Python files in it\n")


def test_deeply_nested_code_is_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program that is nested too deeply for us is told as that."""
    path = tmp_path / "program.py"
    path.write_text("import asyncore\nname = " + "+".join(["1"] * 2000) + "\n")
    status, out, err = _told(capsys, str(path))

    assert status == 1 or "nested too deeply" in err
    assert "nested too deeply" in out + err


def test_smtpd_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """smtpd, which no backend has, is left alone by --fix, and what to do about it is said."""
    path = tmp_path / "program.py"
    path.write_text("import smtpd\n")
    status, out, _ = _told(capsys, "--fix", "selectors", str(path))

    assert status == 1
    assert "1: change: smtpd left Python with 3.12: install standard-smtpd" in out
    assert path.read_text() == "import smtpd\n"
