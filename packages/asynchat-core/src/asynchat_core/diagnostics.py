"""What is said of an exception, a class, a shortage: in one line."""

from __future__ import annotations

import os
import sys
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM

#: The process or the system has none left of something.
OUT_OF_RESOURCES = frozenset({EMFILE, ENFILE, ENOBUFS, ENOMEM})


def compact_traceback() -> tuple[tuple[str, str, str], type[BaseException], BaseException, str]:
    """
    Describe the exception that is being handled: (file, function, line), its type, itself, and its way in one line.

    Raises:
        AssertionError: none is.
    """
    kind, value, traceback = sys.exc_info()
    if kind is None or value is None or traceback is None:
        raise AssertionError("traceback does not exist")
    steps = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        steps.append((code.co_filename, code.co_name, str(traceback.tb_lineno)))
        traceback = traceback.tb_next
    return steps[-1], kind, value, " ".join(f"[{file}|{function}|{line}]" for file, function, line in steps)


def class_name(value: object) -> str:
    """Return the name of an object's class with its module."""
    return f"{type(value).__module__}.{type(value).__qualname__}"


def shortage(failure: int) -> str:
    """Say in one line what the system has run out of, and the cure."""
    name = os.strerror(failure)
    if failure != EMFILE:
        return f"{name}: the system is short of it, look there"
    # Only a system that has such a limit has the module.
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return f"{name}: this process may have {most}; raise that (ulimit -n), or set max_connections well below it"
