"""pyftpdlib's server under a large upload and download by the standard library's ftplib."""

from __future__ import annotations

import ftplib
import hashlib
import tempfile

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
from support import PATIENCE, Check

SIZE = 500 * 1024 * 1024


def run_server(tell, folder):
    class Handler(FTPHandler):
        authorizer = DummyAuthorizer()

    Handler.authorizer.add_user("user", "secret", folder, perm="elradfmw")
    server = FTPServer(("127.0.0.1", 0), Handler)
    tell(server.socket.getsockname()[1])
    server.serve_forever(handle_exit=False)


class Numbered:
    """A file of blocks that differ from each other."""

    def __init__(self, size):
        self.left = size
        self.block = bytes(range(256)) * 1024
        self.hash = hashlib.sha1(usedforsecurity=False)

    def read(self, size):
        count = min(size, self.left)
        piece = (b"%d|" % self.left + self.block)[:count]
        self.left -= len(piece)
        self.hash.update(piece)
        return piece


class Transfer(Check):
    def test_upload_and_download(self):
        """500 MB go up and come down again unchanged."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        port = self.serve(run_server, folder.name)
        with ftplib.FTP() as client:
            client.connect("127.0.0.1", port, timeout=PATIENCE)
            client.login("user", "secret")
            source = Numbered(SIZE)
            client.storbinary("STOR large", source, blocksize=262144)
            self.assertEqual(SIZE, client.size("large"))
            heard = hashlib.sha1(usedforsecurity=False)
            client.retrbinary("RETR large", heard.update, blocksize=262144)
            self.assertEqual(source.hash.hexdigest(), heard.hexdigest())
            self.assertEqual(["large"], client.nlst())
