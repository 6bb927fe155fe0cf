"""asyncore-wsgi, with our asyncore in the place of its copy: a poll of its own drives dispatchers by readwrite()."""

from __future__ import annotations

import asyncore
import contextlib
import http.client
import os
import sys

sys.modules["asyncore_wsgi.asyncore"] = asyncore

from asyncore_wsgi import make_server  # noqa: E402 - after the copy is replaced
from support import PATIENCE, Check  # noqa: E402


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    head = environ["REQUEST_METHOD"].encode() + b" " + environ["PATH_INFO"].encode() + b"\n"
    return [head, *[b"x" * 1000] * int(environ.get("QUERY_STRING") or 1)]


def run_server(tell):
    with contextlib.redirect_stderr(open(os.devnull, "w")):  # noqa: PTH123
        server = make_server("127.0.0.1", 0, application)
        tell(server.socket.getsockname()[1])
        server.serve_forever()


class AsyncoreWsgi(Check):
    def setUp(self):
        self.port = self.serve(run_server)

    def request(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request(method, path)
        return connection.getresponse().read()

    def test_get(self):
        """A page comes."""
        self.assertEqual(b"GET /page\n" + b"x" * 1000, self.request("GET", "/page"))

    def test_long_answer(self):
        """An iterator is sent piece by piece, whenever there is room."""
        self.assertEqual(len(b"GET /\n") + 3000000, len(self.request("GET", "/?3000")))
