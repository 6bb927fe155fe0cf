"""pytest-localserver's mail sink: smtpd in a thread that polls every millisecond."""

from __future__ import annotations

import smtplib

from pytest_localserver.smtp import Server
from support import PATIENCE, Check


class PytestLocalserver(Check):
    def test_outbox(self):
        """What is sent stands in the outbox."""
        server = Server("127.0.0.1")
        server.start()
        self.addCleanup(server.stop)
        with smtplib.SMTP(*server.addr, "test", timeout=PATIENCE) as client:
            for number in range(5):
                client.sendmail("from@test", ["to@test"], f"Subject: {number}\r\n\r\ntext")
        self.assertEqual([str(number) for number in range(5)], [mail["Subject"] for mail in server.outbox])
        self.assertEqual(["to@test"], server.outbox[0].details.rcpttos)
