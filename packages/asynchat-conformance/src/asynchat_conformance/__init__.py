"""The conformance suite for asynchat: hold any event loop to the behaviour that programs rely on."""

from __future__ import annotations

from ._adapter import Backend, BadAdapter, ModuleBackend
from ._from_reactor import INTENDED, ReactorBackend
from ._registry import REGISTRY, Capability, Level, check, load_suite, untested

__version__ = "0.1.0"

__all__ = (
    "INTENDED",
    "REGISTRY",
    "Backend",
    "BadAdapter",
    "Capability",
    "Level",
    "ModuleBackend",
    "ReactorBackend",
    "check",
    "load_suite",
    "untested",
)
