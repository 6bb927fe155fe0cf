"""The table of the last run, in the Markdown page about reliability."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .kit import PROBES, Outcome

_BEGIN = "<!-- made by tests/soak -->\n"
_END = "<!-- end -->\n"


def write_page(path: Path, results: dict[str, dict[str, Outcome]], candidates: list[str]) -> None:
    """Replace what stands between the two marks of a page by the results."""
    head, _, rest = path.read_text().partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    if not tail:
        raise SystemExit(f"{path} has no {_BEGIN.strip()!r} followed by {_END.strip()!r}")
    path.write_text(head + _BEGIN + "\n".join(_lines(results, candidates)) + "\n" + _END + tail)


def _lines(results: dict[str, dict[str, Outcome]], candidates: list[str]) -> Iterator[str]:
    yield f"{_conditions()}\n"
    yield "| probe | " + " | ".join(candidates) + " |"
    yield "| --- |" + " --- |" * len(candidates)
    for probe, row in results.items():
        cells = (row[name] for name in candidates)
        shown = (f"{'held' if cell.held else '**not held**'}: {cell.text}" for cell in cells)
        yield f"| {PROBES.by_name[probe].title} | " + " | ".join(shown) + " |"


def _conditions() -> str:
    """Say when and on what this runs."""
    versions = [f"CPython {platform.python_version()}"]
    for name in ("uvloop", "twisted", "pyasynchat"):
        with suppress(PackageNotFoundError):
            versions.append(f"{name} {version(name)}")
    where = f"{platform.system()} {platform.machine()} with {os.cpu_count()} processors"
    return f"{', '.join(versions)}; {where}; {date.today().isoformat()}."
