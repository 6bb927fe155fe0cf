"""What the checks of real programs have in common: a server in a process of its own, and patience."""

from __future__ import annotations

import multiprocessing
import socket
import time
import unittest

# Seconds; nothing here takes one, but for large transfers.
PATIENCE = 20


def free_port():
    """Return a port that nobody listens on, for programs that cannot be asked which one they took."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


class Check(unittest.TestCase):
    def serve(self, target, *args):
        """Run ``target(tell, *args)`` in a child process, which ends with the test; return what it told, as a port."""
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        process = context.Process(target=target, args=(theirs.send, *args))
        process.start()
        self.addCleanup(process.join)
        self.addCleanup(process.terminate)
        theirs.close()
        self.addCleanup(ours.close)
        self.assertTrue(ours.poll(PATIENCE), "the server does not listen")
        return ours.recv()

    def wait(self, until, turn):
        """Call ``turn()`` until ``until()`` is true."""
        deadline = time.monotonic() + PATIENCE
        while not until():
            self.assertLess(time.monotonic(), deadline, "what was waited for did not happen")
            turn()

    def connect(self, port):
        """Connect to a server that may not listen yet."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
                if sock.getsockname() != sock.getpeername():
                    self.addCleanup(sock.close)
                    return sock
                # To a port that is free a socket may connect to itself.
                sock.close()
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
