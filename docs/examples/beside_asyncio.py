"""Old channels and new coroutines in one asyncio loop: the server is asynchat's, the client asyncio's.

Run it:

    python beside_asyncio.py
"""

from __future__ import annotations

import asyncio

from asynchat_uvloop import async_chat, close_all, dispatcher


class Line(async_chat):
    """One client."""

    def __init__(self, sock):
        super().__init__(sock)
        self.set_terminator(b"\n")

    def frame_received(self, frame):
        self.push(b"you said: " + frame + b"\n")


class Listener(dispatcher):
    """The listening socket."""

    def handle_accepted(self, sock, addr):
        Line(sock)


async def main():
    # Channels that are made while a loop runs are served by it. Nobody calls loop().
    listener = Listener()
    listener.create_socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)

    reader, writer = await asyncio.open_connection(*listener.socket.getsockname())
    writer.write(b"hello\n")
    print((await reader.readline()).decode(), end="")
    writer.close()
    await writer.wait_closed()
    close_all()


if __name__ == "__main__":
    # Any asyncio loop will do: this one is the standard library's, uvloop.run(main()) takes uvloop.
    asyncio.run(main())
