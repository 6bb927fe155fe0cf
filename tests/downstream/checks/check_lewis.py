"""lewis: a simulated device, served by an async_chat that keeps a _buffer and a log of its own."""

from __future__ import annotations

import runpy
import sys

from support import Check, free_port


def run_lewis(tell, port):
    tell(port)
    sys.argv = ["lewis", "example_motor", "-k", "lewis.examples", "-c", "0.01"]
    sys.argv += ["-p", f"stream: {{bind_address: 127.0.0.1, port: {port}}}", "-o", "critical"]
    runpy.run_module("lewis", run_name="__main__")


class Lewis(Check):
    def setUp(self):
        self.port = self.serve(run_lewis, free_port())
        self.wait(self.answers, lambda: None)

    def answers(self):
        """Whether the simulation has begun: a connection made before that is never answered, on asyncore either."""
        sock = self.connect(self.port)
        sock.settimeout(0.5)
        try:
            return self.ask(sock, b"S?") == b"idle\r\n"
        except TimeoutError:
            return False
        finally:
            sock.close()

    def ask(self, sock, line):
        sock.sendall(line + b"\r\n")
        return sock.makefile("rb").readline()

    def test_device_answers(self):
        """Status and position are told, and a new target is taken."""
        sock = self.connect(self.port)
        self.assertEqual(b"idle\r\n", self.ask(sock, b"S?"))
        self.assertEqual(b"0.0\r\n", self.ask(sock, b"P?"))
        self.assertIn(b"T=20.0", self.ask(sock, b"T=20.0"))

    def test_several_clients(self):
        """Clients come and go; the device stays."""
        for _ in range(3):
            socks = [self.connect(self.port) for _ in range(5)]
            self.assertEqual([b"idle\r\n"] * 5, [self.ask(sock, b"S?") for sock in socks])
            for sock in socks:
                sock.close()

    def test_command_in_pieces(self):
        """A command that comes byte by byte is one command."""
        sock = self.connect(self.port)
        for byte in b"S?\r\n":
            sock.sendall(bytes([byte]))
        self.assertEqual(b"idle\r\n", sock.makefile("rb").readline())
