"""The programs: what each is, what it needs, and how to find out whether it works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from venvs import PYTHONS

_HERE = Path(__file__).resolve().parents[1]
INSIDE = _HERE / "inside"


@dataclass(frozen=True)
class Program:
    """One row of the matrix."""

    name: str
    #: What it is, in one line of the page.
    about: str
    #: What runs its tests: a script of the folder inside/, and the script's arguments after the report.
    suite: tuple[str, ...]
    #: What to install, as the registry knows it.
    requirements: tuple[str, ...] = ()
    #: What of that to fetch as source, for its tests; the folder of these is then the script's next argument.
    source: str = ""
    pythons: tuple[str, ...] = PYTHONS
    #: Seconds that one run of it may take.
    deadline: float = 120.0
    #: How often tests that fail may be tried: more than once only where they fail now and then on asyncore itself.
    tries: int = 1


def _reference(name: str, about: str) -> Program:
    return Program(name, about, ("suite.py", "reference", name), deadline=200)


def _own(name: str, about: str, only: str = "*") -> Program:
    return Program(name, about, ("suite.py", "own", name, "--only", only))


def _habits(name: str, about: str) -> Program:
    return Program(f"habits: {name}", about, ("suite.py", "file", str(_HERE / "habits" / f"{name}.py")))


def _check(name: str, about: str, *requirements: str, pythons: tuple[str, ...] = PYTHONS) -> Program:
    path = _HERE / "checks" / f"check_{name.replace('-', '_').lower()}.py"
    return Program(name, about, ("suite.py", "file", str(path)), requirements, pythons=pythons)


_PYTEST = ("pytest>=8", "pytest-timeout>=2.3")

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
    Program(
        "pyftpdlib 2.2 (tests)",
        "pyftpdlib's own tests, TLS among them; it imports asyncore and asynchat from outside, its loop is its own",
        ("pytests.py",),
        ("pyftpdlib[ssl]==2.2.0", "psutil", "pip", *_PYTEST),
        source="pyftpdlib==2.2.0",
        deadline=240,
        tries=2,
    ),
    Program(
        "pyftpdlib 1.5 (tests)",
        "the same of the last release with copies of asyncore and asynchat, which are replaced; on 3.11 it uses none",
        (
            *("pytests.py", "pyftpdlib.test", "--replace"),
            *("pyftpdlib._asyncore=asyncore", "pyftpdlib._asynchat=asynchat"),
        ),
        ("pyftpdlib[ssl]==1.5.10", "psutil", *_PYTEST),
        pythons=("3.12", "3.13"),
        deadline=240,
        tries=2,
    ),
    _check(
        "pyftpdlib",
        "500 MB up and down by the standard library's ftplib, compared by checksum; on one Python, for time",
        "pyftpdlib",
        pythons=PYTHONS[-1:],
    ),
    Program(
        "zope.server (tests)",
        "zope.server's own tests: HTTP and FTP servers with worker threads that wake the loop through a pipe",
        ("pytests.py", "zope.server"),
        ("zope.server[test]", "zope.i18n", "zope.testing", *_PYTEST),
        deadline=240,
    ),
    _check("PodSixNet", "a game server and its clients in one process, pumped once a frame", "PodSixNet"),
    _check("irc-bot", "an IRC bot that connects by itself and polls a dict made anew each time", "irc-bot"),
    _check("lewis", "a simulated device served over TCP, with real clients", "lewis<1.4"),
    _check("asyncore-wsgi", "a WSGI server with an epoll loop of its own over asyncore.readwrite()", "asyncore-wsgi"),
    _check("standard-smtpd", "smtpd brought back, in a thread with a private map, with smtplib", "standard-smtpd"),
    _check("pytest-localserver", "a mail sink in a thread", "pytest-localserver<0.6", "standard-smtpd"),
    _check("PySNMP", "an SNMP agent and a manager over UDP", "pysnmp<5", "pyasn1<0.5"),
    _check("BACpypes", "UDP and TCP directors in its own loop", "bacpypes<0.20"),
    _check("pyinotify", "file events through a file_dispatcher", "pyinotify"),
)
