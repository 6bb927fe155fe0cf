"""The command line, in this process; what a program sees of it is held against Python itself in tests/cli."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from asynchat_core import uninstall
from asynchat_core.cli import main

BACKEND = """
from types import ModuleType as _Module

asynchat, asyncore = _Module("fake.asynchat"), _Module("fake.asyncore")
asynchat.async_chat = type("async_chat", (), {})
"""
Write = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A folder of the test's own to work in, with one backend, and the interpreter as before when it is over."""
    for name in ("argv", "excepthook"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    before = sys.modules.copy()
    for name in ("asynchat", "asyncore"):
        sys.modules.pop(name, None)
    yield
    uninstall()
    sys.modules.clear()
    sys.modules.update(before)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of the test's folder."""

    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


@pytest.fixture(autouse=True)
def backend(write: Write) -> None:
    """Install a backend named fake."""
    write("fake-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: fake\nVersion: 1.0\n")
    write("fake-1.0.dist-info/entry_points.txt", "[asynchat.backends]\nfake = fake\n")
    write("fake.py", BACKEND)


def run(*arguments: str) -> int:
    """Run a program on the fake backend."""
    return main(["run", "--backend", "fake", *arguments])


def test_a_program_runs_on_the_backend(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """The program gets the backend's modules and its own arguments."""
    write("program.py", "import asynchat, sys\nprint(asynchat.__name__, sys.argv)")

    assert 0 == run("program.py", "-x")
    assert "fake.asynchat ['program.py', '-x']\n" == capsys.readouterr().out


def test_a_module_runs(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """-m runs a module, and of a package its __main__."""
    write("package/__init__.py", "")
    write("package/__main__.py", "print(__name__, __package__)")

    assert 0 == run("-m", "package")
    assert "__main__ package\n" == capsys.readouterr().out


def test_a_folder_runs(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder is run by its __main__.py."""
    write("app/__main__.py", "import sys\nprint(__name__, sys.path[0])")

    assert 0 == run("app")
    assert f"__main__ {Path.cwd()}{os.sep}app\n" == capsys.readouterr().out


def test_a_program_by_its_whole_path(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """An absolute path is taken as it is."""
    write("program.py", "print(__file__)")

    assert 0 == run(str(Path("program.py").absolute()))
    assert f"{Path.cwd()}{os.sep}program.py\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.py"], "cannot read 'missing.py': No such file or directory"),
        (["-m", "missing"], "'missing' cannot be run: no such module, or no __main__ in it"),
        (["-m", "missing.sub"], "no module 'missing.sub': No module named 'missing'"),
        (["empty"], "'empty' cannot be run: no such module, or no __main__ in it"),
    ],
)
def test_what_cannot_be_run_is_one_line(
    write: Write, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """A program that is not there is status 2, with one line that names it."""
    write("empty/README", "")

    assert 2 == run(*arguments)
    assert f"asynchat: {message}\n" == capsys.readouterr().err


def test_an_unknown_backend_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A backend that is not there is status 2."""
    assert 2 == main(["run", "--backend", "other", "program.py"])
    assert capsys.readouterr().err.startswith("asynchat: backend 'other' is not installed (installed: ")


def test_a_broken_backend_is_one_line(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A backend that cannot be imported is status 2."""
    write("fake.py", "import a_library_that_is_not_installed")

    assert 2 == run("program.py")
    assert "asynchat: No module named 'a_library_that_is_not_installed'\n" == capsys.readouterr().err


def test_a_traceback_begins_in_the_program(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """What the program raises comes out, and the hook that shows it leaves out our frames."""
    write("program.py", "def f():\n    1 / 0\nf()\n")
    with pytest.raises(ZeroDivisionError) as caught:
        run("program.py")
    sys.excepthook(ZeroDivisionError, caught.value, caught.tb)
    lines = capsys.readouterr().err.splitlines()

    assert "Traceback (most recent call last):" == lines[0]
    assert lines[1].startswith(f'  File "{Path.cwd()}{os.sep}program.py", line 3')


def test_an_exception_without_our_frames_is_shown_whole(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """The hook leaves an exception from elsewhere, as of an exit handler, as it is."""
    write("program.py", "")
    run("program.py")
    try:
        raise ValueError
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)

    assert "test_an_exception_without_our_frames" in capsys.readouterr().err


@pytest.mark.parametrize("program", [["sub/program.py"], ["-m", "tool"], ["sub"]], ids=["file", "module", "folder"])
def test_a_safe_path_stays_safe(write: Write, tmp_path: Path, program: list[str]) -> None:
    """Where Python is not to look into the program's folder it is not on the path, unless the folder is the program."""
    for name in ("sub/program.py", "sub/__main__.py", "tool.py"):
        write(name, "import sys\nprint(*sys.path[:2], sep='\\n')")
    path = os.pathsep.join(entry for entry in (str(tmp_path), os.environ.get("PYTHONPATH")) if entry)
    result = subprocess.run(
        [sys.executable, "-m", "asynchat_core", "run", "--backend", "fake", *program],
        env=os.environ | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    first = [str(tmp_path / "sub")] if program == ["sub"] else []
    assert [*first, str(tmp_path)] == result.stdout.splitlines()[: len(first) + 1]


def test_backends_are_listed(write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each installed backend has a line; so has one that is broken, and each of ours that is missing."""
    write("bad-2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: bad\nVersion: 2.0\n")
    write("bad-2.0.dist-info/entry_points.txt", "[asynchat.backends]\nbad = bad\n")
    write("bad.py", "import a_library_that_is_not_installed")
    only = metadata.distributions(path=[str(Path.cwd())])
    points = [point for distribution in only for point in distribution.entry_points]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points)
    missing = "No module named 'a_library_that_is_not_installed'"

    assert 0 == main(["backends"])
    assert [
        'asyncore     not installed: pip install "asynchat-core[asyncore]"',
        f'bad          broken: {missing}: pip install "asynchat-core[bad]": bad 2.0, import bad',
        "fake         installed: fake 1.0, import fake",
        'selectors    not installed: pip install "asynchat-core[selectors]"',
        'uvloop       not installed: pip install "asynchat-core[uvloop]"',
    ] == capsys.readouterr().out.splitlines()


def test_the_package_is_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``python -m`` runs the command line, with its status."""
    monkeypatch.setattr(sys, "argv", ["asynchat", "run", "--backend", "other", "program.py"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("asynchat_core", run_name="__main__", alter_sys=False)

    assert 2 == caught.value.code
