"""The servers on Twisted, Tornado, trio and gevent, as their documentation would have them."""

from __future__ import annotations

import asyncio
import importlib
import socket
from typing import Any

from peers import BACKLOG, LIMIT, say
from sockets import MIB, PIECE

_PRODUCED = b"p" * 65536
_PIECES = 256 * MIB // len(_PRODUCED)


def twisted(server: str) -> None:
    """Twisted's LineReceiver on its epoll reactor."""
    basic = importlib.import_module("twisted.protocols.basic")
    protocols = importlib.import_module("twisted.internet.protocol")
    reactor: Any = importlib.import_module("twisted.internet.reactor")
    members: list[Any] = []

    class Lines(basic.LineReceiver):  # type: ignore[misc, name-defined]
        delimiter = b"\n"
        MAX_LENGTH = LIMIT

        def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
            self.transport.setTcpNoDelay(True)
            members.append(self)

        def lineReceived(self, line: bytes) -> None:  # noqa: N802
            if server == "lines":
                self.sendLine(line)
            elif server == "bodies":
                self.header, self.left = line, int(line)
                self.pieces: list[bytes] = []
                self.setRawMode()
            elif server == "room":
                for member in members:
                    member.sendLine(line)
            elif server == "producer":
                self.pieces_left = _PIECES
                self.transport.registerProducer(self, False)
            else:
                for _ in range(int(line)):
                    self.transport.write(PIECE)

        def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
            self.pieces.append(data[: self.left])
            rest, self.left = data[self.left :], self.left - len(data)
            if self.left <= 0:
                self.transport.write(self.header + b"\n" + b"".join(self.pieces))
                self.setLineMode(rest)

        def resumeProducing(self) -> None:  # noqa: N802
            if self.pieces_left:
                self.pieces_left -= 1
                self.transport.write(_PRODUCED)
            else:
                self.transport.unregisterProducer()

    port = reactor.listenTCP(0, protocols.Factory.forProtocol(Lines), interface="127.0.0.1", backlog=BACKLOG)
    say(port.getHost().port)
    reactor.run()


def tornado(server: str) -> None:
    """Tornado's IOStream."""
    tcpserver = importlib.import_module("tornado.tcpserver")
    netutil = importlib.import_module("tornado.netutil")
    closed = importlib.import_module("tornado.iostream").StreamClosedError

    class Server(tcpserver.TCPServer):  # type: ignore[misc, name-defined]
        async def handle_stream(self, stream: Any, address: Any) -> None:
            stream.set_nodelay(True)
            try:
                while True:
                    line = await stream.read_until(b"\n")
                    if server == "producer":
                        for _ in range(_PIECES):
                            await stream.write(_PRODUCED)
                        continue
                    if server == "bodies":
                        line += await stream.read_bytes(int(line))
                    await stream.write(line)
            except closed:
                pass

    async def main() -> None:
        sockets = netutil.bind_sockets(0, "127.0.0.1", backlog=BACKLOG)
        Server().add_sockets(sockets)
        say(sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(main())


def trio(server: str) -> None:
    """trio, with a buffer cut by hand: it has no line reader."""
    trio_module: Any = importlib.import_module("trio")

    async def lines(stream: Any) -> None:
        pieces: list[bytes] = []
        async for data in stream:
            whole, newline, rest = data.rpartition(b"\n")
            if newline:
                for line in b"".join([*pieces, whole]).split(b"\n"):
                    await answer(stream, line)
                pieces.clear()
            if rest:
                pieces.append(rest)

    async def answer(stream: Any, line: bytes) -> None:
        if server == "lines":
            await stream.send_all(line + b"\n")
        else:
            for _ in range(_PIECES):
                await stream.send_all(_PRODUCED)

    async def bodies(stream: Any) -> None:
        buffer, at = bytearray(), 0
        async for data in stream:
            buffer += data
            while (newline := buffer.find(b"\n", at)) >= 0:
                end = newline + 1 + int(buffer[at:newline])
                if end > len(buffer):
                    break
                await stream.send_all(bytes(buffer[at:end]))
                at = end
            del buffer[:at]
            at = 0

    async def main() -> None:
        listeners = await trio_module.open_tcp_listeners(0, host="127.0.0.1", backlog=BACKLOG)
        say(listeners[0].socket.getsockname()[1])
        await trio_module.serve_listeners(bodies if server == "bodies" else lines, listeners)

    trio_module.run(main)


def gevent(server: str) -> None:
    """gevent's StreamServer and a reader by makefile."""
    servers = importlib.import_module("gevent.server")

    def serve(sock: Any, address: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock.makefile("rb", 65536) as reader:
            for line in reader:
                if server == "producer":
                    for _ in range(_PIECES):
                        sock.sendall(_PRODUCED)
                else:
                    sock.sendall(line + reader.read(int(line)) if server == "bodies" else line)

    listener = servers.StreamServer(("127.0.0.1", 0), serve, backlog=BACKLOG)
    listener.start()
    say(listener.server_port)
    listener.serve_forever()
