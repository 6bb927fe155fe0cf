"""What a channel was told, as a list of events that can be compared and read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Event(NamedTuple):
    """One callback: its name, and what it was given, if that matters."""

    name: str
    value: Any = None

    def __repr__(self) -> str:
        if self.value is None:
            return self.name
        shown = repr(self.value)
        return f"{self.name}({shown if len(shown) <= 80 else f'{shown[:60]}... {len(self.value)} bytes'})"


def DATA(data: bytes) -> Event:  # noqa: N802 - reads as the event it makes
    """collect_incoming_data was given these bytes."""
    return Event("DATA", data)


def ERROR(kind: type[BaseException]) -> Event:  # noqa: N802 - reads as the event it makes
    """handle_error was called, with an exception of this type in sys.exc_info()."""
    return Event("ERROR", kind.__name__)


#: found_terminator, handle_close, handle_connect, handle_accepted, handle_read, handle_write, handle_expt were called.
END = Event("END")
CLOSE = Event("CLOSE")
CONNECT = Event("CONNECT")
ACCEPTED = Event("ACCEPTED")
READ = Event("READ")
WRITE = Event("WRITE")
EXPT = Event("EXPT")


def merged(events: Iterable[Event]) -> list[Event]:
    """Join neighbouring DATA events: how the bytes of one frame were cut is no promise."""
    result: list[Event] = []
    pieces: list[bytes] = []
    for event in events:
        if event.name == "DATA":
            pieces.append(event.value)
            continue
        if pieces:
            result.append(DATA(b"".join(pieces)))
            pieces = []
        result.append(event)
    if pieces:
        result.append(DATA(b"".join(pieces)))
    return result


def frames(events: Iterable[Event]) -> list[bytes]:
    """Return the bytes of each frame that was ended."""
    result: list[bytes] = []
    data = b""
    for event in merged(events):
        if event.name == "DATA":
            data += event.value
        elif event.name == "END":
            result.append(data)
            data = b""
    return result
