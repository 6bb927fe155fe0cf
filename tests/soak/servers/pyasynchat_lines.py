from __future__ import annotations

import asynchat
import asyncore
import socket


class Echo(asynchat.async_chat):
    def __init__(self, sock):
        super().__init__(sock)
        self.set_terminator(b"\n")
        self.line = b""

    def collect_incoming_data(self, data):
        self.line += data

    def found_terminator(self):
        self.push(self.line + b"\n")
        self.line = b""


class Listener(asyncore.dispatcher):
    def __init__(self):
        super().__init__()
        self.create_socket(socket.AF_INET, socket.SOCK_STREAM)
        self.bind(("127.0.0.1", 0))
        self.listen(1024)
        print(self.socket.getsockname()[1], flush=True)

    def handle_accepted(self, sock, addr):
        Echo(sock)


listener = Listener()
asyncore.loop(use_poll=True)
