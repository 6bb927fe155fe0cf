"""How old programs send, and what they find in the queue."""

from __future__ import annotations

import asynchat
import asyncore
import collections
import socket
import threading

from support import PATIENCE, Habit


class Chat(asynchat.async_chat):
    """Collects; what it sends is what a test tells it."""

    def __init__(self, sock=None, map=None):
        asynchat.async_chat.__init__(self, sock, map)
        self.set_terminator(b"\n")
        self.collected = b""

    def collect_incoming_data(self, data):
        self.collected += data

    def found_terminator(self):
        pass


class Stalled(Chat):
    """Its socket takes nothing until ``room`` is true."""

    room = False

    def send(self, data):
        return asynchat.async_chat.send(self, data) if self.room else 0


class Push(Habit):
    def test_sends_before_it_returns(self):
        """Outside a callback the peer has the data when push() returns, without a turn of the loop."""
        ours, theirs = self.pair()
        Chat(ours).push(b"now")
        self.assertEqual(b"now", theirs.recv(100))

    def test_sends_before_a_callback_waits(self):
        """CPython's test of ftplib answers PASV and then accepts the data connection, all in found_terminator."""
        accepted = []

        class Passive(Chat):
            def found_terminator(self):
                with socket.create_server(("127.0.0.1", 0)) as listener:
                    listener.settimeout(PATIENCE)
                    self.push(b"227 %d\r\n" % listener.getsockname()[1])
                    accepted.append(listener.accept()[0])
                    accepted[0].close()

        def client():
            theirs.sendall(b"PASV\n")
            port = int(theirs.recv(100).split()[1])
            socket.create_connection(("127.0.0.1", port)).close()

        ours, theirs = self.pair()
        Passive(ours)
        thread = threading.Thread(target=client)
        thread.start()
        self.pump(lambda: accepted)
        thread.join()

    def test_before_the_connection_only_queues(self):
        """What is pushed to a channel without a connection waits for it."""
        channel = Chat()
        channel.push(b"early")
        self.assertEqual([b"early"], list(channel.producer_fifo))

    def test_str_is_a_type_error(self):
        """A str is refused at the call."""
        with self.assertRaises(TypeError):
            Chat().push("text")

    def test_bytearray_and_memoryview(self):
        """Anything like bytes is taken."""
        ours, theirs = self.pair()
        channel = Chat(ours)
        channel.push(bytearray(b"one"))
        channel.push(memoryview(b"two"))
        self.assertEqual(b"onetwo", self.hear(theirs, 6))

    def test_overridden_around_the_base(self):
        """12 of 44 override push, mostly to encode and to add the line's end."""

        class Encoding(Chat):
            def push(self, text):
                asynchat.async_chat.push(self, text.encode() + b"\r\n")

        ours, theirs = self.pair()
        Encoding(ours).push("250 ok")
        self.assertEqual(b"250 ok\r\n", self.hear(theirs, 8))

    def test_large_push_is_sent_in_pieces_of_the_buffer_size(self):
        """``ac_out_buffer_size`` set by a class is the most that one send gets."""
        sizes = []

        class Small(Chat):
            ac_out_buffer_size = 512

            def send(self, data):
                sizes.append(len(data))
                return asynchat.async_chat.send(self, data)

        ours, theirs = self.pair()
        Small(ours).push(b"x" * 2000)
        self.assertEqual(b"x" * 2000, self.hear(theirs, 2000))
        self.assertEqual(512, max(sizes))

    def test_input_buffer_size_set_from_outside(self):
        """pyftpdlib and digsby set ``ac_in_buffer_size``; recv gets exactly that."""
        sizes = []

        class Small(Chat):
            def recv(self, size):
                sizes.append(size)
                return asynchat.async_chat.recv(self, size)

        ours, theirs = self.pair()
        channel = Small(ours)
        channel.ac_in_buffer_size = 100
        theirs.sendall(b"x" * 250)
        self.pump(lambda: len(channel.collected) == 250)
        self.assertEqual({100}, set(sizes))


class Queue(Habit):
    def test_is_a_deque_of_bytes_producers_and_none(self):
        """7 of 44 look into producer_fifo: truth, len, [-1], append, clear."""
        ours, _theirs = self.pair()
        channel = Stalled(ours)
        self.assertFalse(channel.producer_fifo)
        producer = asynchat.simple_producer(b"lazy")
        channel.push(b"data")
        channel.push_with_producer(producer)
        channel.close_when_done()
        self.assertIsInstance(channel.producer_fifo, collections.deque)
        self.assertEqual([b"data", producer, None], list(channel.producer_fifo))
        self.assertIsNone(channel.producer_fifo[-1])
        self.assertEqual(3, len(channel.producer_fifo))
        channel.producer_fifo.clear()
        self.assertFalse(channel.producer_fifo)

    def test_append_by_hand_is_sent(self):
        """What a program appends to producer_fifo leaves with the next write."""
        ours, theirs = self.pair()
        channel = Chat(ours)
        channel.producer_fifo.append(b"by hand")
        self.assertEqual(b"by hand", self.hear(theirs, 7))

    def test_piece_stays_when_nothing_was_sent(self):
        """send() returning 0 keeps the piece."""
        ours, theirs = self.pair()
        channel = Stalled(ours)
        channel.push(b"kept")
        asyncore.poll(0)
        self.assertEqual(b"kept", channel.producer_fifo[0])
        channel.room = True
        self.assertEqual(b"kept", self.hear(theirs, 4))

    def test_producer_is_asked_lazily(self):
        """8 of 44 define classes with more(): each piece is asked for when the one before has gone."""
        asked = []

        class Counting:
            def more(self):
                asked.append(len(asked))
                return b"piece" if len(asked) < 4 else b""

        ours, theirs = self.pair()
        channel = Stalled(ours)
        channel.push_with_producer(Counting())
        asyncore.poll(0)
        self.assertLessEqual(len(asked), 1)
        channel.room = True
        self.assertEqual(b"piece" * 3, self.hear(theirs, 15))
        self.pump(lambda: len(asked) == 4)

    def test_close_when_done_after_all_data(self):
        """15 of 44: the end comes after everything that was pushed, through handle_close()."""
        closes = []

        class Closing(Stalled):
            def handle_close(self):
                closes.append(len(self.producer_fifo))
                self.close()

        ours, theirs = self.pair()
        channel = Closing(ours)
        channel.push(b"x" * 100000)
        channel.close_when_done()
        self.assertEqual([], closes)
        channel.room = True
        self.assertEqual(100000, len(self.hear(theirs, 200000)))
        self.assertEqual([0], closes)

    def test_discard_buffers_empties_both_sides(self):
        """5 of 44 call discard_buffers()."""
        ours, _theirs = self.pair()
        channel = Stalled(ours)
        channel.push(b"x")
        channel.incoming.append(b"y")
        channel.discard_buffers()
        self.assertEqual(([], [], b""), (list(channel.producer_fifo), channel.incoming, channel.ac_in_buffer))


class Sending(Habit):
    def test_initiate_send_with_a_lock_makes_push_safe(self):
        """phenny, smarthome, pyclewn: a lock around the base, and push() from several threads."""

        class Locked(Chat):
            def __init__(self, sock):
                self.lock = threading.RLock()
                Chat.__init__(self, sock)

            def initiate_send(self):
                with self.lock:
                    asynchat.async_chat.initiate_send(self)

        def talk(letter):
            for _ in range(200):
                channel.push(letter * 10 + b"\n")

        ours, theirs = self.pair()
        channel = Locked(ours)
        threads = [threading.Thread(target=talk, args=(letter,)) for letter in (b"a", b"b", b"c")]
        for thread in threads:
            thread.start()
        heard = self.hear(theirs, 3 * 200 * 11)
        for thread in threads:
            thread.join()
        self.assertEqual({b"a" * 10: 200, b"b" * 10: 200, b"c" * 10: 200}, collections.Counter(heard.splitlines()))

    def test_initiate_send_assigned_on_the_instance(self):
        """pyftpdlib replaces it on the instance; push and the loop call the replacement."""
        calls = []

        class Wrapped(Chat):
            def __init__(self, sock):
                Chat.__init__(self, sock)
                self.initiate_send = self.counted

            def counted(self):
                calls.append(True)
                asynchat.async_chat.initiate_send(self)

        ours, theirs = self.pair()
        Wrapped(ours).push(b"x")
        self.assertEqual(b"x", self.hear(theirs, 1))
        self.assertTrue(calls)

    def test_initiate_send_called_by_hand(self):
        """6 of 44 flush by hand."""
        ours, theirs = self.pair()
        channel = Stalled(ours)
        channel.push(b"x")
        channel.room = True
        channel.handle_write()
        self.assertEqual(b"x", theirs.recv(10))

    def test_send_and_recv_see_all_bytes(self):
        """9 of 44 override send, 9 recv: for TLS, encryption, counting. No byte goes round them."""

        class Counting(Chat):
            sent = received = 0

            def send(self, data):
                count = asynchat.async_chat.send(self, data)
                self.sent += count
                return count

            def recv(self, size):
                data = asynchat.async_chat.recv(self, size)
                self.received += len(data)
                return data

            def found_terminator(self):
                self.push(b"answer")

        ours, theirs = self.pair()
        channel = Counting(ours)
        theirs.sendall(b"question\n")
        self.assertEqual(b"answer", self.hear(theirs, 6))
        self.assertEqual((6, 9), (channel.sent, channel.received))

    def test_recv_and_send_translate(self):
        """A cipher in the two methods: what the callbacks see and what the peer sees differ."""

        class Cipher(Chat):
            def recv(self, size):
                return bytes(byte ^ 1 for byte in asynchat.async_chat.recv(self, size))

            def send(self, data):
                return asynchat.async_chat.send(self, bytes(byte ^ 1 for byte in data))

            def found_terminator(self):
                self.push(self.collected)

        ours, theirs = self.pair()
        Cipher(ours)
        theirs.sendall(bytes(byte ^ 1 for byte in b"secret\n"))
        self.assertEqual(bytes(byte ^ 1 for byte in b"secret"), self.hear(theirs, 6))

    def test_dispatcher_with_send_buffers(self):
        """lewis, smarthome: dispatcher_with_send.send takes everything; out_buffer is the rest."""
        ours, theirs = self.pair()
        channel = asyncore.dispatcher_with_send(ours)
        channel.send(b"y" * 3000000)
        self.assertTrue(channel.out_buffer)
        self.assertEqual(3000000, len(self.hear(theirs, 3000000)))
        self.pump(lambda: not channel.out_buffer)

    def test_writable_asked_before_each_wait(self):
        """15 of 44 override writable(); only the truth of its result counts, and a deque will do."""

        class Asking(Chat):
            def __init__(self, sock):
                self.queue = collections.deque()
                Chat.__init__(self, sock)

            def writable(self):
                return self.queue or self.producer_fifo

            def handle_write(self):
                if self.queue:
                    self.push(self.queue.popleft())
                else:
                    asynchat.async_chat.handle_write(self)

        ours, theirs = self.pair()
        channel = Asking(ours)
        asyncore.poll(0)
        channel.queue.append(b"later")
        self.assertEqual(b"later", self.hear(theirs, 5))

    def test_readable_asked_before_each_wait(self):
        """9 of 44 override readable() to hold input back."""

        class Holding(Chat):
            ready = False

            def readable(self):
                return self.ready

        ours, theirs = self.pair()
        channel = Holding(ours)
        theirs.sendall(b"x")
        asyncore.poll(0.01)
        self.assertEqual(b"", channel.collected)
        channel.ready = True
        self.pump(lambda: channel.collected)

    def test_log_attribute_may_be_anything(self):
        """lewis, pyftpdlib, supervisor: ``self.log`` is a logger; the base must not need it."""

        class Logging(Chat):
            def __init__(self, sock):
                Chat.__init__(self, sock)
                self.log = None

            def handle_error(self):
                self.close()

            def found_terminator(self):
                raise ValueError

        ours, theirs = self.pair()
        Logging(ours)
        theirs.sendall(b"x\n")
        self.pump(lambda: not asyncore.socket_map)
