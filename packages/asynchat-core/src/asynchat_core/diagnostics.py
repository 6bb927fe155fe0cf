"""What is said of an exception, in one line."""

from __future__ import annotations

import sys


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
