"""Tell systemd, or another that speaks its protocol, how the service is: ready, stopping, alive. No dependency."""

from __future__ import annotations

import os
import socket


def notify(*states: str) -> bool:
    """
    Send states to the socket that ``NOTIFY_SOCKET`` names.

    Args:
        states: as ``"READY=1"``, ``"STATUS=serving"``.

    Returns:
        Whether they were sent; False where nobody asked for them, or nobody listens.
    """
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto("\n".join(states).encode(), address)
        except OSError:
            return False
    return True


def watchdog_interval() -> float | None:
    """Return the seconds between two ``WATCHDOG=1`` that keep this process from being restarted; None if not asked."""
    microseconds, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or not int(microseconds) or pid not in ("", str(os.getpid())):
        return None
    return int(microseconds) / 2_000_000
