"""Runs programs that the documentation shows."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("packages/*/README.md")), *sorted(DOCS.rglob("*.md"))]

# Seconds. Nothing here takes one; whatever takes this long hangs.
PATIENCE = 15.0


def blocks(page: Path, language: str) -> list[str]:
    """Return a page's fenced blocks of a language, those of lists too."""
    found = re.finditer(rf"^( *)```{language}\n(.*?)^\1```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{match[1]}", "", match[2], flags=re.MULTILINE) for match in found]


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a Python command that must succeed, and return what it prints."""
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert 0 == result.returncode, result.stdout + result.stderr
    return result.stdout


@contextmanager
def serving(*command: str | Path) -> Iterator[int]:
    """Run a server, whose first line tells the port that it listens on, and end it."""
    process = subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as output:
        try:
            yield int(re.findall(r"\d+", output.readline().partition("127.0.0.1")[2])[0])
        finally:
            process.terminate()
            process.wait(PATIENCE)


def ask(port: int, request: bytes) -> bytes:
    """Send a request and return the line that comes back."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock, sock.makefile("rb") as replies:
        sock.sendall(request)
        return replies.readline()
