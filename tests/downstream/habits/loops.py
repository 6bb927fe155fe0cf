"""How old programs run the loop, and what they do to the map."""

from __future__ import annotations

import asynchat
import asyncore
import collections
import gc
import select
import socket
import threading
import time
import unittest.mock
from pathlib import Path

from support import PATIENCE, Habit, Server


class Shout(asynchat.async_chat):
    """Says each line back in capitals; ``quit`` ends it."""

    def __init__(self, sock=None, map=None):
        asynchat.async_chat.__init__(self, sock, map)
        self.set_terminator(b"\n")
        self.line = b""

    def collect_incoming_data(self, data):
        self.line += data

    def found_terminator(self):
        line, self.line = self.line, b""
        self.push(line.upper() + b"\n")
        if line == b"quit":
            self.close_when_done()


class Forms(Habit):
    def test_loop_returns_when_the_map_is_empty(self):
        """44 call it without arguments: it runs until the last channel has gone."""
        ours, theirs = self.pair()
        Shout(ours)
        theirs.sendall(b"hello\nquit\n")
        asyncore.loop()
        self.assertEqual(b"HELLO\nQUIT\n", theirs.recv(100))

    def test_arguments_in_all_forms(self):
        """timeout positional and by name, use_poll, map by name and position, count."""
        ours, theirs = self.pair()
        map = {}
        Shout(ours, map)
        theirs.sendall(b"quit\n")
        asyncore.loop(0.01, False, map, 1)
        asyncore.loop(0.01, use_poll=True, map=map, count=1)
        asyncore.loop(timeout=PATIENCE, map=map)
        self.assertEqual({}, map)
        self.assertEqual(b"QUIT\n", theirs.recv(100))

    def test_count_in_a_loop_of_its_own(self):
        """23 call ``loop(count=1)`` in their own while, with other work between."""
        ours, theirs = self.pair()
        Shout(ours)
        theirs.sendall(b"quit\n")
        turns = 0
        while asyncore.socket_map:
            asyncore.loop(timeout=1, count=1)
            turns += 1
            self.assertLess(turns, 100)
        self.assertEqual(b"QUIT\n", theirs.recv(100))

    def test_poll_once_a_frame(self):
        """18 call ``asyncore.poll`` as their tick: ``poll(timeout)``, ``poll(map=m)``, ``poll()``."""
        ours, theirs = self.pair()
        map = {}
        Shout(ours, map)
        theirs.sendall(b"quit\n")
        deadline = time.monotonic() + PATIENCE
        while map and time.monotonic() < deadline:
            asyncore.poll(0.01, map)
            asyncore.poll(map=map)
            asyncore.poll()
        self.assertEqual(b"QUIT\n", theirs.recv(100))

    def test_poll2_and_poll3(self):
        """5 choose the function by what the system has."""
        ours, theirs = self.pair()
        Shout(ours)
        theirs.sendall(b"quit\n")
        deadline = time.monotonic() + PATIENCE
        while asyncore.socket_map and time.monotonic() < deadline:
            (asyncore.poll2 if hasattr(select, "poll") else asyncore.poll)(0.01, asyncore.socket_map)
        self.assertEqual(b"QUIT\n", theirs.recv(100))
        asyncore.poll3(0.0)

    def test_empty_map_returns_at_once(self):
        """loop() and poll() of nothing do nothing."""
        asyncore.loop()
        asyncore.loop(timeout=PATIENCE, count=5)
        asyncore.poll(0)
        asyncore.poll(0, {})

    def test_loop_in_a_thread_with_a_private_map(self):
        """smtplib's tests, pysnmp, mincemeat: a thread runs the loop of a map of its own, the main thread another."""
        private = {}
        server = Server(lambda sock: Shout(sock, private), private)
        thread = threading.Thread(target=asyncore.loop, kwargs={"timeout": 0.05, "map": private})
        thread.start()
        self.addCleanup(thread.join)
        ours, theirs = self.pair()
        Shout(ours)
        client = self.client(server)
        client.sendall(b"thread\n")
        theirs.sendall(b"main\n")
        self.assertEqual(b"MAIN\n", self.hear(theirs, 5))
        self.assertEqual(b"THREAD\n", client.recv(100))
        client.sendall(b"quit\n")
        self.assertEqual(b"QUIT\n", client.recv(100))
        for channel in list(private.values()):
            channel.close()

    def test_loop_within_a_callback(self):
        """A modal wait: a callback runs the loop until another channel has answered."""

        class Asking(Shout):
            def found_terminator(self):
                while not answers:
                    asyncore.loop(timeout=1, count=1)
                self.push(answers[0])

        class Answering(Shout):
            def found_terminator(self):
                answers.append(self.line)

        answers = []
        ours, theirs = self.pair()
        Asking(ours)
        ours, other = self.pair()
        Answering(ours)
        theirs.sendall(b"?\n")
        threading.Timer(0.01, other.sendall, [b"yes\n"]).start()
        self.assertEqual(b"yes", self.hear(theirs, 3))


class Maps(Habit):
    def test_socket_map_is_looked_into(self):
        """21 read, iterate or test it: channels by descriptor."""
        ours, _theirs = self.pair()
        self.assertFalse(asyncore.socket_map)
        channel = Shout(ours)
        self.assertEqual([(ours.fileno(), channel)], list(asyncore.socket_map.items()))
        self.assertIs(channel, asyncore.socket_map[ours.fileno()])
        self.assertIn(ours.fileno(), asyncore.socket_map)
        self.assertEqual([channel], [one for one in asyncore.socket_map.values() if isinstance(one, Shout)])

    def test_socket_map_is_emptied(self):
        """Programs clear it, to end the loop or after a fork."""
        ours, _theirs = self.pair()
        Shout(ours)
        asyncore.socket_map.clear()
        asyncore.loop()

    def test_channel_put_in_and_taken_out_by_hand(self):
        """Programs pause a channel by taking it out of the map."""
        ours, theirs = self.pair()
        channel = Shout(ours)
        fd = channel._fileno
        del asyncore.socket_map[fd]
        theirs.sendall(b"x\n")
        asyncore.poll(0.01)
        self.assertEqual(b"", channel.line)
        asyncore.socket_map[fd] = channel
        self.assertEqual(b"X\n", self.hear(theirs, 2))

    def test_socket_map_is_replaced(self):
        """skitai's and the GTK recipe's: ``asyncore.socket_map = MyDict()``, with a __setitem__ of its own."""
        registered = []

        class Telling(dict):
            def __setitem__(self, fd, channel):
                registered.append(channel)
                dict.__setitem__(self, fd, channel)

        with unittest.mock.patch("asyncore.socket_map", Telling()) as map:
            ours, theirs = self.pair()
            channel = Shout(ours)
            self.assertEqual([channel], registered)
            theirs.sendall(b"quit\n")
            asyncore.loop()
            self.assertEqual({}, map)
        self.assertEqual(b"QUIT\n", theirs.recv(100))

    def test_any_mapping_is_a_map(self):
        """A mapping that is no dict serves as well."""
        map = collections.UserDict({0: None})
        map.clear()
        ours, theirs = self.pair()
        channel = asynchat.async_chat.__new__(Shout)
        map[-1] = None
        del map[-1]
        channel.__init__(ours, map)
        self.assertTrue(isinstance(map, collections.UserDict))
        theirs.sendall(b"x\n")
        self.assertEqual(b"X\n", self.hear(theirs, 2, map or None))
        channel.close()
        self.assertEqual(0, len(map))

    def test_map_made_anew_for_each_poll(self):
        """irc-bot polls ``{self.socket: self}``: a dict of the moment, the socket as key. No descriptor is left."""
        ours, theirs = self.pair()
        channel = Shout(ours)
        self.addCleanup(gc.enable)
        gc.disable()
        asyncore.poll(0, {ours: channel})
        before = len(list(Path("/dev/fd").iterdir()))
        for _ in range(100):
            theirs.sendall(b"x\n")
            asyncore.poll(PATIENCE, {ours: channel})
        self.assertLess(len(list(Path("/dev/fd").iterdir())) - before, 100)
        self.assertEqual(b"X\n" * 100, self.hear(theirs, 200, {ours: channel}))

    def test_map_changes_while_it_is_polled(self):
        """Callbacks close other channels and make new ones in the same batch of events."""

        class Closing(Shout):
            def found_terminator(self):
                for channel in list(asyncore.socket_map.values()):
                    if channel is not self:
                        channel.close()
                extra.append(Shout(spare))
                self.push(b"done")

        extra = []
        spare, spare_peer = self.pair()
        peers = []
        for kind in (Shout, Closing, Shout, Closing):
            ours, theirs = self.pair()
            kind(ours)
            peers.append(theirs)
            theirs.sendall(b"x\n")
        self.pump(lambda: extra)
        spare_peer.sendall(b"alive\n")
        self.assertEqual(b"ALIVE\n", self.hear(spare_peer, 6))

    def test_moved_between_maps(self):
        """del_channel, then set_socket with another map in ``_map``, move a channel."""
        ours, theirs = self.pair()
        first, second = {}, {}
        channel = Shout(ours, first)
        channel.del_channel(first)
        channel._map = second
        channel.set_socket(ours)
        self.assertEqual(({}, [channel]), (first, list(second.values())))
        theirs.sendall(b"x\n")
        self.assertEqual(b"X\n", self.hear(theirs, 2, second))
        channel.close()
        self.assertEqual({}, second)

    def test_close_all(self):
        """16 call close_all(), close_all(map), close_all(map, ignore_all=True)."""

        class Bad(Shout):
            def close(self):
                Shout.close(self)
                raise RuntimeError

        map = {}
        for kind in (Bad, Shout, Bad):
            kind(self.pair()[0], map)
        asyncore.close_all(map, ignore_all=True)
        self.assertEqual({}, map)
        ours, theirs = self.pair()
        Shout(ours)
        asyncore.close_all()
        self.assertEqual(b"", theirs.recv(10))
        self.assertFalse(asyncore.socket_map)


class OwnLoops(Habit):
    """Nine programs drive the channels by a loop of their own."""

    def drive(self, turn, until, map):
        deadline = time.monotonic() + PATIENCE
        while not until():
            self.assertLess(time.monotonic(), deadline)
            turn(map)

    def exchange(self, turn):
        map = {}
        server = Server(lambda sock: Shout(sock, map), map)
        client = self.client(server)
        client.sendall(b"hello\nquit\n")
        self.drive(turn, lambda: server.channels and not server.channels[0].socket._closed, map)
        self.drive(turn, lambda: len(map) == 1, map)
        self.assertEqual(b"HELLO\nQUIT\n", client.recv(100))
        server.close()
        self.assertEqual({}, map)

    def test_select_and_read_write(self):
        """The loop of asyncore's own documentation of old: readable, writable, select, read, write."""

        def turn(map):
            reading = [fd for fd, channel in map.items() if channel.readable()]
            writing = [fd for fd, channel in map.items() if channel.writable() and not channel.accepting]
            reading, writing, _ = select.select(reading, writing, [], 0.05)
            for fd in reading:
                if fd in map:
                    asyncore.read(map[fd])
            for fd in writing:
                if fd in map:
                    asyncore.write(map[fd])

        self.exchange(turn)

    def test_poll_and_readwrite(self):
        """asyncore-wsgi, vdsm: poll objects and asyncore.readwrite."""

        def turn(map):
            poll = select.poll()
            for fd, channel in list(map.items()):
                flags = select.POLLIN | select.POLLPRI if channel.readable() else 0
                if channel.writable() and not channel.accepting:
                    flags |= select.POLLOUT
                if flags:
                    poll.register(fd, flags)
            for fd, flags in poll.poll(50):
                if fd in map:
                    asyncore.readwrite(map[fd], flags)

        self.exchange(turn)

    def test_events_by_method(self):
        """pyftpdlib, supervisor, bacpypes: handle_read_event and handle_write_event, handle_error around them."""

        def turn(map):
            reading = [fd for fd, channel in map.items() if channel.readable()]
            writing = [fd for fd, channel in map.items() if channel.writable()]
            for fds, name in zip(select.select(reading, writing, [], 0.05), ("read", "write", "expt"), strict=True):
                for fd in fds:
                    channel = map.get(fd)
                    if channel is not None:
                        try:
                            getattr(channel, f"handle_{name}_event")()
                        except Exception:
                            channel.handle_error()

        self.exchange(turn)

    def test_many_frames_in_one_read(self):
        """A loop of one's own is not told to come back: all frames of a read are delivered in its one call."""

        class Counting(Shout):
            ac_in_buffer_size = 65536
            count = 0

            def found_terminator(self):
                self.count += 1

        ours, theirs = self.pair()
        channel = Counting(ours, {})
        theirs.sendall(b"\n" * 20000)
        while channel.count < 20000:
            self.assertTrue(select.select([ours], [], [], PATIENCE)[0], f"{channel.count} of 20000 were delivered")
            asyncore.read(channel)
        channel.close()

    def test_the_old_select_is_there(self):
        """fail2ban's tests patch ``asyncore.select``; others use ``asyncore.socket``, ``asynchat.asyncore``."""
        self.assertIs(select, asyncore.select)
        self.assertIs(socket, asyncore.socket)
        self.assertIs(asyncore, asynchat.asyncore)

    def test_socket_is_replaced_in_the_module(self):
        """test_smtpd and test_smtplib put a stand-in where asyncore finds its sockets."""

        class Stand(unittest.mock.Mock):
            pass

        stand = Stand(AF_INET=socket.AF_INET, SOCK_STREAM=socket.SOCK_STREAM)
        with unittest.mock.patch("asyncore.socket", stand):
            channel = asyncore.dispatcher(map={})
            stand.socket.return_value.fileno.return_value = 0
            channel.create_socket(socket.AF_INET, socket.SOCK_STREAM)
            self.assertIs(stand.socket.return_value, channel.socket)
            channel.del_channel()

    def test_names_that_programs_import(self):
        """Names of both modules that the census found in use."""
        for name in (
            *("ExitNow", "compact_traceback", "dispatcher", "dispatcher_with_send", "file_dispatcher", "file_wrapper"),
            *("read", "write", "readwrite", "_exception", "poll", "poll2", "poll3", "loop", "close_all", "socket_map"),
            *("_DISCONNECTED", "_strerror", "EWOULDBLOCK", "ECONNRESET", "ENOTCONN", "ESHUTDOWN", "EINPROGRESS"),
        ):
            self.assertTrue(hasattr(asyncore, name), name)
        for name in ("async_chat", "simple_producer", "find_prefix_at_end"):
            self.assertTrue(hasattr(asynchat, name), name)
        self.assertEqual(1, asynchat.find_prefix_at_end("a\r", "\r\n"))
        self.assertEqual(1, asynchat.find_prefix_at_end(b"a\r", b"\r\n"))
