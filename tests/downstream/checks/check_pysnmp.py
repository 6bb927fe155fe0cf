"""PySNMP 4: an agent and a manager on its asyncore transport, each with a map of its own."""

from __future__ import annotations

import threading

from pysnmp.carrier.asyncore.dgram import udp
from pysnmp.carrier.asyncore.dispatch import AsyncoreDispatcher
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.hlapi.asyncore import sync
from support import PATIENCE, Check, free_port


class Pysnmp(Check):
    def setUp(self):
        self.port = free_port()
        agent = engine.SnmpEngine()
        config.addTransport(agent, udp.domainName, udp.UdpTransport().openServerMode(("127.0.0.1", self.port)))
        config.addV1System(agent, "area", "public", contextName="")
        config.addVacmUser(agent, 2, "area", "noAuthNoPriv", (1, 3, 6), (1, 3, 6))
        cmdrsp.GetCommandResponder(agent, context.SnmpContext(agent))
        agent.transportDispatcher.jobStarted(1)
        thread = threading.Thread(target=agent.transportDispatcher.runDispatcher, args=(0.05,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(agent.transportDispatcher.jobFinished, 1)

    def test_get(self):
        """The manager asks the agent for its description, several times."""
        for _ in range(5):
            error, status, _, values = next(
                sync.getCmd(
                    sync.SnmpEngine(),
                    sync.CommunityData("public"),
                    sync.UdpTransportTarget(("127.0.0.1", self.port), timeout=PATIENCE, retries=0),
                    sync.ContextData(),
                    sync.ObjectType(sync.ObjectIdentity("1.3.6.1.2.1.1.1.0")),
                )
            )
            self.assertFalse(error)
            self.assertFalse(status)
            self.assertIn("PySNMP", str(values[0][1]))

    def test_dispatcher_without_jobs_ends(self):
        """runDispatcher() of nothing returns."""
        AsyncoreDispatcher().runDispatcher()
