"""What the programs here have in common: a server of the old kind, and a loop that is run until something is so."""

from __future__ import annotations

import asyncore
import socket
import time
import unittest

# Seconds; nothing here takes one.
PATIENCE = 10


class Server(asyncore.dispatcher):
    """Listens as nine of ten old programs do, and makes a channel of each connection."""

    def __init__(self, make_channel, map=None):
        asyncore.dispatcher.__init__(self, map=map)
        self.make_channel = make_channel
        self.channels = []
        self.create_socket(socket.AF_INET, socket.SOCK_STREAM)
        self.set_reuse_addr()
        self.bind(("127.0.0.1", 0))
        self.listen(5)
        self.port = self.socket.getsockname()[1]

    def handle_accept(self):
        pair = self.accept()
        if pair is not None:
            self.channels.append(self.make_channel(pair[0]))


class Habit(unittest.TestCase):
    """A test that leaves no channel behind."""

    def setUp(self):
        self.addCleanup(asyncore.close_all, ignore_all=True)

    def pump(self, until, map=None):
        """Run the loop until ``until()`` is true."""
        deadline = time.monotonic() + PATIENCE
        while not until():
            self.assertLess(time.monotonic(), deadline, "what was waited for did not happen")
            asyncore.loop(timeout=0.02, map=map, count=1)

    def client(self, server):
        """Return a socket that is connected to ``server``."""
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self.addCleanup(sock.close)
        return sock

    def hear(self, sock, size, map=None):
        """Run the loop until ``sock`` got ``size`` bytes or the end of the stream; return them."""
        heard = bytearray()
        ended = []
        sock.setblocking(False)

        def enough():
            try:
                data = sock.recv(65536)
            except BlockingIOError:
                return False
            heard.extend(data)
            if not data:
                ended.append(True)
            return len(heard) >= size or bool(ended)

        self.pump(enough, map)
        return bytes(heard)

    def pair(self):
        """Return two connected TCP sockets."""
        listener = socket.create_server(("127.0.0.1", 0))
        ours = socket.create_connection(listener.getsockname(), timeout=PATIENCE)
        theirs = listener.accept()[0]
        theirs.settimeout(PATIENCE)
        listener.close()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        return ours, theirs
