"""The servers as others would write them: asyncio, uvloop, Twisted, Tornado, trio, gevent."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable
from typing import Any

MIB = 1 << 20
_LIMIT = 4 * MIB


def _say(port: int) -> None:
    print(port, flush=True)


def _run_asyncio(main: Any, uvloop: bool) -> None:
    factory = importlib.import_module("uvloop").new_event_loop if uvloop else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


def streams(workload: str, uvloop: bool = False) -> None:
    """asyncio streams, draining after each batch of replies."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                line = await reader.readuntil(b"\n")
                if workload == "lines":
                    writer.write(line)
                elif workload == "bodies":
                    writer.write(line + await reader.readexactly(int(line)))
                elif workload == "producer":
                    piece = b"p" * 65536
                    for _ in range(4096):
                        writer.write(piece)
                        await writer.drain()
                else:
                    for _ in range(int(line)):
                        writer.write(b"twenty bytes of data")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_LIMIT, backlog=1024)
        _say(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    _run_asyncio(main, uvloop)


class _Protocol(asyncio.Protocol):
    """Cut by hand, replies of one read joined: what a program gains that leaves every comfort."""

    def __init__(self, workload: str, members: list[Any]) -> None:
        self.workload, self.members, self.rest = workload, members, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        if self.workload == "room":
            self.members.append(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport in self.members:
            self.members.remove(self.transport)

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        if self.workload == "lines":
            whole, newline, self.rest = data.rpartition(b"\n")
            if newline:
                self.transport.write(b"".join([line + b"\n" for line in whole.split(b"\n")]))
        elif self.workload == "bodies":
            self._bodies(data)
        elif self.workload == "room":
            whole, newline, self.rest = data.rpartition(b"\n")
            for line in whole.split(b"\n") if newline else ():
                for member in self.members:
                    member.write(line + b"\n")
        else:
            for _ in range(int(data)):
                self.transport.write(b"twenty bytes of data")

    def _bodies(self, data: bytes) -> None:
        replies, at = [], 0
        while (newline := data.find(b"\n", at)) >= 0:
            end = newline + 1 + int(data[at:newline])
            if end > len(data):
                break
            replies.append(data[at:end])
            at = end
        self.rest = data[at:]
        if replies:
            self.transport.write(b"".join(replies))


def protocol(workload: str, uvloop: bool = False) -> None:
    """A raw asyncio Protocol."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        members: list[Any] = []
        server = await loop.create_server(lambda: _Protocol(workload, members), "127.0.0.1", 0, backlog=1024)
        _say(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    _run_asyncio(main, uvloop)


def twisted(workload: str) -> None:
    """Twisted's LineReceiver on its epoll reactor."""
    basic = importlib.import_module("twisted.protocols.basic")
    protocol_module = importlib.import_module("twisted.internet.protocol")
    reactor: Any = importlib.import_module("twisted.internet.reactor")
    members: list[Any] = []

    class Lines(basic.LineReceiver):  # type: ignore[misc, name-defined]
        delimiter = b"\n"
        MAX_LENGTH = _LIMIT

        def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
            self.transport.setTcpNoDelay(True)
            members.append(self)

        def connectionLost(self, reason: Any) -> None:  # noqa: N802
            members.remove(self)

        def lineReceived(self, line: bytes) -> None:  # noqa: N802
            if workload == "lines":
                self.sendLine(line)
            elif workload == "bodies":
                self.header, self.left, self.pieces = line, int(line), []
                self.setRawMode()
            elif workload == "room":
                for member in members:
                    member.sendLine(line)
            else:
                for _ in range(int(line)):
                    self.transport.write(b"twenty bytes of data")

        def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
            self.pieces.append(data[: self.left])
            rest, self.left = data[self.left :], self.left - len(data)
            if self.left <= 0:
                self.transport.write(self.header + b"\n" + b"".join(self.pieces))
                self.setLineMode(rest)

    port = reactor.listenTCP(0, protocol_module.Factory.forProtocol(Lines), interface="127.0.0.1", backlog=1024)
    _say(port.getHost().port)
    reactor.run()


def tornado(workload: str) -> None:
    """Tornado's IOStream."""
    tcpserver = importlib.import_module("tornado.tcpserver")
    closed = importlib.import_module("tornado.iostream").StreamClosedError
    ioloop = importlib.import_module("tornado.ioloop")

    class Server(tcpserver.TCPServer):  # type: ignore[misc, name-defined]
        async def handle_stream(self, stream: Any, address: Any) -> None:
            stream.set_nodelay(True)
            try:
                while True:
                    line = await stream.read_until(b"\n")
                    if workload == "bodies":
                        line += await stream.read_bytes(int(line))
                    await stream.write(line)
            except closed:
                pass

    async def main() -> None:
        server = Server()
        server.listen(0, "127.0.0.1", backlog=1024)
        _say(next(iter(server._sockets.values())).getsockname()[1])
        await asyncio.Event().wait()

    ioloop.IOLoop.current().run_sync(main)


def trio(workload: str) -> None:
    """trio, with a buffer cut by hand: it has no line reader."""
    trio_module: Any = importlib.import_module("trio")

    async def serve(stream: Any) -> None:
        rest = b""
        async for data in stream:
            whole, newline, rest = (rest + data).rpartition(b"\n")
            if newline:
                await stream.send_all(b"".join([line + b"\n" for line in whole.split(b"\n")]))

    async def main() -> None:
        listeners = await trio_module.open_tcp_listeners(0, host="127.0.0.1", backlog=1024)
        _say(listeners[0].socket.getsockname()[1])
        await trio_module.serve_listeners(serve, listeners)

    trio_module.run(main)


def gevent(workload: str) -> None:
    """gevent's StreamServer over makefile."""
    server_module = importlib.import_module("gevent.server")

    def serve(sock: Any, address: Any) -> None:
        sock.setsockopt(6, 1, 1)
        with sock.makefile("rb", 65536) as reader:
            for line in reader:
                sock.sendall(line + reader.read(int(line)) if workload == "bodies" else line)

    server = server_module.StreamServer(("127.0.0.1", 0), serve, backlog=1024)
    server.start()
    _say(server.server_port)
    server.serve_forever()


_EVERYTHING = ("lines", "bodies", "producer", "pushes")
CANDIDATES: dict[str, tuple[Callable[[str], None], tuple[str, ...]]] = {
    "asyncio streams": (streams, _EVERYTHING),
    "asyncio Protocol": (protocol, ("lines", "bodies", "pushes", "room")),
    "uvloop streams": (lambda workload: streams(workload, True), _EVERYTHING),
    "uvloop Protocol": (lambda workload: protocol(workload, True), ("lines", "bodies", "pushes", "room")),
    "Twisted": (twisted, ("lines", "bodies", "pushes", "room")),
    "Tornado": (tornado, ("lines", "bodies")),
    "trio": (trio, ("lines",)),
    "gevent": (gevent, ("lines", "bodies")),
}


if __name__ == "__main__":
    sys.exit("run the folder: python tests/benchmarks")
