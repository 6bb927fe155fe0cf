"""The client's half of the echo conversation: sends a text through a producer and checks the copy that comes back.

Run it beside asynchat_echo_server.py:

    python asynchat_echo_client.py --port 8007
"""

from __future__ import annotations

import argparse
import asynchat
import asyncore
import logging
import sys

from asynchat_echo_producer import EchoProducer
from serving import port_number

TEXT = (
    "A channel collects what arrives until its terminator is found.\n"
    "Then it tells you, and you choose the next terminator: some bytes, a count, or none at all.\n"
    "That is all there is to it."
)


class EchoClient(asynchat.async_chat):
    """Sends ``message`` to the echo server at ``address``; ``outcome`` says in the end how that went."""

    ac_in_buffer_size = 64
    PIECE = 64

    def __init__(self, address: tuple[str, int], message: bytes) -> None:
        super().__init__()
        self.message = message
        self.received: list[bytes] = []
        self.outcome = "the server hung up before it answered"
        self.copied = False
        self.log_to = logging.getLogger("EchoClient")
        # The answer has no end mark of its own, but its length is known.
        self.set_terminator(len(message))
        self.create_socket()
        self.log_to.info("connecting to %s:%d", *address)
        self.connect(address)

    def handle_connect(self) -> None:
        self.log_to.info("handle_connect()")
        self.push(b"ECHO %d\n" % len(self.message))
        self.push_with_producer(EchoProducer(self.message, buffer_size=self.PIECE))

    def collect_incoming_data(self, data: bytes) -> None:
        self.log_to.info("collect_incoming_data() -> (%d bytes) %r", len(data), data)
        self.received.append(data)

    def found_terminator(self) -> None:
        self.log_to.info("found_terminator()")
        copy = b"".join(self.received)
        self.copied = copy == self.message
        self.outcome = "the copy is right" if self.copied else f"the copy is wrong: {copy!r}"
        self.close()

    def handle_close(self) -> None:
        self.log_to.info("handle_close()")
        if self.received:
            self.outcome = f"the server hung up after {b''.join(self.received)!r}"
        self.close()

    def handle_error(self) -> None:
        """A refused connection comes here too: not as an exception of connect(), which only starts to connect."""
        error = sys.exception()
        if not isinstance(error, OSError):
            return super().handle_error()
        self.outcome = f"the connection failed: {error}"
        return self.close()


def main() -> None:
    """Talk to the server that the command line names; exit status 0 means that the copy was right."""
    parser = argparse.ArgumentParser(description="Sends a text to the echo server and checks the copy.")
    parser.add_argument("--host", default="127.0.0.1", help="address of the server (default: %(default)s)")
    parser.add_argument("--port", type=port_number, required=True, help="port of the server")
    parser.add_argument("--text", default=TEXT, help="what to send (default: three lines about terminators)")
    options = parser.parse_args()
    if not options.text:
        parser.error("--text '' has nothing to send; give at least one character")
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stdout)
    try:
        client = EchoClient((options.host, options.port), options.text.encode())
    except OSError as error:
        sys.exit(f"cannot connect to {options.host}:{options.port}: {error.strerror}")
    asyncore.loop()
    print(client.outcome)
    sys.exit(0 if client.copied else 1)


if __name__ == "__main__":
    main()
