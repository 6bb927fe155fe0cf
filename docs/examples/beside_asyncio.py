"""Old channels and new coroutines in one asyncio loop: the server is asynchat's, the client asyncio's.

Run it:

    python beside_asyncio.py
"""

from __future__ import annotations

import asyncio

from asynchat_uvloop import async_chat, close_all, listen


class Line(async_chat):
    """One client."""

    terminator = b"\n"

    def frame_received(self, frame):
        self.push(b"you said: " + frame + b"\n")


async def main():
    # Channels that are made while a loop runs are served by it. Nobody calls loop().
    listener = listen(Line, "127.0.0.1")

    reader, writer = await asyncio.open_connection(*listener.addresses[0])
    writer.write(b"hello\n")
    print((await reader.readline()).decode(), end="")
    writer.close()
    await writer.wait_closed()
    close_all()


if __name__ == "__main__":
    # Any asyncio loop will do: this one is the standard library's, uvloop.run(main()) takes uvloop.
    asyncio.run(main())
