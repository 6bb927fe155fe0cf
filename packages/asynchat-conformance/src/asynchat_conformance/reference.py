"""The reference: the interpreter's own asynchat and asyncore on Python 3.11, pyasynchat and pyasyncore from 3.12 on."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from ._adapter import Backend
from ._registry import Capability

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import asynchat
    import asyncore


class Reference(Backend):
    """asynchat as it was, with its known defects declared."""

    name = "reference"
    async_chat = asynchat.async_chat
    dispatcher = asyncore.dispatcher
    dispatcher_with_send = asyncore.dispatcher_with_send
    file_dispatcher = asyncore.file_dispatcher
    loop = staticmethod(asyncore.loop)
    close_all = staticmethod(asyncore.close_all)
    ExitNow = asyncore.ExitNow
    socket_map = asyncore.socket_map
    asynchat = asynchat
    missing: ClassVar[dict[Capability, str]] = {
        Capability.TIMERS: "asyncore has no timers",
        Capability.THREADSAFE_WAKE: "asyncore's wait cannot be ended from outside",
        Capability.HALF_CLOSE: "asyncore closes at the peer's end of stream",
        Capability.LIMITS: "asynchat has no limits",
        Capability.SOURCES: "asynchat knows producers by more() only, which must have something to give",
        Capability.HIGH_FD: "select takes descriptors below 1024 only",
    }
    expected_failures: ClassVar[dict[str, str]] = {
        "ACC-007": "any error of accept closes the listener",
        "ACC-010": "any error of accept closes the listener",
        "ACC-012": "one connection is accepted in each poll",
        "API-007": "a wrong type fails at the first byte only",
        "API-008": "without a terminator the first byte is an AttributeError",
        "CLS-005": "frames already read are still delivered after close",
        "CLS-006": "frames already read are still delivered after close",
        "CON-014": "it stays in the map, and handle_connect is called",
        "CON-015": "handle_close is called",
        "CON-016": "input and output of the old connection stay",
        "CON-017": "the socket stays open",
        "CWD-013": "closing with unread input sends a reset",
        "DSC-009": "the emptied queue is popped: IndexError",
        "EOF-011": "handle_close is called again in each poll",
        "ERR-013": "the same bytes are delivered again",
        "ERR-014": "the remaining frames wait for more bytes",
        "ERR-015": "what a predicate raises leaves the loop",
        "ERR-018": "an exception in handle_accepted closes the listener",
        "ERR-023": "an error in log_info leaves the loop",
        "ERR-024": "they are uncaptured exceptions",
        "ERR-025": "it goes to handle_error",
        "FAN-008": "all frames of a read come at once",
        "FAN-009": "each channel is asked in each poll",
        "FDR-003": "select raises EBADF out of the loop",
        "FDR-008": "a stale event is given to the new owner of the descriptor",
        "FDR-009": "close() removes another channel from the map",
        "FRM-016": "the terminator is not copied",
        "FRM-022": "the rest of the read is copied for each frame",
        "FRM-023": "every prefix is copied and compared",
        "LOP-011": "writable() is true by default",
        "LOP-014": "handle_expt is called in each poll",
        "MIX-010": "the first error ends it",
        "MIX-011": "all that waits is copied for each send",
        "MIX-012": "BlockingIOError goes to handle_error",
        "MIX-013": "no bytes are taken for the end of the stream",
        "OUT-005": "a bytearray is queued by reference",
        "OUT-014": "lengths are counted in items, sends in bytes",
        "OUT-021": "the rest of the chunk is copied for each send",
        "OUT-022": "each push is a send",
        "PRD-010": "a false producer is dropped after its first chunk",
        "PRD-019": "the queue outlives close()",
        "PRD-021": "the producer is asked again in each poll",
        "PRD-022": "the rest is copied for each piece",
        "RNT-004": "what more() pushes overtakes its chunk",
        "RNT-005": "RecursionError",
        "TRM-008": "the change is taken for the count that is left",
        "TRM-009": "the change is overwritten by 0",
        "TRM-014": "the held bytes wait for more",
    }

    def new_map(self) -> dict[int, Any]:
        """Return a dict."""
        return {}

    def poll(self, map: dict[int, Any], timeout: float) -> None:
        """Select once."""
        asyncore.poll(timeout, map)

    def close_map(self, map: dict[int, Any]) -> None:
        """Close everything in the map."""
        asyncore.close_all(map, ignore_all=True)


_CLOSED_TWICE = "ACC-011 CLS-010 CWD-010 EOF-004 EOF-006 EOF-007 EOF-008 MIX-003"


class ReferencePollMode(Reference):
    """The same by ``poll2``, which loses bytes at a hang-up and closes twice, but bears bad and high descriptors."""

    name = "reference-poll"
    missing: ClassVar[dict[Capability, str]] = {
        need: reason for need, reason in Reference.missing.items() if need is not Capability.HIGH_FD
    }
    expected_failures: ClassVar[dict[str, str]] = {
        **{id: reason for id, reason in Reference.expected_failures.items() if id != "FDR-003"},
        **dict.fromkeys(_CLOSED_TWICE.split(), "a hang-up leads to handle_close twice"),
        **dict.fromkeys(("EOF-005", "EOF-012", "THR-001"), "a hang-up closes with bytes unread"),
        "CLS-015": "a channel that was closed gets the rest of its events",
        "LOP-013": "the timeout is cut to whole milliseconds",
    }

    def poll(self, map: dict[int, Any], timeout: float) -> None:
        """Poll once."""
        asyncore.poll2(timeout, map)
