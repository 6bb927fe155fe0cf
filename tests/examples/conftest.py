"""Runs each example on each installed backend, and on the plain interpreter where that has asynchat."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from asynchat_core import installed_backends

# The demo drives the same programs: its servers and clients are the tests' as well.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))

from servers import PATIENCE, STDLIB, Launcher, Server

LAUNCHERS = [backend.name for backend in installed_backends()]
if importlib.util.find_spec("asynchat"):
    LAUNCHERS.append(STDLIB)


@pytest.fixture(scope="session", params=LAUNCHERS)
def launcher(request: pytest.FixtureRequest) -> Launcher:
    """Each way to run a program that this environment has."""
    return Launcher(request.param)


@pytest.fixture(scope="session")
def started(launcher: Launcher) -> Iterator[Callable[..., Server]]:
    """Start a program, once for all tests that ask for it with the same arguments; all must end cleanly."""
    running: dict[tuple[str, ...], Server] = {}
    with ExitStack() as stack:

        def start(program: str, *arguments: str) -> Server:
            key = (program, *arguments)
            if key not in running:
                running[key] = stack.enter_context(Server(launcher, program, *arguments))
            return running[key]

        yield start


@pytest.fixture
def leaves_nothing() -> Callable[[Server, Callable[[], object]], AbstractContextManager[None]]:
    """Hold a block to this: in the end the server has closed each connection that was made in it.

    ``talk`` is a short conversation with the server. It is held until that is so: the server may need a turn for it.
    """

    @contextmanager
    def check(server: Server, talk: Callable[[], object]) -> Iterator[None]:
        talk()
        before = server.descriptors()
        yield
        deadline = time.monotonic() + PATIENCE
        talk()
        while server.descriptors() > before:
            assert time.monotonic() < deadline, f"{server.descriptors()} descriptors are open, not {before}"
            talk()

    return check


@pytest.fixture
def server_of(started: Callable[..., Server]) -> Iterator[Callable[..., Server]]:
    """As ``started``; and whatever the test did to a server must not have made it fail."""
    used: list[Server] = []

    def start(program: str, *arguments: str) -> Server:
        used.append(started(program, *arguments))
        return used[-1]

    yield start
    for server in used:
        # pytest shows it beside a failure.
        print(server.title, *server.lines[-40:], sep="\n")
        server.check()
