"""
Runs a package's own pytest suite on whatever asynchat and asyncore its interpreter imports, and reports each test.

Usage: pytests.py REPORT TARGET [--replace MODULE=asyncore ...] [--only EXPRESSION] [--without PATTERN ...]

TARGET: a folder of tests, or the name of a package that has them. --replace gives an importable module a name that the
package has for a copy of its own. --only is pytest's -k. REPORT becomes a file of JSON lines as suite.py writes it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TextIO

import pytest

# Seconds that one test may take: pytest-timeout then shows where it hangs.
_TEST_TIMEOUT = 30


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=Path)
    parser.add_argument("target")
    parser.add_argument("--replace", nargs="*", default=[])
    parser.add_argument("--only", default="")
    parser.add_argument("--without", nargs="*", default=[])
    options = parser.parse_args()
    for replacement in options.replace:
        name, _, module = replacement.partition("=")
        sys.modules[name] = importlib.import_module(module)
    arguments = ["-q", "-p", "no:cacheprovider", f"--timeout={_TEST_TIMEOUT}", "-k", options.only]
    target = Path(options.target)
    if target.is_dir():
        # The suite alone: what its project would have pytest do besides is not ours.
        arguments += ["-c", "/dev/null", "--rootdir", str(target.parent), str(target)]
    else:
        arguments += ["--pyargs", options.target]
    with options.report.open("w", buffering=1) as report:
        return int(pytest.main(arguments, [_Reporter(report, options.without)]) > pytest.ExitCode.TESTS_FAILED)


class _Reporter:
    def __init__(self, report: TextIO, without: list[str]) -> None:
        self._report = report
        self._without = without

    def _tell(self, test: str, outcome: str, text: str = "") -> None:
        self._report.write(json.dumps([_short(test), outcome, text]) + "\n")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [
            item for item in items if not any(fnmatchcase(_short(item.nodeid), pattern) for pattern in self._without)
        ]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._tell(nodeid, "started")

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            outcome = "passed" if hasattr(report, "wasxfail") else report.outcome
            self._tell(report.nodeid, outcome, report.longreprtext if outcome == "failed" else "")


def _short(nodeid: str) -> str:
    """Return a test's name without the folders that its module lies in."""
    path, separator, rest = nodeid.partition("::")
    return Path(path).name + separator + rest


if __name__ == "__main__":
    sys.exit(main())
