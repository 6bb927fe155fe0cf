"""irc-bot: the bot joins a channel on a server of ours, answers, and comes back after a lost connection."""

from __future__ import annotations

import asyncore
import socket
import threading

from irc_bot.simple_irc_bot import SimpleIRCBot
from support import PATIENCE, Check


class IrcBot(Check):
    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.addCleanup(self.listener.close)
        self.addCleanup(asyncore.close_all, ignore_all=True)

    def run_bot(self, script):
        """Run the bot, which polls a map of its own making each time, while ``script(bot)`` plays the server."""
        port = self.listener.getsockname()[1]
        bot = SimpleIRCBot({"servers": ["127.0.0.1"], "port": port, "channels": ["#test"], "nickname": "bot"})
        failures = []

        def run():
            try:
                script(bot)
            except BaseException as error:
                failures.append(error)
            finally:
                bot.running = False

        thread = threading.Thread(target=run)
        thread.start()
        bot.start()
        thread.join()
        if failures:
            raise failures[0]

    def welcome(self):
        sock = self.listener.accept()[0]
        self.addCleanup(sock.close)
        sock.settimeout(PATIENCE)
        lines = sock.makefile("rb")
        self.addCleanup(lines.close)
        heard = []
        while not any(line.startswith(b"USER") for line in heard):
            heard.append(lines.readline())
        sock.sendall(b":irc.test 001 bot :Welcome\r\n:irc.test 376 bot :End of MOTD\r\n")
        while not any(line.startswith(b"JOIN") for line in heard):
            heard.append(lines.readline())
        return sock, lines, heard

    def test_registers_joins_and_answers(self):
        """NICK, USER, JOIN, and PONG for each PING, also when they come in pieces."""

        def server(bot):
            sock, lines, heard = self.welcome()
            self.assertIn(b"NICK bot\r\n", heard)
            self.assertIn(b"JOIN #test\r\n", heard)
            for byte in b"PING :slow\r\n":
                sock.sendall(bytes([byte]))
            self.assertEqual(b"PONG :slow\r\n", lines.readline())
            sock.sendall(b"PING :1\r\nPING :2\r\nPING :3\r\n")
            self.assertEqual([b"PONG :1\r\n", b"PONG :2\r\n", b"PONG :3\r\n"], [lines.readline() for _ in range(3)])

            # The bot looks at this when its poll ends.
            bot.running = False
            sock.sendall(b"PING :last\r\n")

        self.run_bot(server)
