"""Counters: what a server's channels and its loop do."""

from __future__ import annotations

import json
import logging
import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from asynchat_core import control
from asynchat_core.cli_top import table
from asynchat_core.metering import Snapshot

from .conftest import Rig


def test_bytes_and_frames_are_counted(rig: Rig) -> None:
    """A snapshot tells each channel's bytes in both directions, its frames and its queue."""
    meter = rig.module.observe(map=rig.map)
    listener = rig.listen()
    meter.look()
    client = rig.client(listener.addresses[0])
    rig.ask(client, b"12345\n1\n")
    (channel,) = meter.snapshot()["channels"]
    assert "{}:{}".format(*client.getsockname()) == channel["peer"]
    assert (8, 8, 2, 0) == tuple(channel[name] for name in ("bytes_in", "bytes_out", "frames", "queued"))
    assert "connected" == channel["state"]
    meter.close()


def test_listeners_are_counted(rig: Rig) -> None:
    """A snapshot tells each listener's addresses and connections."""
    listener = rig.listen(max_connections_per_ip=1)
    meter = rig.module.observe(map=rig.map)
    rig.ask(rig.client(listener.addresses[0]), b"a\n")
    assert b"" == rig.read(rig.client(listener.addresses[0]))
    (shown,) = meter.snapshot()["listeners"]
    address = "{}:{}".format(*listener.addresses[0])
    assert {"addresses": [address], "accepted": 1, "refused": 1, "connections": 1} == shown
    meter.close()


def test_the_loop_is_counted(rig: Rig) -> None:
    """A snapshot tells the loop's turns and events, and whose callback was the slowest; asyncore's loop is closed."""
    listener = rig.listen()
    meter = rig.module.observe(map=rig.map)
    client = rig.client(listener.addresses[0])
    rig.ask(client, b"a\n")
    loop = meter.snapshot()["loop"]
    if rig.module.__name__ == "asynchat_asyncore":
        assert loop is None
        return
    assert loop["turns"] > 0
    assert loop["events"] >= 2
    assert 0 < loop["slowest"] <= loop["busy"]
    assert loop["slowest_channel"]
    meter.close()


def test_channels_that_were_there_are_counted_too(rig: Rig) -> None:
    """A channel that was there before is counted from then on."""
    listener = rig.listen()
    client = rig.client(listener.addresses[0])
    rig.ask(client, b"before\n")
    meter = rig.module.observe(map=rig.map)
    rig.module.poll_once(0, rig.map)
    rig.ask(client, b"a\n")
    (channel,) = meter.snapshot()["channels"]
    assert (2, 2, 2) == tuple(channel[name] for name in ("bytes_in", "bytes_out", "frames"))
    meter.close()


def test_a_paused_channel_is_shown(rig: Rig) -> None:
    """A channel that waits for its peer to read shows its queue."""

    class Large(rig.echo):  # type: ignore[misc, name-defined]
        def frame_received(self, frame: bytes) -> None:
            self.push(b"x" * 8_000_000)

    listener = rig.listen(Large)
    meter = rig.module.observe(map=rig.map)
    rig.client(listener.addresses[0]).sendall(b"a\n")
    rig.until(lambda: any(channel.producer_fifo for channel in listener.connections))
    (channel,) = meter.snapshot()["channels"]
    assert "paused" == channel["state"]
    assert channel["queued"] > 0
    meter.close()


def test_the_hook_gets_snapshots(rig: Rig) -> None:
    """A hook is called again and again, also after it has raised; what it gets is plain enough for JSON."""
    seen: list[Snapshot] = []

    def hook(snapshot: Snapshot) -> None:
        seen.append(snapshot)
        raise LookupError("no")

    rig.listen()
    meter = rig.module.observe(hook, 0.001, map=rig.map)
    rig.until(lambda: len(seen) == 3)
    assert seen[-1] == json.loads(json.dumps(seen[-1]))
    meter.close()


def test_a_closed_meter_is_silent(rig: Rig) -> None:
    """After ``close()`` the hook is not called and the loop runs as before."""
    seen: list[Snapshot] = []
    listener = rig.listen()
    meter = rig.module.observe(seen.append, 0.001, map=rig.map)
    meter.close()
    meter.close()
    client = rig.client(listener.addresses[0])
    assert b"a\n" == rig.ask(client, b"a\n")
    assert [] == seen


def test_diagnostics_have_fields(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """A channel's diagnostic has the peer, the descriptor and the class as fields of its record."""

    class Failing(rig.echo):  # type: ignore[misc, name-defined]
        def frame_received(self, frame: bytes) -> None:
            raise LookupError("no")

    listener = rig.listen(Failing)
    client = rig.client(listener.addresses[0])
    with caplog.at_level(logging.ERROR, "asynchat"):
        assert b"" == rig.ask(client, b"a\n")
    record: Any = caplog.records[0]
    assert client.getsockname() == record.peer
    assert record.fd > 0
    assert record.channel.endswith("Failing")


def test_the_end_of_a_connection_is_logged_for_debugging(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """At the level of debugging each connection's end is logged, with its age and frames as fields."""
    listener = rig.listen()
    client = rig.client(listener.addresses[0])
    rig.ask(client, b"a\n")
    with caplog.at_level(logging.DEBUG, "asynchat"):
        client.close()
        rig.until(lambda: not listener.connections)
    record: Any = next(record for record in caplog.records if "closed" in record.message)
    assert 1 == record.frames
    assert record.age > 0


def test_another_user_is_refused(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A control socket answers its own user and root only, whatever the file's mode has become."""
    path = str(tmp_path / "c")
    meter = rig.module.observe(map=rig.map)
    rig.listen(control.make_control_type(rig.module.async_chat, meter), path=path)
    assert b'{"error"' == rig.ask(rig.client(path), b"what\n")[:8]
    assert b'{"pid"' == rig.ask(rig.client(path), b"snapshot\n")[:6]

    stranger = struct.pack("3i", 1, 12345, 12345)
    monkeypatch.setattr(socket.socket, "getsockopt", lambda *args: stranger if args[-1] == 12 else 0)
    assert b"" == rig.read(rig.client(path))
    meter.close()


def test_a_folder_of_others_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A control socket is never put into a folder that others may write to."""
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "open"))
    with pytest.raises(PermissionError, match="give the path"):
        control.control_path("localhost:80")


def snapshot(uptime: float, *channels: tuple[int, int, int]) -> Snapshot:
    """Make a snapshot of channels, each a descriptor and its bytes."""
    return {
        "pid": 7,
        "uptime": uptime,
        "loop": {"turns": 5, "events": 9, "busy": uptime / 4, "slowest": 0.0123, "slowest_channel": "m.Echo"},
        "listeners": [{"addresses": ["[::1]:80"], "accepted": 12, "refused": 2, "connections": 2}],
        "channels": [
            {
                "fd": fd,
                "class": "m.Echo",
                "peer": f"192.0.2.{fd}:1000",
                "state": "connected",
                "age": 61.0,
                "bytes_in": bytes_in,
                "bytes_out": bytes_out,
                "frames": 3,
                "queued": 0,
            }
            for fd, bytes_in, bytes_out in channels
        ],
    }


def test_the_busiest_channel_comes_first() -> None:
    """``top`` shows the bytes a second since its last look, and orders the channels by them."""
    before = snapshot(10.0, (5, 1000, 1000), (6, 0, 0))
    now = snapshot(12.0, (5, 1200, 1000), (6, 2_000_000, 40_000))
    lines = table([now], [before])
    assert lines[0] == (
        "pid 7, up 12s, [::1]:80: 2 open, 12 accepted, 2 refused, 5 turns, 25.0 % busy, slowest 12.3 ms in m.Echo"
    )
    rows = [line.split() for line in lines[3:]]
    assert ["7", "6", "192.0.2.6:1000", "connected", "61s", "977K", "20K", "1953K", "39K", "3", "0", "Echo"] == rows[0]
    assert ["7", "5", "192.0.2.5:1000", "connected", "61s", "100", "0", "1200", "1000", "3", "0", "Echo"] == rows[1]
