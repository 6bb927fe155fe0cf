"""PodSixNet: a server and its clients in one process, all pumped once a frame."""

from __future__ import annotations

import contextlib
import os

from PodSixNet.Channel import Channel
from PodSixNet.Connection import EndPoint
from PodSixNet.Server import Server
from support import Check


class Player(Channel):
    def Network_say(self, data):  # noqa: N802 - PodSixNet's names
        for player in self._server.channels:
            player.Send({"action": "said", "text": data["text"]})

    def Close(self):  # noqa: N802
        self._server.channels.remove(self)


class Game(Server):
    channelClass = Player  # noqa: N815


class PodSixNet(Check):
    def setUp(self):
        quiet = contextlib.redirect_stdout(self.enterContext(open(os.devnull, "w")))  # noqa: PTH123
        self.enterContext(quiet)
        self.game = Game(localaddr=("127.0.0.1", 0))
        self.addCleanup(self.game.close)
        self.clients = []

    def join(self):
        client = EndPoint(address=("127.0.0.1", self.game.socket.getsockname()[1]))
        client.DoConnect()
        client.seen = []
        self.addCleanup(client.close)
        self.clients.append(client)
        return client

    def frame(self):
        self.game.Pump()
        for client in self.clients:
            client.Pump()
            client.seen += client.GetQueue()

    def texts(self, client):
        return [event["text"] for event in client.seen if event["action"] == "said"]

    def test_everybody_hears_everybody(self):
        """What each client says in a frame reaches all of them, in order."""
        clients = [self.join() for _ in range(5)]
        self.wait(lambda: all("connected" in str(client.seen) for client in clients), self.frame)
        for number in range(20):
            for client in clients:
                client.Send({"action": "say", "text": f"{clients.index(client)}:{number}"})
            self.frame()
        self.wait(lambda: all(len(self.texts(client)) == 100 for client in clients), self.frame)
        for client in clients:
            own = [text for text in self.texts(client) if text.startswith("3:")]
            self.assertEqual([f"3:{number}" for number in range(20)], own)

    def test_large_message(self):
        """A message of a megabyte arrives whole."""
        client = self.join()
        self.wait(lambda: client.seen, self.frame)
        client.Send({"action": "say", "text": "x" * 1000000})
        self.wait(lambda: self.texts(client), self.frame)
        self.assertEqual(["x" * 1000000], self.texts(client))

    def test_leaving_and_coming_back(self):
        """A client that leaves is noticed, and connects again by the same object."""
        client, other = self.join(), self.join()
        self.wait(lambda: len(self.game.channels) == 2 and client.seen, self.frame)
        client.close()
        self.wait(lambda: len(self.game.channels) == 1, self.frame)
        client.seen = []
        client.DoConnect()
        self.wait(lambda: len(self.game.channels) == 2 and client.seen, self.frame)
        client.Send({"action": "say", "text": "back"})
        self.wait(lambda: self.texts(other), self.frame)
        self.assertEqual(["back"], self.texts(other))
