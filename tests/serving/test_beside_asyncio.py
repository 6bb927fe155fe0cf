"""Listeners, connecting and the stop in a program whose asyncio loop runs already."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asynchat_core import installed_backends

if "uvloop" not in [backend.name for backend in installed_backends()]:
    pytest.skip("the backend for asyncio loops is not installed", allow_module_level=True)

import asynchat_uvloop as backend


class Echo(backend.async_chat):
    """Send each line back."""

    def __init__(self, sock: Any, map: Any = None) -> None:
        super().__init__(sock, map)
        self.set_terminator(b"\n")

    def frame_received(self, frame: bytes) -> None:
        self.push(frame + b"\n")


def test_nothing_need_drive_the_map() -> None:
    """``listen``, ``connect``, ``observe`` and ``shutdown`` are served by the loop that runs."""

    async def main() -> None:
        map = backend.ChannelMap()
        replies: asyncio.Queue[bytes] = asyncio.Queue()

        class Client(Echo):
            def frame_received(self, frame: bytes) -> None:
                replies.put_nowait(frame)

        listener = backend.listen(Echo, "127.0.0.1", map=map)
        meter = backend.observe(map=map)
        client = Client(None, map)
        client.push(b"hello\n")
        backend.connect(client, "localhost", listener.addresses[0][1])
        assert b"hello" == await replies.get()
        assert 1 == len(listener.connections)
        assert meter.snapshot()["loop"]["turns"] > 0

        stop = backend.shutdown(map=map)
        over = asyncio.Event()
        stop.when_finished(over.set)
        await over.wait()
        assert 0 == stop.aborted
        meter.close()
        map.close()

    asyncio.run(main())


def test_serve_says_that_it_cannot() -> None:
    """``serve`` runs the loop itself, and says so where one runs already; nothing stays open."""

    async def main() -> None:
        map = backend.ChannelMap()
        with pytest.raises(RuntimeError, match="running"):
            backend.serve(Echo, "127.0.0.1", map=map)
        assert {} == map
        map.close()

    asyncio.run(main())
