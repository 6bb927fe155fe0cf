"""``asynchat serve``: run a handler class as a server, in one process or several."""

from __future__ import annotations

import argparse
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command to the parser's ``commands``."""
    serve = commands.add_parser("serve", help="run a handler class as a server")
    serve.add_argument("handler", metavar="MODULE:Handler", help="an async_chat, called for each connection")
    serve.add_argument("--backend", default="selectors", metavar="NAME", help="selectors (the default), uvloop, ...")
    where = serve.add_argument_group("where to listen")
    where.add_argument("--host", metavar="HOST", help="a name or an address; all of the machine's without it")
    where.add_argument("--port", type=int, metavar="N", help="0 for one of the system's choice")
    where.add_argument("--path", help="of a Unix socket")
    where.add_argument("--mode", type=_octal, metavar="OCTAL", help="permissions of that socket's file")
    where.add_argument("--fd", metavar="N|systemd", help="an inherited socket, or those that systemd passes")
    where.add_argument("--backlog", type=int, default=1024, metavar="N", help="default 1024")
    where.add_argument("--ipv4", action="store_true", help="without --host, listen on IPv4 only")
    limits = serve.add_argument_group("limits")
    limits.add_argument("--max-connections", type=int, metavar="N", help="of each process; others wait")
    limits.add_argument("--max-connections-per-ip", type=int, metavar="N", help="of each process; others are closed")
    limits.add_argument(
        "--limit", action="append", default=[], metavar="NAME=VALUE", help="of each channel, as frame_timeout=10"
    )
    limits.add_argument(
        "--proxy-protocol-from", action="append", default=[], metavar="NETWORK", help="a balancer that sends PROXY"
    )
    process = serve.add_argument_group("processes")
    process.add_argument("--workers", type=int, default=1, metavar="K", help="processes that share the port")
    process.add_argument("--shutdown-timeout", type=float, default=30.0, metavar="SECONDS", help="default 30")
    process.add_argument("--control", nargs="?", const="", metavar="PATH", help="let asynchat top look")
    process.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    serve.set_defaults(action=_serve)


def _octal(text: str) -> int:
    return int(text, 8)


def _serve(options: argparse.Namespace) -> int:
    # What does I/O is loaded for the command that needs it only.
    from .launching import launch

    return launch(options)
