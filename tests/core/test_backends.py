"""Backends by name: found by entry points, put in the place of asynchat and asyncore."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from asynchat_core import (
    SAFE_DEFAULTS,
    BackendNotInstalled,
    get_backend,
    install,
    installed_backends,
    uninstall,
)

MODULE = """
from types import ModuleType as _Module

asynchat = _Module("{name}.asynchat")
asyncore = _Module("{name}.asyncore")
asynchat.async_chat = type("async_chat", (), {{}})
"""


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No distribution but those of the test, neither name imported, and all of that as before when it is over."""

    def entry_points(*, group: str) -> list[metadata.EntryPoint]:
        points = [point for found in metadata.distributions(path=[str(tmp_path)]) for point in found.entry_points]
        return [point for point in points if point.group == group]

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    monkeypatch.syspath_prepend(tmp_path)
    before = sys.modules.copy()
    for name in ("asynchat", "asyncore", "asynchat_asyncore"):
        sys.modules.pop(name, None)
    yield
    uninstall()
    sys.modules.clear()
    sys.modules.update(before)


@pytest.fixture
def provide(tmp_path: Path) -> Callable[..., None]:
    """Make a distribution that provides a backend."""

    def provide(name: str, version: str = "1.0", text: str = MODULE) -> None:
        module = f"fake_{name}"
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[asynchat.backends]\n{name} = {module}\n")
        (tmp_path / f"{module}.py").write_text(text.format(name=module))

    return provide


Provide = Callable[..., None]


def imported(name: str) -> Any:
    """Return what an import of a name gives."""
    return __import__(name)


class TestLookUp:
    """``installed_backends`` and ``get_backend``."""

    def test_backends_are_listed_by_name(self, provide: Provide) -> None:
        """Each has its name, module, distribution and version; none is imported."""
        provide("two", "2.5")
        provide("one")

        assert [("one", "fake_one", "fake_one", "1.0"), ("two", "fake_two", "fake_two", "2.5")] == installed_backends()
        assert "fake_one" not in sys.modules

    def test_without_any_the_list_is_empty(self) -> None:
        """With nothing installed there is nothing to list."""
        assert [] == installed_backends()

    def test_a_backend_is_its_module(self, provide: Provide) -> None:
        """get_backend imports and returns the module."""
        provide("one")

        assert "fake_one" == get_backend("one").__name__

    def test_a_missing_backend_of_ours_names_its_extra(self, provide: Provide) -> None:
        """For a backend of this project the error says what to install, and what there is."""
        provide("one")

        message = r"backend 'uvloop' is not installed \(installed: one\): pip install \"asynchat-core\[uvloop\]\""
        with pytest.raises(BackendNotInstalled, match=message):
            get_backend("uvloop")

    def test_an_unknown_backend_names_those_there_could_be(self) -> None:
        """For any other name the error lists this project's backends."""
        message = r"backend 'twisted' is not installed \(installed: none\): choose one of selectors, asyncore, uvloop"
        with pytest.raises(BackendNotInstalled, match=message):
            get_backend("twisted")

    def test_it_is_a_lookup_error(self) -> None:
        """Who looks backends up by name may catch LookupError."""
        with pytest.raises(LookupError):
            get_backend("twisted")

    def test_a_broken_backend_says_what_it_misses(self, provide: Provide) -> None:
        """A backend that cannot be imported raises its own ImportError."""
        provide("broken", text="import a_library_that_is_not_installed")

        with pytest.raises(ImportError, match="a_library_that_is_not_installed"):
            get_backend("broken")


class TestInstall:
    """``install`` and ``uninstall``."""

    def test_the_names_give_the_backend(self, provide: Provide) -> None:
        """After install an import of either name gives the backend's module."""
        provide("one")
        backend = install("one")

        assert backend is get_backend("one")
        assert (backend.asynchat, backend.asyncore) == (imported("asynchat"), imported("asyncore"))

    def test_twice_is_once(self, provide: Provide) -> None:
        """Installing the same backend again does nothing."""
        provide("one")

        assert install("one") is install("one")
        uninstall()
        assert "asynchat" not in sys.modules

    def test_a_module_that_is_imported_already_is_not_replaced(self, provide: Provide) -> None:
        """With another asynchat or asyncore in use install is a RuntimeError that names it and says when to call."""
        provide("one")
        present = sys.modules["asynchat"] = ModuleType("asynchat")
        present.__file__ = "/usr/lib/asynchat.py"

        with pytest.raises(RuntimeError, match=r"imported already, from '/usr/lib/asynchat.py'; call install"):
            install("one")
        assert present is sys.modules["asynchat"]
        assert "asyncore" not in sys.modules

    def test_another_backend_is_not_replaced(self, provide: Provide) -> None:
        """The same where a backend was installed before."""
        provide("one")
        provide("two")
        install("one")

        with pytest.raises(RuntimeError, match="cannot install backend 'two'"):
            install("two")
        uninstall()
        install("two")
        assert get_backend("two").asynchat is sys.modules["asynchat"]

    def test_the_asyncore_below_our_own_backend_may_be_replaced(self, provide: Provide) -> None:
        """asyncore that is there since the asyncore backend stands on it, with no channel in it, is no program's."""
        provide("one")
        below = sys.modules["asyncore"] = ModuleType("asyncore")
        below.socket_map = {}  # type: ignore[attr-defined]
        sys.modules["asynchat_asyncore"] = ModuleType("asynchat_asyncore")
        install("one")
        assert get_backend("one").asyncore is sys.modules["asyncore"]

        uninstall()
        assert below is sys.modules["asyncore"]
        below.socket_map[7] = object()
        with pytest.raises(RuntimeError, match="asyncore is imported already"):
            install("one")

    def test_a_missing_backend_changes_nothing(self) -> None:
        """Where the backend is not there the names mean what they did."""
        with pytest.raises(BackendNotInstalled):
            install("uvloop")
        assert "asynchat" not in sys.modules

    def test_uninstall_without_install_is_harmless(self) -> None:
        """Without an install there is nothing to take back."""
        uninstall()
        uninstall()

    @pytest.mark.parametrize("safe", [True, False])
    def test_safe_sets_the_limits(self, provide: Provide, safe: bool) -> None:
        """With safe the drop-in's async_chat gets each of SAFE_DEFAULTS, without it none."""
        provide("one")
        chat = install("one", safe=safe).asynchat.async_chat

        assert (dict(SAFE_DEFAULTS) if safe else {}) == {
            name: getattr(chat, name) for name in SAFE_DEFAULTS if hasattr(chat, name)
        }
