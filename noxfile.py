"""The project's jobs. ``nox`` alone runs what CI runs; ``nox --list`` shows them all."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
# A person tests on the interpreters there are; CI passes --error-on-missing-interpreters.
nox.options.error_on_missing_interpreters = False
nox.options.sessions = [
    "lint",
    "typing",
    "tests",
    "coverage",
    "docs",
    "build",
    "demo",
    "conformance",
    "mutants",
]

PYTHONS = ["3.11", "3.12", "3.13"]
PACKAGES = [f"packages/asynchat-{name}" for name in ("core", "selectors", "asyncore", "uvloop", "conformance")]
WORKSPACE = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, *groups: str) -> None:
    """Install the five packages in place, and what the dependency groups name."""
    editable = [argument for package in PACKAGES for argument in ("-e", package)]
    session.install("-q", *editable, *nox.project.dependency_groups(WORKSPACE, *groups))


@nox.session
def demo(session: nox.Session) -> None:
    """Run the example programs on each backend and talk to them with real clients."""
    install(session, "demo")
    session.run("python", "tests/demo", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests; arguments after -- go to pytest."""
    install(session, "test")
    # A file is one worker's: some have a costly fixture.
    session.run("pytest", "--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile", *session.posargs)


@nox.session(python=PYTHONS[-1])
def coverage(session: nox.Session) -> None:
    """Hold the core's own tests to every line and branch of what ``import asynchat_core`` loads."""
    install(session, "test")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-q", "tests/core")
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, spelling and which layer imports which."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("lint-imports", "--no-cache")


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types of the packages, the tests and the tools."""
    install(session, "types")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, where each warning is an error, and run the examples in it."""
    install(session, "docs")
    for builder in ("html", "doctest"):
        session.run("sphinx-build", "-q", "-W", "-n", "--keep-going", "-b", builder, "docs", f"docs/_build/{builder}")


@nox.session
def build(session: nox.Session) -> None:
    """Build each package's source archive and wheel into dist/ and check what is in them."""
    session.install("-q", *nox.project.dependency_groups(WORKSPACE, "build"))
    session.run("uv", "build", "-q", "--all-packages", "--clear", "--out-dir", "dist")
    session.run("twine", "check", "--strict", *sorted(str(path) for path in Path("dist").glob("asynchat*")))
    session.run("check-wheel-contents", "dist")


@nox.session(python=PYTHONS)
def conformance(session: nox.Session) -> None:
    """Hold every backend to the conformance suite; arguments after -- go to it."""
    install(session, "test")
    session.run("python", "-m", "asynchat_conformance", *session.posargs)


@nox.session(python=PYTHONS[-1])
def mutants(session: nox.Session) -> None:
    """Hold the conformance suite to its mutants: each wrong loop and channel must be found out."""
    install(session, "test")
    session.run("pytest", "-q", "tests/conformance/test_mutants.py", env={"ASYNCHAT_MUTANTS": "1"})


@nox.session(python=PYTHONS[-1])
def loops(session: nox.Session) -> None:
    """Hold loops of others to the conformance suite; fail where one does otherwise than its adapter declares."""
    install(session, "loops")
    # Beside pyasynchat, not over it: both bring the modules asynchat and asyncore.
    standard = session.create_tmp()
    session.install("-q", "--upgrade", "--target", standard, "standard-asynchat>=3.13")
    session.run("python", "tests/loops", "--standard", standard, *session.posargs)


@nox.session(python=PYTHONS)
def differential(session: nox.Session) -> None:
    """Compare the backends with the reference modules on many generated conversations."""
    install(session, "test")
    session.run("pytest", "tests/differential", *session.posargs, env={"ASYNCHAT_EXAMPLES": "20000"})


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the backends against the reference modules."""
    install(session, "bench")
    session.run("python", "tests/benchmarks", *session.posargs)


@nox.session
def downstream(session: nox.Session) -> None:
    """Run the test suites of programs that are written on asynchat."""
    install(session, "test")
    session.run("python", "tests/downstream", *session.posargs)


@nox.session(python=PYTHONS[-1])
def soak(session: nox.Session) -> None:
    """Put ten-line servers through what the internet does to them; fail where one of ours does not hold."""
    install(session, "soak")
    session.run("python", "-m", "tests.soak", *session.posargs)
