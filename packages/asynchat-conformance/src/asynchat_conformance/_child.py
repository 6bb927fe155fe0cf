"""The process of one backend: runs the checks that its parent names, and says of each, in a line, how it went."""

from __future__ import annotations

import json
import logging
import os
import random
import sys
from dataclasses import asdict
from typing import Any, TextIO

from ._adapter import BadAdapter, load_adapter
from ._registry import load_suite
from ._rig import Rig
from ._run import run_check, warm_up


def main() -> None:
    """Read one JSON object from standard input, write one for each check begun and done."""
    order = json.load(sys.stdin)
    # Whatever a backend prints must not mix with the report.
    report = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)
    logging.disable()

    def say(**message: Any) -> None:
        _write(report, message)

    registry = load_suite()
    Rig.patience = order["patience"]
    try:
        backend = load_adapter(order["spec"])
        warm_up(backend)
    except BadAdapter as error:
        say(broken=str(error))
        return
    except Exception as error:
        say(broken=f"adapter {order['spec']!r} cannot serve one channel: {type(error).__name__}: {error}")
        return
    for id in order["ids"]:
        say(begin=id)
        random.seed(order["seed"])
        say(verdict=asdict(run_check(registry.checks[id], backend, order["seed"])))


def _write(report: TextIO, message: dict[str, Any]) -> None:
    report.write(json.dumps(message) + "\n")
    report.flush()


if __name__ == "__main__":
    main()
