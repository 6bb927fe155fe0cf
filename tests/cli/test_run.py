"""``asynchat run``: an old program on a backend, and otherwise as if Python itself ran it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from asynchat_core import installed_backends

BACKENDS = [backend.name for backend in installed_backends()]
Result: TypeAlias = "subprocess.CompletedProcess[str]"
Run: TypeAlias = Callable[..., Result]

WHO = "import asynchat, asyncore\nprint(asynchat.async_chat.__module__, asyncore.dispatcher.__module__)\n"


def python(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> Result:
    """Run the interpreter in a folder."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def run(folder: Path, *arguments: str, backend: str = "selectors", stdin: str = "", **environment: str) -> Result:
    """Run ``asynchat run`` in a folder."""
    command = ["-m", "asynchat_core", "run", "--backend", backend]
    return python(folder, *command, *arguments, stdin=stdin, **environment)


def same(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> Result:
    """Run a program by Python and by the command; exit status and both outputs must be the same. Return them."""
    plain = python(folder, *arguments, stdin=stdin, **environment)
    ours = run(folder, *arguments, stdin=stdin, **environment)
    assert (plain.returncode, plain.stdout, plain.stderr) == (ours.returncode, ours.stdout, ours.stderr)
    return ours


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of the test's folder."""

    def write(text: str, name: str = "program.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


Write: TypeAlias = Callable[..., Path]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_program_gets_the_backend(tmp_path: Path, write: Write, backend: str) -> None:
    """``import asynchat, asyncore`` gives the chosen backend's modules, also where the standard library has its own."""
    write(WHO)
    result = run(tmp_path, "program.py", backend=backend)

    assert "" == result.stderr
    assert result.stdout.startswith(f"asynchat_{backend}.asynchat ")


def test_modules_that_the_program_imports_get_it_too(tmp_path: Path, write: Write) -> None:
    """A module beside the program is found, and gets the same backend."""
    write("import helper\n")
    write(WHO, "helper.py")

    assert "asynchat_selectors.asynchat asynchat_selectors.asyncore\n" == run(tmp_path, "program.py").stdout


@pytest.mark.parametrize("safe", [True, False])
def test_safe_gives_the_limits(tmp_path: Path, write: Write, safe: bool) -> None:
    """With --safe the drop-in's async_chat has the safe limits, without it none."""
    write("import asynchat\nprint(asynchat.async_chat.max_frame_size)\n")

    assert f"{65536 if safe else None}\n" == run(tmp_path, *["--safe"] * safe, "program.py").stdout


class TestAsByPython:
    """What the program can see of how it was started is as under Python itself."""

    def test_arguments(self, tmp_path: Path, write: Write) -> None:
        """sys.argv has the program's name as given, and its arguments, whatever they look like."""
        write("import sys\nprint(sys.argv)\n")
        result = same(tmp_path, "program.py", "-x", "--backend", "uvloop", "-m", "--", "--help")

        assert "['program.py', '-x', '--backend', 'uvloop', '-m', '--', '--help']\n" == result.stdout

    def test_main(self, tmp_path: Path, write: Write) -> None:
        """The program is the module __main__, in sys.modules too, and knows its file."""
        write(
            "import sys\n"
            "main = sys.modules['__main__']\n"
            "print(__name__, __file__, __package__, __spec__, __doc__, type(__builtins__).__name__)\n"
            "print(vars(main) is globals(), sorted(vars(main)))\n"
        )

        same(tmp_path, "program.py")

    def test_the_first_folder_of_the_path(self, tmp_path: Path, write: Write) -> None:
        """sys.path begins with the program's folder, wherever it was started from."""
        write("import sys\nprint(sys.path)\n", "sub/program.py")

        for program in ("sub/program.py", "./sub/program.py", "sub/../sub/program.py", f"{tmp_path}/sub/program.py"):
            same(tmp_path, program)

    def test_the_path_where_it_is_safe(self, tmp_path: Path, write: Write) -> None:
        """With PYTHONSAFEPATH the program's folder is not on the path, unless the folder is the program."""
        for name in ("sub/program.py", "sub/__main__.py"):
            write("import sys\nprint(sys.path)\n", name)

        same(tmp_path, "sub/program.py", PYTHONSAFEPATH="1")
        same(tmp_path, "sub", PYTHONSAFEPATH="1")
        same(tmp_path, "-m", "site", PYTHONSAFEPATH="1")

    def test_no_future_feature_is_inherited(self, tmp_path: Path, write: Write) -> None:
        """The program is compiled with its own future imports only."""
        write("def f(x: 1 + 1): pass\nprint(f.__annotations__)\n")

        assert "{'x': 2}\n" == same(tmp_path, "program.py").stdout

    def test_an_encoding_cookie_counts(self, tmp_path: Path) -> None:
        """A source file in another encoding is read as it says."""
        tmp_path.joinpath("program.py").write_bytes(b"# coding: latin-1\nprint(ascii('\xe9'))\n")

        assert "'\\xe9'\n" == same(tmp_path, "program.py").stdout

    def test_classes_can_be_pickled(self, tmp_path: Path, write: Write) -> None:
        """An object of a class of the program goes through pickle."""
        write(
            "import pickle\n"
            "class Thing: pass\n"
            "print(type(pickle.loads(pickle.dumps(Thing()))) is Thing, Thing.__module__)\n"
        )

        assert "True __main__\n" == same(tmp_path, "program.py").stdout

    def test_standard_input_is_the_program_s(self, tmp_path: Path, write: Write) -> None:
        """The program reads its standard input."""
        write("print(input().upper())\n")

        assert "HELLO\n" == same(tmp_path, "program.py", stdin="hello\n").stdout

    def test_warnings_of_the_program_show(self, tmp_path: Path, write: Write) -> None:
        """A deprecation warning that the program itself causes shows with its line, as it does in __main__."""
        write("import warnings\nwarnings.warn('old', DeprecationWarning)\n")

        assert "program.py:2: DeprecationWarning: old" in same(tmp_path, "program.py").stderr

    def test_exit_handlers_and_threads_run(self, tmp_path: Path, write: Write) -> None:
        """Threads are waited for and exit handlers run, with the program's names still there."""
        write(
            "import atexit, threading, time\n"
            "word = 'bye'\n"
            "atexit.register(lambda: print(word))\n"
            "threading.Thread(target=lambda: print('thread', word)).start()\n"
        )

        same(tmp_path, "program.py")


class TestEnd:
    """How the program ends."""

    @pytest.mark.parametrize("argument", ["", "None", "0", "3", "'words'", "True", "[1]"])
    def test_system_exit(self, tmp_path: Path, write: Write, argument: str) -> None:
        """sys.exit ends with the status it was given; words go to standard error, with status 1."""
        write(f"import sys\nsys.exit({argument})\n")

        same(tmp_path, "program.py")

    @pytest.mark.parametrize(
        "program",
        [
            "def f():\n    1 / 0\nf()\n",
            "raise ValueError('words')\n",
            "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('x')\n",
            "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('x') from error\n",
            "raise ExceptionGroup('some', [ValueError(1), TypeError(2)])\n",
            "import helper_that_does_not_exist\n",
            "import asynchat\nasynchat.async_chat().push('text')\n",
        ],
        ids=["in function", "at top", "context", "cause", "group", "import", "in the backend"],
    )
    def test_a_traceback(self, tmp_path: Path, write: Write, program: str) -> None:
        """An exception ends with status 1 and a traceback that begins in the program, byte for byte as Python's."""
        write(program)
        ours = run(tmp_path, "program.py")
        if "asynchat" not in program:
            same(tmp_path, "program.py")

        assert 1 == ours.returncode
        assert "cli.py" not in ours.stderr
        assert "Traceback" in ours.stderr

    def test_an_exception_in_an_imported_module(self, tmp_path: Path, write: Write) -> None:
        """The same where a module raises while it is imported."""
        write("import helper\n")
        write("1 / 0\n", "helper.py")

        same(tmp_path, "program.py")

    def test_an_excepthook_of_the_program(self, tmp_path: Path, write: Write) -> None:
        """A hook that the program sets gets the exception."""
        write("import sys\nsys.excepthook = lambda *what: print(what[:2])\n1 / 0\n")

        same(tmp_path, "program.py")

    @pytest.mark.parametrize("text", ["print(\n", "x = = 1\n", "def f():\nreturn 1\n"])
    def test_a_syntax_error(self, tmp_path: Path, write: Write, text: str) -> None:
        """A syntax error is shown with its line, and nothing of ours."""
        write(text)

        assert 1 == same(tmp_path, "program.py").returncode

    def test_an_interrupt(self, tmp_path: Path, write: Write) -> None:
        """A KeyboardInterrupt that nobody catches ends the process by SIGINT."""
        write("raise KeyboardInterrupt\n")

        assert -signal.SIGINT == same(tmp_path, "program.py").returncode

    def test_a_signal(self, tmp_path: Path, write: Write) -> None:
        """A signal that kills the program kills the process."""
        write("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")

        assert -signal.SIGTERM == same(tmp_path, "program.py").returncode


class TestModules:
    """``-m MODULE``, packages, folders and archives."""

    SHOW = "import sys\nprint(__name__, __file__, __package__, __spec__.name, sys.argv, sys.path[0])\n"

    def test_a_module(self, tmp_path: Path, write: Write) -> None:
        """-m runs a module by its name, as python -m does."""
        write(self.SHOW, "tool.py")

        assert same(tmp_path, "-m", "tool", "-x", "1").stdout.endswith(
            f"['{tmp_path}/tool.py', '-x', '1'] {tmp_path}\n"
        )

    def test_a_module_of_a_package(self, tmp_path: Path, write: Write) -> None:
        """A module of a package may import its neighbours by dots."""
        write("", "package/__init__.py")
        write("word = 'neighbour'\n", "package/other.py")
        write(self.SHOW + "from .other import word\nprint(word)\n", "package/tool.py")

        assert "neighbour" in same(tmp_path, "-m", "package.tool").stdout

    def test_a_package_with_main(self, tmp_path: Path, write: Write) -> None:
        """A package is run by its __main__."""
        write("print('init')\n", "package/__init__.py")
        write(self.SHOW, "package/__main__.py")

        assert "__main__" in same(tmp_path, "-m", "package").stdout

    def test_a_traceback_in_a_module(self, tmp_path: Path, write: Write) -> None:
        """A traceback begins in the module."""
        write("1 / 0\n", "tool.py")
        result = run(tmp_path, "-m", "tool")

        assert 1 == result.returncode
        lines = result.stderr.splitlines()
        assert "Traceback (most recent call last):" == lines[0]
        assert f'  File "{tmp_path}/tool.py", line 1, in <module>' == lines[1]

    def test_a_folder(self, tmp_path: Path, write: Write) -> None:
        """A folder with a __main__.py is run, and is where imports are looked for first."""
        write("word = 'neighbour'\n", "app/other.py")
        write(self.SHOW + "from other import word\nprint(word)\n", "app/__main__.py")

        assert "neighbour" in same(tmp_path, "app", "argument").stdout

    def test_an_archive(self, tmp_path: Path) -> None:
        """A zip file with a __main__.py is run."""
        with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
            archive.writestr("other.py", "word = 'neighbour'\n")
            archive.writestr("__main__.py", self.SHOW + "from other import word\nprint(word)\n")

        assert "neighbour" in same(tmp_path, "app.pyz", "argument").stdout

    def test_a_file_that_is_no_archive(self, tmp_path: Path, write: Write) -> None:
        """What a file is called says nothing of what it is: a program with an archive's name is run."""
        write("print('program')\n", "app.pyz")

        assert "program\n" == same(tmp_path, "app.pyz").stdout

    def test_the_command_may_be_a_script(self, tmp_path: Path, write: Write) -> None:
        """The console script runs folders, modules and files as python -m asynchat_core does."""
        write("import sys\nprint(__name__, sys.argv, sys.path[0])\n", "app/__main__.py")
        script = Path(sys.executable).with_name("asynchat")
        command = [str(script), "run", "--backend", "selectors", "app", "x"]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

        assert ("", f"__main__ ['app', 'x'] {tmp_path}/app\n") == (result.stderr, result.stdout)


class TestRefused:
    """Commands that cannot be carried out: one line on standard error, exit status 2."""

    def refused(self, result: Result) -> str:
        """Return the one line."""
        assert (2, "") == (result.returncode, result.stdout)
        assert 1 == len(result.stderr.splitlines())
        return result.stderr

    def test_an_unknown_backend(self, tmp_path: Path, write: Write) -> None:
        """An unknown backend is named, with those that are installed."""
        write(WHO)
        line = self.refused(run(tmp_path, "program.py", backend="twisted"))

        assert "backend 'twisted' is not installed" in line
        assert ", ".join(sorted(BACKENDS)) in line

    def test_a_broken_backend(self, tmp_path: Path, write: Write) -> None:
        """A backend that is installed and cannot be imported says what is missing."""
        write(WHO)
        write("[asynchat.backends]\nbroken = broken_backend\n", "broken-1.dist-info/entry_points.txt")
        write("Metadata-Version: 2.1\nName: broken\nVersion: 1\n", "broken-1.dist-info/METADATA")
        write("import a_library_that_is_not_installed\n", "broken_backend.py")
        line = self.refused(run(tmp_path, "program.py", backend="broken", PYTHONPATH=str(tmp_path)))

        assert "a_library_that_is_not_installed" in line

    @pytest.mark.parametrize("program", ["missing.py", "missing/folder.py", "missing.pyz"])
    def test_a_missing_program(self, tmp_path: Path, program: str) -> None:
        """A file that is not there is named."""
        assert repr(program) in self.refused(run(tmp_path, program))

    def test_a_folder_without_main(self, tmp_path: Path) -> None:
        """A folder without a __main__.py is named."""
        tmp_path.joinpath("app").mkdir()

        assert "'app' cannot be run" in self.refused(run(tmp_path, "app"))

    @pytest.mark.parametrize("name", ["missing", "missing.sub", "os.missing", "json", "..", ".tool", "tool.py"])
    def test_a_missing_module(self, tmp_path: Path, write: Write, name: str) -> None:
        """A module that is not there, and a package without __main__, is named."""
        write("", "tool.py")

        assert repr(name) in self.refused(run(tmp_path, "-m", name))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "COMMAND"),
            (["run"], "--backend"),
            (["run", "--backend", "selectors"], "PROGRAM"),
            (["fly"], "'fly'"),
        ],
    )
    def test_a_wrong_command(self, tmp_path: Path, arguments: list[str], message: str) -> None:
        """A command that is not whole is a usage error that says what is missing."""
        result = python(tmp_path, "-m", "asynchat_core", *arguments)

        assert 2 == result.returncode
        assert message in result.stderr.splitlines()[-1]
        assert "Traceback" not in result.stderr
