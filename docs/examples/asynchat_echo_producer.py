"""A producer: an object that makes output when the channel has room for it, instead of all at once."""

from __future__ import annotations

import asynchat
import logging


class EchoProducer(asynchat.simple_producer):
    """Gives its text out in pieces of ``buffer_size`` bytes and tells of each; b"" says that it has no more."""

    def more(self) -> bytes:
        piece = super().more()
        logging.getLogger("EchoProducer").info("more() -> (%d bytes) %r", len(piece), piece)
        return piece
