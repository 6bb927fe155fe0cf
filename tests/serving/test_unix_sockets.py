"""Listeners on Unix sockets: their file, and what is there before and after."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from asynchat_core.binding import inherited_descriptors

from .conftest import Rig


def test_it_serves(rig: Rig, tmp_path: Path) -> None:
    """A path is listened on, and the file goes with the listener."""
    path = tmp_path / "s"
    listener = rig.listen(path=str(path))
    assert [str(path)] == listener.addresses
    assert b"a\n" == rig.ask(rig.client(str(path)), b"a\n")
    listener.close()
    assert not path.exists()


def test_the_file_has_the_mode(rig: Rig, tmp_path: Path) -> None:
    """``mode`` gives the file's permissions."""
    path = tmp_path / "s"
    rig.listen(path=str(path), mode=0o600)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_dead_servers_file_is_replaced(rig: Rig, tmp_path: Path) -> None:
    """A socket that nobody listens on any more is in nobody's way."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    rig.listen(path=path)
    assert b"a\n" == rig.ask(rig.client(path), b"a\n")


def test_a_live_servers_file_is_left(rig: Rig, tmp_path: Path) -> None:
    """A socket that a server listens on is an error that names the path, and the server goes on."""
    path = str(tmp_path / "s")
    rig.listen(path=path)
    with pytest.raises(OSError, match="a server listens there already") as caught:
        rig.listen(path=path)
    assert path in str(caught.value)
    assert b"a\n" == rig.ask(rig.client(path), b"a\n")


def test_another_file_is_left(rig: Rig, tmp_path: Path) -> None:
    """A file that is no socket is not removed."""
    path = tmp_path / "s"
    path.write_text("precious")
    with pytest.raises(OSError, match="no socket"):
        rig.listen(path=str(path))
    assert "precious" == path.read_text()


def test_a_successors_file_is_left(rig: Rig, tmp_path: Path) -> None:
    """A listener that closes does not remove the file of another that has taken its path."""
    path = tmp_path / "s"
    old = rig.listen(path=str(path))
    path.rename(tmp_path / "old")
    new = rig.listen(path=str(path))
    old.close()
    assert [str(path)] == new.addresses
    assert path.exists()


def test_a_path_that_is_too_long_is_named(rig: Rig, tmp_path: Path) -> None:
    """A path that no socket can have is a ValueError with its length."""
    path = str(tmp_path / ("x" * 120))
    with pytest.raises(ValueError, match=f"unix path of {len(path)} bytes is longer than the 10[0-9]"):
        rig.listen(path=path)


def test_descriptors_are_this_process_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """``LISTEN_FDS`` counts only where ``LISTEN_PID`` is this process, and is taken out of the environment."""
    monkeypatch.setattr("os.getpid", lambda: 42)
    monkeypatch.setenv("LISTEN_FDS", "2")
    monkeypatch.setenv("LISTEN_PID", "41")
    assert [] == inherited_descriptors()

    monkeypatch.setenv("LISTEN_FDS", "2")
    monkeypatch.setenv("LISTEN_PID", "42")
    assert [3, 4] == inherited_descriptors()
    assert [] == inherited_descriptors()
