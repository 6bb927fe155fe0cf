"""How old programs make channels."""

from __future__ import annotations

import asynchat
import asyncore
import os
import socket

from support import Habit, Server


class Lines(asynchat.async_chat):
    """Keeps the lines that it is sent and says each back."""

    def __init__(self, *args, **kwargs):
        asynchat.async_chat.__init__(self, *args, **kwargs)
        self.set_terminator(b"\n")
        self.lines = []
        self.piece = b""

    def collect_incoming_data(self, data):
        self.piece += data

    def found_terminator(self):
        self.lines.append(self.piece)
        self.push(b"<" + self.piece + b">")
        self.piece = b""


class Construction(Habit):
    def assert_talks(self, channel, peer, map=None):
        peer.sendall(b"hello\n")
        self.assertEqual(b"<hello>", self.hear(peer, 7, map))
        self.assertEqual([b"hello"], channel.lines)

    def test_positional_socket_and_map(self):
        """PodSixNet, supervisor, spambayes: ``(sock, map)``."""
        ours, theirs = self.pair()
        map = {}
        self.assert_talks(Lines(ours, map), theirs, map)
        self.assertFalse(asyncore.socket_map)

    def test_socket_and_map_by_name(self):
        """AirSim, smarthome: ``(sock=s, map=m)``."""
        ours, theirs = self.pair()
        map = {}
        self.assert_talks(Lines(sock=ours, map=map), theirs, map)

    def test_map_alone_by_name(self):
        """pyclewn: ``(map=m)``, and the socket later."""
        ours, theirs = self.pair()
        map = {}
        channel = Lines(map=map)
        ours.setblocking(False)
        channel.set_socket(ours)
        channel.connected = True
        self.assert_talks(channel, theirs, map)

    def test_mixins_and_super(self):
        """9 of 44 have mixins before or after async_chat; the chain of super() goes through."""

        class Before:
            def __init__(self, *args, **kwargs):
                self.before = True
                super().__init__(*args, **kwargs)

        class After:
            def after(self):
                return "after"

        class Mixed(Before, Lines, After):
            def __init__(self, sock):
                super().__init__(sock)

        ours, theirs = self.pair()
        channel = Mixed(ours)
        self.assertTrue(channel.before)
        self.assertEqual("after", channel.after())
        self.assertIsInstance(channel, asyncore.dispatcher)
        self.assert_talks(channel, theirs)

    def test_init_again_reconnects(self):
        """PodSixNet reconnects by calling ``__init__`` a second time on the same object."""
        ours, theirs = self.pair()
        channel = Lines(ours)
        self.assert_talks(channel, theirs)
        channel.close()
        ours, theirs = self.pair()
        channel.__init__(ours)
        self.assert_talks(channel, theirs)

    def test_init_again_moves_to_another_map(self):
        """secure-smtpd moves a living channel to a second map by a second ``__init__``."""
        ours, theirs = self.pair()
        first, second = {}, {}
        channel = Lines(ours, first)
        channel.del_channel(first)
        channel.__init__(ours, second)
        self.assertEqual({}, first)
        self.assert_talks(channel, theirs, second)

    def test_plain_functions_on_a_foreign_class(self):
        """eloipool copies functions of async_chat into a class of its own: no slots, no mangled names."""

        class Foreign:
            set_terminator = asynchat.async_chat.set_terminator
            get_terminator = asynchat.async_chat.get_terminator
            collect_incoming_data = asynchat.async_chat._collect_incoming_data
            use_encoding = 0

        foreign = Foreign()
        foreign.incoming = []
        foreign.set_terminator(b"\r\n")
        foreign.collect_incoming_data(b"x")
        self.assertEqual((b"\r\n", [b"x"]), (foreign.get_terminator(), foreign.incoming))

    def test_private_names_are_free(self):
        """pyftpdlib has a _closing and a _closed of its own, others a _queue or a _buffer: none is taken."""
        channel = Lines()
        names = {name for name in (*dir(Lines), *vars(channel)) if name.startswith("_") and not name.startswith("__")}
        known = {"_fileno", "_map", "_collect_incoming_data", "_get_data"}
        self.assertEqual(known & names, {name for name in names if not name.startswith("_ac_")})

    def test_methods_of_the_programs_own(self):
        """supervisor's client has a feed() of its own, a WebSocket server a frame_received(): they are never called."""

        def mine(self, *args):
            calls.append(args)

        names = ("feed", "reset_input", "discard_frame", "frame_received", "pause_reading", "resume_reading")
        calls = []
        ours, theirs = self.pair()
        channel = type("Own", (Lines,), dict.fromkeys(names, mine))(ours)
        theirs.sendall(b"0123456789\n" * 1000)
        self.pump(lambda: len(channel.lines) == 1000)
        channel.set_terminator(None)
        theirs.sendall(b"x")
        self.pump(lambda: channel.piece)
        channel.close()
        self.assertEqual([], calls)

    def test_attributes_are_plain(self):
        """connected, addr, socket and _fileno are read and written by programs, and new ones are added."""
        ours, _theirs = self.pair()
        channel = Lines(ours)
        self.assertEqual((True, ours, ours.fileno()), (channel.connected, channel.socket, channel._fileno))
        self.assertEqual(ours.getpeername(), channel.addr)
        channel.addr = ("here", 1)
        channel.anything = 1
        channel.connected = False
        self.assertEqual((("here", 1), False), (channel.addr, channel.connected))


class Listening(Habit):
    def test_accepting_adopts_a_listener(self):
        """fopnp, and fail2ban under systemd: a listening socket from elsewhere, and ``accepting = True``."""

        class Adopted(asyncore.dispatcher):
            def __init__(self, sock):
                asyncore.dispatcher.__init__(self, sock)
                self.accepting = True
                self.channels = []

            def handle_accept(self):
                self.channels.append(Lines(self.accept()[0]))

        listener = socket.create_server(("127.0.0.1", 0))
        server = Adopted(listener)
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"x\n")
            self.assertEqual(b"<x>", self.hear(client, 3))
        self.assertEqual(1, len(server.channels))

    def test_chat_as_listener(self):
        """amun, digsby, pyftpdlib: the listener is an async_chat itself."""
        accepted = []

        class Acceptor(asynchat.async_chat):
            def __init__(self):
                asynchat.async_chat.__init__(self)
                self.create_socket(socket.AF_INET, socket.SOCK_STREAM)
                self.bind(("127.0.0.1", 0))
                self.listen(5)

            def handle_accepted(self, sock, addr):
                accepted.append(Lines(sock))

        address = Acceptor().socket.getsockname()
        with socket.create_connection(address) as client:
            client.sendall(b"x\n")
            self.assertEqual(b"<x>", self.hear(client, 3))
        self.assertEqual([b"x"], accepted[0].lines)

    def test_accept_keeps_the_listener(self):
        """46 of 86: create_socket, set_reuse_addr, bind, listen, handle_accept, accept, client after client."""
        server = Server(Lines)
        for _ in range(3):
            client = self.client(server)
            client.sendall(b"x\n")
            self.assertEqual(b"<x>", self.hear(client, 3))
            client.close()
        self.assertEqual(3, len(server.channels))


class Connecting(Habit):
    def test_create_socket_then_connect(self):
        """20 of 44; handle_connect runs once, before ``connected`` is true, and what it pushes is sent."""
        connects = []

        class Client(Lines):
            def handle_connect(self):
                connects.append(self.connected)
                self.push(b"hello\n")

        server = Server(Lines)
        client = Client()
        client.create_socket(socket.AF_INET, socket.SOCK_STREAM)
        client.connect(("127.0.0.1", server.port))
        self.pump(lambda: server.channels and server.channels[0].lines)
        self.assertEqual([False], connects)
        self.assertTrue(client.connected)

    def test_connect_on_a_connected_blocking_socket(self):
        """sopel gives set_socket a blocking, connected socket; connect() then calls handle_connect at once."""
        connects = []

        class Bot(Lines):
            def handle_connect(self):
                connects.append(True)

        ours, _theirs = self.pair()
        ours.setblocking(True)
        bot = Bot()
        bot.set_socket(ours)
        bot.connect(ours.getpeername())
        self.assertEqual([True], connects)


class Pipes(Habit):
    def test_file_dispatcher_reads_a_pipe(self):
        """ganeti, medusa: a pipe's end in the loop, to wake it or to hear of a child."""
        heard = []

        class Reader(asyncore.file_dispatcher):
            def writable(self):
                return False

            def handle_read(self):
                heard.append(self.recv(100))

            def handle_close(self):
                heard.append("closed")
                self.close()

        reading, writing = os.pipe()
        Reader(reading)
        os.close(reading)
        os.write(writing, b"wake")
        self.pump(lambda: heard)
        os.close(writing)
        self.pump(lambda: "closed" in heard)
        self.assertEqual(b"wake", heard[0])
        self.assertFalse(asyncore.socket_map)

    def test_file_dispatcher_writes_a_pipe(self):
        """file_dispatcher.send writes to the descriptor."""
        sent = []

        class Writer(asyncore.file_dispatcher):
            def readable(self):
                return False

            def writable(self):
                return not sent

            def handle_write(self):
                sent.append(self.send(b"data"))

        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        Writer(writing)
        os.close(writing)
        self.pump(lambda: sent)
        self.assertEqual(b"data", os.read(reading, 100))

    def test_chat_on_a_pipe(self):
        """pyclewn derives from async_chat and file_dispatcher at once."""

        class Both(asynchat.async_chat, asyncore.file_dispatcher):
            def __init__(self, fd):
                asynchat.async_chat.__init__(self)
                self.connected = True
                self.set_file(fd)
                self.set_terminator(b"\n")
                self.lines = []

            collect_incoming_data = asynchat.async_chat._collect_incoming_data

            def found_terminator(self):
                self.lines.append(self._get_data())

        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        channel = Both(reading)
        os.close(reading)
        os.write(writing, b"one\ntwo\n")
        os.close(writing)
        self.pump(lambda: len(channel.lines) == 2)
        self.assertEqual([b"one", b"two"], channel.lines)
