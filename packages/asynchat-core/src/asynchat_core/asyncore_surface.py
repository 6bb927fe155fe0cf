"""The names of the standard library's asyncore that belong to no particular loop, for the drop-in modules."""

from __future__ import annotations

import errno
import os
import select
import socket
import sys
import time
import warnings
from errno import (
    EAGAIN,
    EALREADY,
    EBADF,
    ECONNABORTED,
    ECONNRESET,
    EINPROGRESS,
    EINVAL,
    EISCONN,
    ENOTCONN,
    EPIPE,
    ESHUTDOWN,
    EWOULDBLOCK,
    errorcode,
)

from .diagnostics import compact_traceback
from .loops import _exception, read, readwrite, write
from .sockets import DISCONNECTED as _DISCONNECTED
from .variants import file_wrapper
from .watch import LEAVES_LOOP as _reraised_exceptions
from .watch import ExitNow

__all__ = (
    "EAGAIN",
    "EALREADY",
    "EBADF",
    "ECONNABORTED",
    "ECONNRESET",
    "EINPROGRESS",
    "EINVAL",
    "EISCONN",
    "ENOTCONN",
    "EPIPE",
    "ESHUTDOWN",
    "EWOULDBLOCK",
    "_DISCONNECTED",
    "ExitNow",
    "_exception",
    "_reraised_exceptions",
    "_strerror",
    "compact_traceback",
    "errorcode",
    "file_wrapper",
    "os",
    "read",
    "readwrite",
    "select",
    "socket",
    "sys",
    "time",
    "warnings",
    "write",
)


def _strerror(number: int) -> str:
    """Return what an errno means; never raises, whatever the number."""
    try:
        return os.strerror(number)
    except (ValueError, OverflowError):
        return errno.errorcode.get(number, f"Unknown error {number}")
