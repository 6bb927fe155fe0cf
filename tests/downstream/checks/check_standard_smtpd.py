"""standard-smtpd, which brings smtpd back from the standard library, on our asyncore and asynchat."""

from __future__ import annotations

import asyncore
import smtpd
import smtplib
import threading

from support import PATIENCE, Check


class Sink(smtpd.SMTPServer):
    def __init__(self, map, **kwargs):
        smtpd.SMTPServer.__init__(self, ("127.0.0.1", 0), None, map=map, **kwargs)
        self.received = []

    def process_message(self, peer, mailfrom, rcpttos, data, **kwargs):
        self.received.append((mailfrom, rcpttos, data))


class StandardSmtpd(Check):
    def setUp(self):
        self.map = {}
        self.sink = Sink(self.map)
        self.thread = threading.Thread(target=asyncore.loop, kwargs={"timeout": 0.05, "map": self.map})
        self.thread.start()
        self.addCleanup(self.thread.join)
        self.addCleanup(self.sink.close)

    def client(self):
        return smtplib.SMTP("127.0.0.1", self.sink.socket.getsockname()[1], "test", timeout=PATIENCE)

    def test_mail_arrives(self):
        """Envelope and text arrive, leading dots too."""
        with self.client() as client:
            client.sendmail("from@test", ["one@test", "two@test"], b"Subject: x\r\n\r\n.dot\r\nend\r\n")
        self.assertEqual([("from@test", ["one@test", "two@test"], b"Subject: x\n\n.dot\nend")], self.sink.received)

    def test_several_mails_in_a_session(self):
        """The terminator goes from lines to the end of DATA and back, mail after mail."""
        with self.client() as client:
            for number in range(20):
                client.sendmail("from@test", ["to@test"], b"%d" % number)
        self.assertEqual([b"%d" % number for number in range(20)], [mail[2] for mail in self.sink.received])

    def test_pipelined_commands(self):
        """Commands sent at once are answered one by one, in order."""
        with self.client() as client:
            client.ehlo()
            client.sock.sendall(b"NOOP\r\nRSET\r\nVRFY a@b\r\nXXXX\r\n")
            self.assertEqual([250, 250, 252, 500], [client.getreply()[0] for _ in range(4)])

    def test_large_mail(self):
        """Ten megabytes arrive whole."""
        text = (b"x" * 70 + b"\r\n") * 140000
        with self.client() as client:
            client.sendmail("from@test", ["to@test"], text)
        self.assertEqual(text.replace(b"\r\n", b"\n").rstrip(b"\n"), self.sink.received[0][2])
