"""Finds interpreters and makes throw-away environments with our packages and the programs in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PYTHONS = ("3.11", "3.12", "3.13")
#: The standard library that had asynchat, asyncore and smtpd last, and their tests.
REFERENCE = "3.11"

_PACKAGES = ("core", "selectors", "asyncore", "uvloop")


class Unavailable(Exception):
    """An interpreter or an environment cannot be had; the message is for a person to read."""


def interpreter(version: str) -> str:
    """
    Return the path of a Python of the minor ``version``.

    Raises:
        Unavailable: there is none on the search path, and this is none.
    """
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    if found:
        # A version manager's stand-in may be there for a version that is not.
        answer = subprocess.run([found, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
        if answer.returncode == 0:
            return answer.stdout.strip()
    raise Unavailable(f"no python{version} that works on the search path")


def standard_library(version: str) -> Path:
    """Return the folder of the standard library of the Python ``version``, asked of that interpreter."""
    ask = "import os; print(os.path.dirname(os.__file__))"
    return Path(subprocess.check_output([interpreter(version), "-c", ask], text=True).strip())


class Venvs:
    """
    Throw-away environments, each made once: our packages as they are now, and what a program requires.

    Args:
        folder: where to make them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wheels = folder / "wheels"
        self._uv = shutil.which("uv")
        self._made: dict[tuple[str, tuple[str, ...]], Path] = {}
        self._lock = threading.Lock()

    def python(self, version: str, requirements: Sequence[str]) -> Path:
        """
        Return the interpreter of the environment for ``requirements``.

        Raises:
            Unavailable: it could not be made; the message ends with what the installer said.
        """
        key = version, tuple(requirements)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(len(self._made), *key)
            return self._made[key]

    def source(self, python: Path, requirement: str) -> Path:
        """
        Return the unpacked source archive of a release, fetched with the pip of the environment of ``python``.

        Raises:
            Unavailable: it cannot be fetched.
        """
        folder = self._folder / f"source-{requirement}"
        with self._lock:
            if not folder.exists():
                fetch = ["-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
                self._run([str(python), *fetch, requirement])
                for archive in folder.glob("*.tar.gz"):
                    shutil.unpack_archive(archive, folder, filter="data")
        return next(path for path in folder.iterdir() if path.is_dir())

    def _make(self, number: int, version: str, requirements: tuple[str, ...]) -> Path:
        if not self._wheels.exists():
            self._build()
        folder = self._folder / f"venv{number}"
        python = folder / "bin" / "python"
        found = interpreter(version)
        ours = [f"asynchat-{name}" for name in _PACKAGES]
        if self._uv:
            self._run([self._uv, "venv", "-q", "--python", found, str(folder)])
            installer = [self._uv, "pip", "install", "-q", "--python", str(python)]
        else:
            self._run([found, "-m", "venv", str(folder)])
            installer = [str(python), "-m", "pip", "install", "-q"]
        self._run([*installer, "--find-links", str(self._wheels), *ours, *requirements])
        return python

    def _build(self) -> None:
        """Build our wheels once, so that a change made while we run is in all environments or in none."""
        for name in _PACKAGES:
            source = str(ROOT / "packages" / f"asynchat-{name}")
            if self._uv:
                self._run([self._uv, "build", "-q", "--wheel", "--out-dir", str(self._wheels), source])
            else:
                wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(self._wheels), source]
                self._run(wheel)

    def _run(self, command: list[str]) -> None:
        # In the project's folder, where uv finds its settings. An environment that is active is not to be used.
        env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Unavailable(f"{' '.join(command[:4])} ... failed: {(done.stderr or done.stdout).strip()[-2000:]}")
