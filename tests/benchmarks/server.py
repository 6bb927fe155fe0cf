"""The process of one server: ``server.py CANDIDATE WORKLOAD`` prints its port and serves until it is killed."""

from __future__ import annotations

import logging
import resource
import sys

import chats
import peers


def main() -> None:
    """Serve."""
    candidate, workload = sys.argv[1:]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    logging.disable()
    if candidate in peers.CANDIDATES:
        peers.CANDIDATES[candidate][0](workload)
    else:
        chats.serve(candidate, workload)


if __name__ == "__main__":
    main()
