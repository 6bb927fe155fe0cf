"""What old programs do in the callbacks, and which they replace."""

from __future__ import annotations

import asynchat
import asyncore
import json
import socket
import sys

from support import Habit, Server


class Recorder(asynchat.async_chat):
    """Records its callbacks in ``told``."""

    term = b"\n"

    def __init__(self, sock=None, map=None):
        asynchat.async_chat.__init__(self, sock, map)
        self.told = []
        self.set_terminator(self.term)

    def collect_incoming_data(self, data):
        self.told.append(data)

    def found_terminator(self):
        self.told.append("found")


class Replaced(Habit):
    def test_found_terminator_assigned_on_the_instance(self):
        """5 of 44 keep their state in ``self.found_terminator = self.state``."""

        class States(Recorder):
            def __init__(self, sock):
                Recorder.__init__(self, sock)
                self.found_terminator = self.first

            def first(self):
                self.told.append(1)
                self.found_terminator = self.second

            def second(self):
                self.told.append(2)

        ours, theirs = self.pair()
        channel = States(ours)
        theirs.sendall(b"a\nb\nc\n")
        self.pump(lambda: len(channel.told) == 6)
        self.assertEqual([b"a", 1, b"b", 2, b"c", 2], channel.told)

    def test_collect_assigned_on_the_instance(self):
        """medusa points collect_incoming_data at the request in progress."""
        ours, theirs = self.pair()
        channel = Recorder(ours)
        body = []
        channel.collect_incoming_data = body.append
        theirs.sendall(b"a\nb\n")
        self.pump(lambda: len(body) == 2)
        self.assertEqual([b"a", b"b"], body)

    def test_method_replaced_in_the_class(self):
        """fail2ban's tests and smtplib's patch the class while it is in use."""

        class Patched(Recorder):
            pass

        ours, theirs = self.pair()
        channel = Patched(ours)
        theirs.sendall(b"a\n")
        self.pump(lambda: channel.told)
        Patched.found_terminator = lambda self: self.told.append("patched")
        theirs.sendall(b"b\n")
        self.pump(lambda: len(channel.told) == 4)
        self.assertEqual([b"a", "found", b"b", "patched"], channel.told)

    def test_ready_made_collect(self):
        """``collect_incoming_data = async_chat._collect_incoming_data``, and ``_get_data()``."""

        class Ready(asynchat.async_chat):
            collect_incoming_data = asynchat.async_chat._collect_incoming_data

            def found_terminator(self):
                lines.append(self._get_data())

        lines = []
        ours, theirs = self.pair()
        Ready(ours).set_terminator(b"\r\n")
        theirs.sendall(b"one\r\ntwo\r\n")
        self.pump(lambda: len(lines) == 2)
        self.assertEqual([b"one", b"two"], lines)


class JsonServer(Habit):
    def test_editor_back_end(self):
        """anaconda: a JSON message a line, large ones too, answered with its uid."""

        class Handler(asynchat.async_chat):
            def __init__(self, sock, server):
                self.rbuffer = []
                asynchat.async_chat.__init__(self, sock)
                self.set_terminator(b"\r\n")
                server.append(self)

            def return_back(self, data):
                self.push(json.dumps(data).encode() + b"\r\n")

            def collect_incoming_data(self, data):
                self.rbuffer.append(data)

            def found_terminator(self):
                message, self.rbuffer = json.loads(b"".join(self.rbuffer)), []
                self.return_back({"success": True, "uid": message["uid"], "result": message["source"].upper()})

            def handle_error(self):
                raise AssertionError from sys.exc_info()[1]

        handlers = []
        server = Server(lambda sock: Handler(sock, handlers))
        client = self.client(server)
        source = "def a():\\n    pass\\n" * 5000
        messages = [{"uid": str(uid), "source": source} for uid in range(5)]
        client.sendall(b"".join(json.dumps(message).encode() + b"\r\n" for message in messages[:1]))
        answers = self.hear(client, len(source)).splitlines()
        self.assertEqual(("0", source.upper()), (json.loads(answers[0])["uid"], json.loads(answers[0])["result"]))


class Terminators(Habit):
    def test_changed_in_found_terminator(self):
        """12 of 44: a header's end, then a count that the header told, then lines again."""

        class Http(Recorder):
            term = b"\r\n\r\n"

            def found_terminator(self):
                Recorder.found_terminator(self)
                self.set_terminator(3 if self.get_terminator() == b"\r\n\r\n" else b"\r\n\r\n")

        ours, theirs = self.pair()
        channel = Http(ours)
        theirs.sendall(b"3\r\n\r\nabc4\r\n\r\nxyz")
        self.pump(lambda: len(channel.told) == 8)
        self.assertEqual([b"3", "found", b"abc", "found", b"4", "found", b"xyz", "found"], channel.told)

    def test_count_runs_down_in_the_attribute(self):
        """A count is what is still wanted, in ``self.terminator`` too, and 0 in found_terminator."""
        seen = []

        class Counter(Recorder):
            term = 5

            def found_terminator(self):
                seen.append((self.terminator, self.get_terminator()))

        ours, theirs = self.pair()
        channel = Counter(ours)
        theirs.sendall(b"ab")
        self.pump(lambda: channel.told)
        self.assertEqual(3, channel.terminator)
        theirs.sendall(b"cde")
        self.pump(lambda: seen)
        self.assertEqual([(0, 0)], seen)

    def test_terminator_is_an_attribute(self):
        """7 of 44 read or write ``self.terminator`` instead of calling the methods."""
        ours, theirs = self.pair()
        channel = Recorder(ours)
        channel.terminator = b";"
        theirs.sendall(b"a;")
        self.pump(lambda: "found" in channel.told)
        self.assertEqual(b";", channel.get_terminator())

    def test_nothing_none_and_zero_collect_everything(self):
        """lewis sets "", digsby 0, six programs None: all is collected, nothing is found."""
        for nothing in (None, 0, b""):
            ours, theirs = self.pair()
            channel = Recorder(ours)
            channel.set_terminator(nothing)
            theirs.sendall(b"a\nb")
            self.pump(lambda channel=channel: channel.told)
            self.assertEqual([b"a\nb"], channel.told)

    def test_empty_line_is_found_only(self):
        """An empty piece is never reported."""
        ours, theirs = self.pair()
        channel = Recorder(ours)
        theirs.sendall(b"\n\n")
        self.pump(lambda: len(channel.told) == 2)
        self.assertEqual(["found", "found"], channel.told)


class Ends(Habit):
    def test_socket_is_open_when_handle_close_begins(self):
        """lewis asks ``getpeername()`` in handle_close."""
        peers = []

        class Leaving(Recorder):
            def handle_close(self):
                peers.append(self.socket.getpeername())
                self.close()

        ours, theirs = self.pair()
        Leaving(ours)
        address = theirs.getsockname()
        theirs.close()
        self.pump(lambda: peers)
        self.assertEqual([address], peers)
        self.assertFalse(asyncore.socket_map)

    def test_socket_closed_by_its_owner_leaves_the_map(self):
        """fail2ban closes its own reference first, then the channel."""
        ours, _theirs = self.pair()
        channel = Recorder(ours)
        ours.close()
        channel.handle_close()
        self.assertFalse(asyncore.socket_map)

    def test_handle_close_called_to_end_a_session(self):
        """13 of 44 call it themselves."""

        class Once(Recorder):
            def found_terminator(self):
                self.handle_close()

        ours, theirs = self.pair()
        Once(ours)
        theirs.sendall(b"quit\n")
        self.pump(lambda: not asyncore.socket_map)
        self.assertEqual(b"", self.hear(theirs, 1))

    def test_quit_answers_before_it_closes(self):
        """push, then close_when_done: the answer leaves, then the connection ends."""

        class Quitting(Recorder):
            def found_terminator(self):
                self.push(b"221 bye\r\n")
                self.close_when_done()

        ours, theirs = self.pair()
        Quitting(ours)
        theirs.sendall(b"QUIT\n")
        self.assertEqual(b"221 bye\r\n", self.hear(theirs, 100))
        self.assertFalse(asyncore.socket_map)

    def test_push_then_close_sends(self):
        """CPython's own test of ftplib pushes ``221 quit ok`` and closes at once."""

        class Abrupt(Recorder):
            def found_terminator(self):
                self.push(b"221 bye\r\n")
                self.close()

        ours, theirs = self.pair()
        Abrupt(ours)
        theirs.sendall(b"QUIT\n")
        self.assertEqual(b"221 bye\r\n", self.hear(theirs, 100))

    def test_buffers_discarded_after_quit(self):
        """Programs that mind commands behind a QUIT call discard_buffers()."""

        class Minding(Recorder):
            def found_terminator(self):
                Recorder.found_terminator(self)
                self.discard_buffers()

        ours, theirs = self.pair()
        channel = Minding(ours)
        theirs.sendall(b"quit\nmore\n")
        self.pump(lambda: "found" in channel.told)
        asyncore.poll(0)
        self.assertEqual([b"quit", "found"], channel.told)

    def test_rest_of_a_read_dropped_by_hand(self):
        """Five programs assign ``ac_in_buffer = b""`` to drop what follows."""

        class Dropping(Recorder):
            def found_terminator(self):
                Recorder.found_terminator(self)
                self.told.append(self.ac_in_buffer)
                self.ac_in_buffer = b""

        ours, theirs = self.pair()
        channel = Dropping(ours)
        theirs.sendall(b"one\ntwo\n")
        self.pump(lambda: channel.told)
        self.assertEqual([b"one", "found", b"two\n"], channel.told)


class Errors(Habit):
    class Failing(Recorder):
        def found_terminator(self):
            raise ValueError("in a callback")

    def test_handle_error_sees_the_exception(self):
        """22 of 44: sys.exc_info() and compact_traceback() work in handle_error."""
        seen = []

        class Telling(self.Failing):
            def handle_error(self):
                seen.append((sys.exc_info()[0], asyncore.compact_traceback()[1:3]))
                self.close()

        ours, theirs = self.pair()
        Telling(ours)
        theirs.sendall(b"a\n")
        self.pump(lambda: seen)
        kind, (also, value) = seen[0]
        self.assertEqual((ValueError, ValueError, "in a callback"), (kind, also, str(value)))

    def test_handle_error_may_raise_again(self):
        """A bare ``raise`` in handle_error brings the exception out of the loop."""

        class Raising(self.Failing):
            def handle_error(self):
                raise

        ours, theirs = self.pair()
        Raising(ours)
        theirs.sendall(b"a\n")
        with self.assertRaisesRegex(ValueError, "in a callback"):
            self.pump(lambda: False)

    def test_default_handle_error_logs_through_log_info(self):
        """12 of 44 override log_info and get the default message with type ``error``; the channel is closed."""
        logged = []

        class Logging(self.Failing):
            log = None

            def log_info(self, message, type="info"):
                logged.append((type, message))

        ours, theirs = self.pair()
        Logging(ours)
        theirs.sendall(b"a\n")
        self.pump(lambda: not asyncore.socket_map)
        kind, message = logged[0]
        self.assertEqual("error", kind)
        self.assertRegex(message, "^uncaptured python exception, closing channel .*ValueError.*:in a callback")

    def test_exit_now_leaves_the_loop_and_the_answer_is_sent(self):
        """secure-smtpd answers QUIT with push, close_when_done and ``raise ExitNow``."""

        class Exiting(Recorder):
            def found_terminator(self):
                self.push(b"221 bye\r\n")
                self.close_when_done()
                raise asyncore.ExitNow

        ours, theirs = self.pair()
        Exiting(ours)
        theirs.sendall(b"QUIT\n")
        with self.assertRaises(asyncore.ExitNow):
            asyncore.loop()
        self.assertEqual(b"221 bye\r\n", theirs.recv(100))

    def test_exit_leaves_the_loop(self):
        """SystemExit and KeyboardInterrupt pass through."""
        for kind in (SystemExit, KeyboardInterrupt):

            class Exiting(Recorder):
                def found_terminator(self, kind=kind):
                    raise kind

            ours, theirs = self.pair()
            Exiting(ours)
            theirs.sendall(b"x\n")
            with self.assertRaises(kind):
                asyncore.loop()
            asyncore.close_all()

    def test_refused_connection_is_told(self):
        """A client whose connect fails hears of it in handle_error or handle_close, and leaves the map."""
        told = []

        class Refused(Recorder):
            def handle_error(self):
                told.append("error")
                self.close()

            def handle_close(self):
                told.append("close")
                self.close()

        with socket.create_server(("127.0.0.1", 0)) as gone:
            address = gone.getsockname()
        client = Refused()
        client.create_socket(socket.AF_INET, socket.SOCK_STREAM)
        client.connect(address)
        self.pump(lambda: told and not asyncore.socket_map)


class Reading(Habit):
    def test_recv_of_nothing_is_silence(self):
        """recv() that raises BlockingIOError is no error (bpo-16133), another OSError goes to handle_error."""
        told = []

        class Odd(Recorder):
            def recv(self, size):
                told.append("recv")
                raise BlockingIOError if len(told) == 1 else OSError("broken")

            def handle_error(self):
                told.append("error")
                self.close()

        ours, theirs = self.pair()
        Odd(ours)
        theirs.sendall(b"x")
        self.pump(lambda: "error" in told)
        self.assertEqual(["recv", "recv", "error"], told)

    def test_empty_recv_after_closing_does_nothing_more(self):
        """recv() may close the channel and return b""."""

        class Closing(Recorder):
            def recv(self, size):
                self.close()
                return b""

        ours, theirs = self.pair()
        channel = Closing(ours)
        theirs.sendall(b"x\n")
        self.pump(lambda: not asyncore.socket_map)
        self.assertEqual([], channel.told)

    def test_handle_read_around_the_base(self):
        """Three programs wrap handle_read, five replace it."""

        class Wrapping(Recorder):
            def handle_read(self):
                self.told.append("before")
                asynchat.async_chat.handle_read(self)
                self.told.append("after")

        ours, theirs = self.pair()
        channel = Wrapping(ours)
        theirs.sendall(b"x\n")
        self.pump(lambda: channel.told)
        self.assertEqual(["before", b"x", "found", "after"], channel.told)

    def test_handle_read_replaced(self):
        """CPython's test of ftplib reads by itself in an async_chat."""

        class Raw(Recorder):
            def handle_read(self):
                self.told.append(self.recv(1024))

        ours, theirs = self.pair()
        channel = Raw(ours)
        theirs.sendall(b"a\nb\n")
        self.pump(lambda: channel.told)
        self.assertEqual([b"a\nb\n"], channel.told)

    def test_event_methods_in_a_mixin(self):
        """Mixins override handle_read_event and handle_write_event, for TLS handshakes above all."""

        class Events:
            def handle_read_event(self):
                self.told.append("read event")
                super().handle_read_event()

            def handle_write_event(self):
                self.told.append("write event")
                super().handle_write_event()

        class Mixed(Events, Recorder):
            def writable(self):
                return "write event" not in self.told

        ours, theirs = self.pair()
        channel = Mixed(ours)
        theirs.sendall(b"x\n")
        self.pump(lambda: "found" in channel.told and "write event" in channel.told)
        self.assertEqual(["read event", b"x", "found"], [told for told in channel.told if told != "write event"])

    def test_accept_event_in_the_same_server(self):
        """Dispatchers and chats of all kinds live in one map."""

        class Echo(asyncore.dispatcher_with_send):
            def handle_read(self):
                self.send(self.recv(100))

        server = Server(Echo)
        ours, theirs = self.pair()
        channel = Recorder(ours)
        client = self.client(server)
        client.sendall(b"echo")
        theirs.sendall(b"line\n")
        self.assertEqual(b"echo", self.hear(client, 4))
        self.pump(lambda: "found" in channel.told)
