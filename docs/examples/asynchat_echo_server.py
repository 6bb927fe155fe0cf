"""The echo server: any number of clients, one thread, no blocking.

Run it, then asynchat_echo_client.py from another terminal:

    python asynchat_echo_server.py --port 8007
"""

from __future__ import annotations

import logging
import sys

from asynchat_echo_handler import EchoHandler
from serving import arguments, serve


def main() -> None:
    """Serve until interrupted, telling what each callback received."""
    options = arguments("An echo server: ECHO length, newline, then that many bytes.").parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stdout)
    serve(options, EchoHandler)


if __name__ == "__main__":
    main()
