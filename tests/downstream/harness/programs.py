"""The programs: what each is, what it needs, and how to find out whether it works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from venvs import PYTHONS

_HERE = Path(__file__).resolve().parents[1]
SUITE = _HERE / "inside" / "suite.py"


@dataclass(frozen=True)
class Program:
    """One row of the matrix."""

    name: str
    #: What it is, in one line of the page.
    about: str
    #: What suite.py is to run: its KIND and NAME, and options.
    suite: tuple[str, ...]
    #: What to install, as the registry knows it.
    requirements: tuple[str, ...] = ()
    pythons: tuple[str, ...] = PYTHONS
    #: Seconds that one run of it may take.
    deadline: float = 90.0


def _reference(name: str, about: str) -> Program:
    return Program(name, about, ("reference", name), deadline=150)


def _own(name: str, about: str, only: str = "*") -> Program:
    return Program(name, about, ("own", name, "--only", only))


def _habits(name: str, about: str) -> Program:
    return Program(f"habits: {name}", about, ("file", str(_HERE / "habits" / f"{name}.py")))


def _check(name: str, about: str, *requirements: str, pythons: Sequence[str] = PYTHONS) -> Program:
    path = _HERE / "checks" / f"{name.replace('-', '_').replace('.', '_').lower()}.py"
    return Program(name, about, ("file", str(path)), requirements, tuple(pythons))


PROGRAMS = (
    _habits("channels", "the ways in which 86 programs make channels: constructors, listeners, pipes"),
    _habits("callbacks", "what they do in callbacks, and which callbacks they replace"),
    _habits("output", "how they send, override sending and look into the queue"),
    _habits("loops", "how they run the loop, poke the map, and drive channels by loops of their own"),
    _habits("tls", "TLS by overridden recv and send; STARTTLS by wrapping the socket in a callback"),
    _reference("test_asynchat", "the tests of asynchat in Python 3.11's standard library"),
    _reference("test_asyncore", "the tests of asyncore there"),
    _reference("test_smtpd", "the tests of smtpd there, with smtpd itself on top of ours"),
    _own("test_ftplib", "the interpreter's tests of ftplib, whose FTP server is an async_chat"),
    _own("test_poplib", "its tests of poplib, whose POP3 server is an async_chat"),
    _own("test_smtplib", "its tests of smtplib, whose SMTP servers are smtpd's and an async_chat"),
    _own("test_ssl", "the test in test_ssl that runs TLS in a dispatcher_with_send", "*asyncore*"),
    _own("test_logging", "the test in test_logging that mails to an smtpd.SMTPServer", "*SMTPHandlerTest*"),
)
