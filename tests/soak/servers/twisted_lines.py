from __future__ import annotations

from twisted.internet import protocol, reactor
from twisted.protocols.basic import LineReceiver


class Echo(LineReceiver):
    delimiter = b"\n"

    def lineReceived(self, line):  # noqa: N802 - Twisted's name
        self.sendLine(line)


port = reactor.listenTCP(0, protocol.Factory.forProtocol(Echo), interface="127.0.0.1")
reactor.callWhenRunning(lambda: print(port.getHost().port, flush=True))
reactor.run()
