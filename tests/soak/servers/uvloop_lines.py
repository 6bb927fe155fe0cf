from __future__ import annotations

from asynchat_uvloop import async_chat, serve


class Echo(async_chat):
    terminator = b"\n"

    def frame_received(self, frame):
        self.push(frame + b"\n")


serve(Echo, "127.0.0.1", ready=lambda listener: print(listener.addresses[0][1], flush=True))
