"""``asynchat top``: the channels of a running server, live."""

from __future__ import annotations

import argparse
import json
import sys
import time
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from .refusal import Refused, refusal

if TYPE_CHECKING:
    from .metering import Snapshot

_CLEAR = "\x1b[H\x1b[J"
_HEADINGS = ("PID", "FD", "PEER", "STATE", "AGE", "IN/s", "OUT/s", "IN", "OUT", "FRAMES", "QUEUED", "CLASS")
# Those on the left; numbers are on the right.
_TEXTS = {"PEER", "STATE", "CLASS"}


def add_to(commands: Any) -> None:
    """Add the command to the parser's ``commands``."""
    top = commands.add_parser("top", help="show the channels of a running server that has --control")
    top.add_argument("target", metavar="HOST:PORT|PATH", help="the server's address, or the path of its control socket")
    top.add_argument("--interval", type=float, default=1.0, metavar="SECONDS", help="between two looks (default 1)")
    top.add_argument("--once", action="store_true", help="look once; so does a pipe in place of a terminal")
    top.add_argument("--json", action="store_true", help="print what each process tells, as a line of JSON")
    top.set_defaults(action=_top)


def _top(options: argparse.Namespace) -> None:
    if not options.interval > 0:
        raise Refused(f"--interval {options.interval} is not a positive number of seconds")
    once = options.once or options.json or not sys.stdout.isatty()
    before: list[Snapshot] = []
    try:
        while True:
            snapshots = _ask_all(options.target)
            if options.json:
                print("\n".join(map(json.dumps, snapshots)))
            else:
                height = None if once else get_terminal_size().lines - 1
                print("" if once else _CLEAR, "\n".join(table(snapshots, before)[:height]), sep="", flush=True)
            if once:
                return
            before = snapshots
            time.sleep(options.interval)
    except KeyboardInterrupt:
        pass


def _ask_all(target: str) -> list[Snapshot]:
    """Ask a server, and each of its workers; one that has just ended is left out."""
    # What does I/O is loaded for the command that needs it only.
    from .control import ask, find_controls

    answers, failure = [], None
    try:
        for path in find_controls(target):
            try:
                answers.append(ask(path))
            except (OSError, ValueError) as error:
                failure = f"cannot ask {path!r}: {error}"
    except OSError as error:
        raise refusal(error) from error
    if not answers:
        raise Refused(failure or f"nothing at {target!r}")
    return answers


def table(snapshots: list[Snapshot], before: list[Snapshot]) -> list[str]:
    """Return what is shown of some snapshots, as lines: each process, then the channels, the busiest first."""
    earlier = {_key(process, channel): channel for process in before for channel in process["channels"]}
    uptimes = {process["pid"]: process["uptime"] for process in before}
    rows = []
    for process in snapshots:
        passed = process["uptime"] - uptimes.get(process["pid"], 0.0)
        for channel in process["channels"]:
            rates = _rates(channel, earlier.get(_key(process, channel)), passed)
            rows.append((sum(rates), process, channel, rates))
    rows.sort(key=lambda row: (-row[0], row[1]["pid"], row[2]["fd"]))
    cells = [_cells(process, channel, rates) for _, process, channel, rates in rows]
    widths = [max(len(row[at]) for row in [_HEADINGS, *cells]) for at in range(len(_HEADINGS))]
    lines = [_summary(process) for process in snapshots]
    lines.append("")
    lines += [_line(row, widths) for row in [_HEADINGS, *cells]]
    return lines


def _key(process: Snapshot, channel: Snapshot) -> tuple[Any, ...]:
    return process["pid"], channel["fd"], channel["peer"]


def _rates(channel: Snapshot, earlier: Snapshot | None, passed: float) -> tuple[float, float]:
    if earlier is None or passed <= 0 or channel["bytes_in"] is None or earlier["bytes_in"] is None:
        return 0.0, 0.0
    return (
        max(0.0, (channel["bytes_in"] - earlier["bytes_in"]) / passed),
        max(0.0, (channel["bytes_out"] - earlier["bytes_out"]) / passed),
    )


def _summary(process: Snapshot) -> str:
    parts = [f"pid {process['pid']}", f"up {_seconds(process['uptime'])}"]
    for listener in process["listeners"]:
        where = " ".join(listener["addresses"])
        parts.append(f"{where}: {listener['connections']} open, {listener['accepted']} accepted")
        if listener["refused"]:
            parts.append(f"{listener['refused']} refused")
    loop = process["loop"]
    if loop is not None:
        busy = 100 * loop["busy"] / process["uptime"] if process["uptime"] else 0.0
        parts += [f"{loop['turns']} turns", f"{busy:.1f} % busy"]
        parts.append(f"slowest {loop['slowest'] * 1000:.1f} ms in {loop['slowest_channel'] or 'nothing'}")
    return ", ".join(parts)


def _cells(process: Snapshot, channel: Snapshot, rates: tuple[float, float]) -> tuple[str, ...]:
    return (
        str(process["pid"]),
        str(channel["fd"]),
        channel["peer"] or "-",
        channel["state"],
        _seconds(channel["age"]),
        _amount(rates[0]),
        _amount(rates[1]),
        _amount(channel["bytes_in"]),
        _amount(channel["bytes_out"]),
        "-" if channel["frames"] is None else str(channel["frames"]),
        _amount(channel["queued"]),
        channel["class"].rpartition(".")[2],
    )


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = zip(row, widths, _HEADINGS, strict=True)
    return "  ".join(cell.ljust(width) if name in _TEXTS else cell.rjust(width) for cell, width, name in cells).rstrip()


def _amount(value: float | None) -> str:
    if value is None:
        return "-"
    for unit in ("", "K", "M", "G"):
        if value < 10000:
            return f"{value:.0f}{unit}"
        value /= 1024
    return f"{value:.0f}T"


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    if value < 100:
        return f"{value:.0f}s"
    return f"{value / 60:.0f}m" if value < 6000 else f"{value / 3600:.0f}h"
