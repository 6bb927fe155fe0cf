"""Find the installed backends by name, and put one in the place of asynchat and asyncore."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from ._limits import SAFE_DEFAULTS

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from types import ModuleType

GROUP = "asynchat.backends"
#: The backends of this project, and the extra of asynchat-core that installs each.
KNOWN = ("selectors", "asyncore", "uvloop")

_NAMES = ("asynchat", "asyncore")
# What install() displaced, to be put back.
_displaced: dict[str, ModuleType | None] | None = None


class BackendNotInstalled(LookupError):
    """No installed backend has the name; the message says what to install and what there is."""


class InstalledBackend(NamedTuple):
    """A backend that ``get_backend`` would find."""

    name: str
    module: str
    distribution: str
    version: str


def installed_backends() -> list[InstalledBackend]:
    """Return the installed backends, by name; none of them is imported."""
    return sorted(
        InstalledBackend(
            point.name,
            point.module,
            point.dist.name if point.dist else "",
            point.dist.version if point.dist else "",
        )
        for point in _entry_points().values()
    )


def get_backend(name: str) -> ModuleType:
    """
    Import and return the backend ``name``: a module with async_chat, dispatcher, loop and the other documented names.

    Args:
        name: as in an entry point of the group ``asynchat.backends``: selectors, asyncore, uvloop, or another's own.

    Raises:
        BackendNotInstalled: there is none of that name.
        ImportError: it is installed, and something that it needs is not.
    """
    points = _entry_points()
    if name not in points:
        there = ", ".join(sorted(points)) or "none"
        fix = f'pip install "asynchat-core[{name}]"' if name in KNOWN else f"choose one of {', '.join(KNOWN)}"
        raise BackendNotInstalled(f"backend {name!r} is not installed (installed: {there}): {fix}")
    module: ModuleType = points[name].load()
    return module


def install(name: str, *, safe: bool = False) -> ModuleType:
    """
    Make ``import asynchat`` and ``import asyncore`` give the drop-in modules of the backend ``name``.

    To be called before the program imports either. Called again for the same backend it does nothing.

    Args:
        name: the backend, as for ``get_backend``.
        safe: give the drop-in's async_chat the limits of ``SafeLimits``; a class that sets one itself keeps its own.

    Returns:
        The backend.

    Raises:
        BackendNotInstalled: there is none of that name.
        RuntimeError: another asynchat or asyncore has been imported already.
    """
    global _displaced
    backend = get_backend(name)
    wanted = {module: getattr(backend, module) for module in _NAMES}
    for module, replacement in wanted.items():
        present = sys.modules.get(module)
        if present is not None and present is not replacement and not _is_plain_asyncore(present):
            raise RuntimeError(
                f"cannot install backend {name!r}: {module} is imported already, from "
                f"{getattr(present, '__file__', present)!r}; call install() before the first import of it"
            )
    if _displaced is None:
        _displaced = {module: sys.modules.get(module) for module in _NAMES}
    sys.modules.update(wanted)
    if safe:
        for limit, value in SAFE_DEFAULTS.items():
            setattr(backend.asynchat.async_chat, limit, value)
    return backend


def uninstall() -> None:
    """Take back ``install``: the names mean again what they meant before. Harmless without an ``install``."""
    global _displaced
    displaced, _displaced = _displaced, None
    for module, before in (displaced or {}).items():
        if before is None:
            sys.modules.pop(module, None)
        else:
            sys.modules[module] = before


def _is_plain_asyncore(module: ModuleType) -> bool:
    """Whether ``module`` is there only because the asyncore backend stands on it: no program's channels are in it."""
    return module.__name__ == "asyncore" and "asynchat_asyncore" in sys.modules and not module.socket_map


def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}
