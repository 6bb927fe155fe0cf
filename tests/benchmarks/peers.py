"""The servers on asyncio and on uvloop: streams, a plain Protocol, and one that joins its replies by hand."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from sockets import MIB, PIECE

LIMIT = 4 * MIB
BACKLOG = 1024


def say(port: int) -> None:
    """Tell the benchmark the port."""
    print(port, flush=True)


def _run(main: Any, uvloop: bool) -> None:
    factory = importlib.import_module("uvloop").new_event_loop if uvloop else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


def streams(server: str, uvloop: bool = False) -> None:
    """asyncio streams, draining after each reply."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                line = await reader.readuntil(b"\n")
                if server == "lines":
                    writer.write(line)
                elif server == "bodies":
                    writer.write(line + await reader.readexactly(int(line)))
                elif server == "producer":
                    piece = b"p" * 65536
                    for _ in range(256 * MIB // len(piece)):
                        writer.write(piece)
                        await writer.drain()
                else:
                    for _ in range(int(line)):
                        writer.write(PIECE)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        listener = await asyncio.start_server(serve, "127.0.0.1", 0, limit=LIMIT, backlog=BACKLOG)
        say(listener.sockets[0].getsockname()[1])
        await listener.serve_forever()

    _run(main, uvloop)


class _Plain(asyncio.Protocol):
    """A line buffer and a write for each reply."""

    def __init__(self, server: str, members: list[Any]) -> None:
        self.server, self.members = server, members
        self.rest: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.members.append(transport)

    def data_received(self, data: bytes) -> None:
        # Bytes of a body may be newlines, so that only lines may be kept in pieces until theirs comes.
        if self.server == "bodies":
            self.rest = [self._bodies(b"".join(self.rest) + data)]
            return
        whole, newline, rest = data.rpartition(b"\n")
        if newline:
            whole = b"".join([*self.rest, whole])
            self.rest.clear()
            self.lines(whole.split(b"\n"))
        if rest:
            self.rest.append(rest)

    def lines(self, lines: list[bytes]) -> None:
        """Act on whole lines."""
        for line in lines:
            if self.server == "lines":
                self.transport.write(line + b"\n")
            elif self.server == "room":
                for member in self.members:
                    member.write(line + b"\n")
            else:
                for _ in range(int(line)):
                    self.transport.write(PIECE)

    def _bodies(self, data: bytes) -> bytes:
        """Act on headers and bodies; return what is not whole."""
        frames, at = [], 0
        while (newline := data.find(b"\n", at)) >= 0:
            end = newline + 1 + int(data[at:newline])
            if end > len(data):
                break
            frames.append(data[at:end])
            at = end
        self.bodies(frames)
        return data[at:]

    def bodies(self, frames: list[bytes]) -> None:
        """Send whole frames."""
        for frame in frames:
            self.transport.write(frame)


class _Coalesced(_Plain):
    """The same, with one write for all the replies of one read: what a program gains that leaves every comfort."""

    def lines(self, lines: list[bytes]) -> None:
        if self.server == "lines":
            self.transport.write(b"".join([line + b"\n" for line in lines]))
        else:
            data = b"".join([line + b"\n" for line in lines])
            for member in self.members:
                member.write(data)

    def bodies(self, frames: list[bytes]) -> None:
        if frames:
            self.transport.write(b"".join(frames))


def protocol(server: str, uvloop: bool = False, coalesced: bool = False) -> None:
    """A raw asyncio Protocol."""
    factory = _Coalesced if coalesced else _Plain

    async def main() -> None:
        loop = asyncio.get_running_loop()
        members: list[Any] = []
        listener = await loop.create_server(lambda: factory(server, members), "127.0.0.1", 0, backlog=BACKLOG)
        say(listener.sockets[0].getsockname()[1])
        await listener.serve_forever()

    _run(main, uvloop)
