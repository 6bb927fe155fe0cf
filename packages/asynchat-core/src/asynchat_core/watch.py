"""One channel's registration with its loop, and what becomes of the exceptions of its handlers."""

from __future__ import annotations

import logging
from typing import Any

from .reactor import READ, WRITE

log = logging.getLogger("asynchat")


class ExitNow(Exception):
    """Raised in a callback, it leaves the loop (ERR-007)."""


class NothingToRead(BlockingIOError):
    """``recv`` found nothing: raised instead of a plain BlockingIOError, so that nobody else's is swallowed with it."""


#: What leaves the loop; all other exceptions go to the channel's ``handle_error``.
LEAVES_LOOP = (ExitNow, KeyboardInterrupt, SystemExit)


class Watch:
    """
    One channel's registration. It is made new for each, so that an event which comes late finds it dead.

    A channel whose class answers ``readable()`` or ``writable()`` itself is ``asked`` before each wait.
    """

    __slots__ = ("__weakref__", "asked", "channel", "fd", "live", "mask")

    def __init__(self, fd: int, channel: Any) -> None:
        self.fd = fd
        self.channel = channel
        self.mask = 0
        self.live = True
        self.asked = False

    def ready(self, events: int) -> None:
        """Hand readiness to the channel; its exceptions go to its ``handle_error``."""
        channel = self.channel
        if events & READ and self.live:
            try:
                channel.handle_read_event()
            except LEAVES_LOOP:
                raise
            except NothingToRead:
                pass
            except Exception:
                channel.handle_error()
        if events & WRITE and self.live:
            try:
                channel.handle_write_event()
            except LEAVES_LOOP:
                raise
            except Exception:
                channel.handle_error()

    def wanted(self) -> int:
        """Return what the channel wants to be told of; a predicate that raises hurts only its channel (ERR-015)."""
        channel = self.channel
        try:
            interest = getattr(channel, "_ac_interest", None)
            if interest is not None:
                mask, self.asked = interest()
                return int(mask)
            # Not one of our dispatchers: any object with the channel methods is served (MIX-006).
            self.asked = True
            wants_write = channel.writable() and not channel.accepting
            return (READ if channel.readable() else 0) | (WRITE if wants_write else 0)
        except LEAVES_LOOP:
            raise
        except Exception:
            channel.handle_error()
            return 0
