"""asynchat as others carry it on: pyasynchat and standard-asynchat, as they are, on their own asyncore."""

from __future__ import annotations

from asynchat_conformance.reference import Reference


class Pyasynchat(Reference):
    """pyasynchat on pyasyncore."""

    name = "pyasynchat"
    distribution = "pyasynchat"


class StandardAsynchat(Reference):
    """standard-asynchat on standard-asyncore."""

    name = "standard-asynchat"
    distribution = "standard-asynchat"
