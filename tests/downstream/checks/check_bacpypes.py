"""BACpypes: UDP and TCP directors, in a loop that is its own."""

from __future__ import annotations

import asyncore
import socket

from bacpypes import core
from bacpypes.comm import PDU, Client, bind
from bacpypes.tcp import TCPClientDirector, TCPServerDirector
from bacpypes.udp import UDPDirector
from support import PATIENCE, Check, free_port


class Application(Client):
    """Answers what comes in, or keeps it."""

    def __init__(self, answer=None):
        Client.__init__(self)
        self.answer = answer
        self.heard = []

    def confirmation(self, pdu):
        self.heard.append(bytes(pdu.pduData))
        if self.answer:
            self.request(PDU(self.answer + bytes(pdu.pduData), destination=pdu.pduSource))


class Bacpypes(Check):
    def turn(self):
        core.run_once()
        asyncore.loop(timeout=0.05, count=1)

    def test_datagrams(self):
        """A datagram is answered, an empty one does no harm."""
        application = Application(b"re:")
        director = UDPDirector(("127.0.0.1", 0))
        self.addCleanup(director.close_socket if hasattr(director, "close_socket") else director.close)
        bind(application, director)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(PATIENCE)
            peer.bind(("127.0.0.1", 0))
            peer.connect(director.socket.getsockname())
            peer.send(b"")
            peer.send(b"hello")
            self.wait(lambda: b"hello" in application.heard, self.turn)
            self.turn()
            self.assertEqual(b"re:hello", [peer.recv(100) for _ in application.heard][-1])

    def test_streams(self):
        """A client and a server of BACpypes's own talk to each other."""
        address = ("127.0.0.1", free_port())
        server, client = Application(b"re:"), Application()
        bind(server, TCPServerDirector(address))
        director = TCPClientDirector()
        bind(client, director)
        director.connect(address)
        client.request(PDU(b"hello", destination=address))
        self.wait(lambda: client.heard, self.turn)
        self.assertEqual(([b"hello"], [b"re:hello"]), (server.heard, client.heard))
