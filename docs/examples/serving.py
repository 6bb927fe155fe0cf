"""What the servers here need and asynchat leaves to the program: a command line, a listening socket, a clean end."""

from __future__ import annotations

import argparse
import asynchat
import asyncore
import signal
import socket
import sys
from collections.abc import Callable


class Listener(asyncore.dispatcher):
    """Listens on an address and hands each accepted socket to ``handler``, which makes a channel of it."""

    def __init__(self, address: tuple[str, int], handler: Callable[[socket.socket], object]) -> None:
        super().__init__()
        self.handler = handler
        self.create_socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self.set_reuse_addr()
            self.bind(address)
            self.listen(128)
        except OSError:
            self.close()
            raise
        self.address = self.socket.getsockname()

    def handle_accepted(self, sock: socket.socket, addr: object) -> None:
        # The channel enters the loop's map by itself; the map keeps it alive.
        self.handler(sock)


class BackPressure(asynchat.async_chat):
    """Takes no further request from a client that does not take its answers, which would fill the memory instead."""

    def readable(self) -> bool:
        # A client may have vanished before it was accepted. Its channel is not connected and will never send,
        # and nothing but reading finds that out.
        return not (self.connected and self.producer_fifo) and bool(super().readable())


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows ``--host`` and ``--port``; a program may add options of its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port_number, default=0, help="port to listen on (default: 0, any free one)")
    return parser


def port_number(text: str) -> int:
    """Return the port that ``text`` names; argparse turns the error into its one-line message."""
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"port {text!r} is not a number from 0 to 65535")
    return int(text)


def serve(options: argparse.Namespace, handler: Callable[[socket.socket], object]) -> None:
    """Listen where ``options`` says and run the loop until SIGINT (Ctrl-C) or SIGTERM ends it."""
    try:
        listener = Listener((options.host, options.port), handler)
    except OSError as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error.strerror}; try another --host or --port")
    run("listening on {}:{}".format(*listener.address))


def run(ready: str) -> None:
    """Print ``ready`` and run the loop until its last channel is closed or a signal comes."""
    # KeyboardInterrupt is one of the few exceptions that leave asyncore.loop(); SIGTERM is made to end it the same way.
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.default_int_handler)
    try:
        print(ready, flush=True)
        # A signal that arrives just before the loop goes to sleep is noticed when it wakes: let it wake once a second.
        asyncore.loop(timeout=1.0)
    except KeyboardInterrupt:
        pass
    finally:
        asyncore.close_all()
