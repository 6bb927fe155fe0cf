"""Server and client in one process and one loop: the shortest way to watch both halves talk.

Run it:

    python asynchat_echo_main.py
"""

from __future__ import annotations

import logging
import socket
import sys

from asynchat_echo_client import TEXT, EchoClient
from asynchat_echo_handler import EchoHandler
from serving import Listener, arguments, run


class EchoServer(Listener):
    """Serves one client only, so that the loop ends when the conversation does."""

    def handle_accepted(self, sock: socket.socket, addr: object) -> None:
        super().handle_accepted(sock, addr)
        self.close()


def main() -> None:
    """Run the conversation; exit status 0 means that the copy was right."""
    options = arguments("An echo server and its client in one loop.").parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stdout)
    try:
        server = EchoServer((options.host, options.port), EchoHandler)
    except OSError as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error.strerror}; try another --host or --port")
    client = EchoClient(server.address, TEXT.encode())
    run("listening on {}:{}".format(*server.address))
    print(client.outcome)
    sys.exit(0 if client.copied else 1)


if __name__ == "__main__":
    main()
