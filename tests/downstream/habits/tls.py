"""How old programs put TLS on a channel: by recv and send of their own, or by wrapping the socket."""

from __future__ import annotations

import asynchat
import asyncore
import importlib.util
import ssl
import threading
import warnings
from pathlib import Path

from support import Habit


def certificate():
    """Return a certificate and its key, in one file, of the interpreter's own tests."""
    spec = importlib.util.find_spec("test")
    folders = spec.submodule_search_locations if spec else []
    return next((str(path) for folder in folders for path in Path(folder).rglob("keycert.pem")), None)


def server_context():
    """Return a context for the server's side; the certificate's worth does not matter here."""
    path = certificate()
    if path is None:
        raise OSError("this interpreter has no test package, which has a certificate in it")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Secure:
    """The mixin that pyftpdlib, sopel and CPython's test of ftplib have in some form."""

    handshaking = False

    def secure(self):
        self.del_channel()
        self.set_socket(
            server_context().wrap_socket(
                self.socket, server_side=True, suppress_ragged_eofs=False, do_handshake_on_connect=False
            )
        )
        self.handshaking = True

    def handshake(self):
        try:
            self.socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        self.handshaking = False

    def handle_read_event(self):
        if self.handshaking:
            self.handshake()
        else:
            super().handle_read_event()

    def handle_write_event(self):
        if self.handshaking:
            self.handshake()
        else:
            super().handle_write_event()

    def writable(self):
        return super().writable() and not self.handshaking

    def send(self, data):
        try:
            return super().send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def recv(self, size):
        try:
            data = super().recv(size)
            while isinstance(self.socket, ssl.SSLSocket) and self.socket.fileno() >= 0 and self.socket.pending():
                data += self.socket.recv(self.socket.pending())
            return data
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        except ssl.SSLEOFError:
            self.handle_close()
            return b""


class Session(Secure, asynchat.async_chat):
    """Answers each line; STARTTLS makes the connection a secure one."""

    def __init__(self, sock):
        asynchat.async_chat.__init__(self, sock)
        self.set_terminator(b"\r\n")

    collect_incoming_data = asynchat.async_chat._collect_incoming_data

    def found_terminator(self):
        line = self._get_data()
        if line == b"STARTTLS":
            self.push(b"220 go on\r\n")
            self.begin_tls()
        else:
            self.push(b"250 " + line + b"\r\n")

    def begin_tls(self):
        self.secure()


class SmtpdStyle(Session):
    """smtpd with STARTTLS: ``self.socket`` is wrapped in place, right after the answer was pushed."""

    def begin_tls(self):
        self.socket = server_context().wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.handshaking = True


class Tls(Habit):
    def setUp(self):
        super().setUp()
        warnings.simplefilter("ignore", ResourceWarning)
        if certificate() is None:
            self.skipTest("the interpreter has no test package, which has a certificate in it")

    def talk(self, client, peer):
        """Run ``client(peer)`` in a thread and the loop meanwhile; return what it returned."""
        result = []

        def run():
            try:
                result.append(client(peer))
            except BaseException as error:
                result.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        self.pump(lambda: result)
        thread.join()
        if isinstance(result[0], BaseException):
            raise result[0]
        return result[0]

    def test_secure_from_the_start(self):
        """The channel's methods do the handshake and the recoding."""

        def client(peer):
            with client_context().wrap_socket(peer) as secure:
                secure.sendall(b"NOOP\r\n" * 1000)
                heard = b""
                while len(heard) < 10 * 1000:
                    heard += secure.recv(65536)
                return heard

        ours, theirs = self.pair()
        Session(ours).secure()
        self.assertEqual(b"250 NOOP\r\n" * 1000, self.talk(client, theirs))

    def starttls(self, kind):
        def client(peer):
            peer.sendall(b"STARTTLS\r\n")
            plain = peer.recv(100)
            with client_context().wrap_socket(peer) as secure:
                secure.sendall(b"NOOP\r\n")
                return plain, secure.recv(100)

        ours, theirs = self.pair()
        kind(ours)
        self.assertEqual((b"220 go on\r\n", b"250 NOOP\r\n"), self.talk(client, theirs))

    def test_starttls_by_set_socket(self):
        """del_channel, set_socket with the wrapped one: the answer pushed before it leaves in clear."""
        self.starttls(Session)

    def test_starttls_by_the_attribute(self):
        """``self.socket = wrap_socket(self.socket)`` in found_terminator after a push, which leaves in clear."""
        self.starttls(SmtpdStyle)

    def test_end_of_a_secure_stream(self):
        """The peer's end comes through the TLS layer as handle_close."""

        def client(peer):
            with client_context().wrap_socket(peer) as secure:
                secure.sendall(b"NOOP\r\n")
                return secure.recv(100)

        ours, theirs = self.pair()
        Session(ours).secure()
        self.talk(client, theirs)
        self.pump(lambda: not asyncore.socket_map)
