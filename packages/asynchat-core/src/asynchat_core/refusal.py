"""What a command line says when it cannot do what it was asked for."""

from __future__ import annotations


class Refused(Exception):
    """A command that cannot be carried out; the message is one line that names the value and the fix."""


def refusal(error: Exception) -> Refused:
    """Return the refusal for an error of ours, without the number that OSError puts before its message."""
    return Refused((error.strerror if isinstance(error, OSError) else None) or str(error))
