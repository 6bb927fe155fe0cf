"""
Runs one unittest suite on whatever asynchat and asyncore its interpreter imports, and reports each test as it ends.

Usage: suite.py REPORT KIND NAME [--stdlib FOLDER] [--only PATTERN] [--without PATTERN ...]

KIND file: NAME is the path of a module of tests. KIND reference: NAME is a module of the tests of the standard library
in FOLDER, that of an older Python, whose smtpd is taken from there too. KIND own: NAME is a module of the interpreter's
own tests; what it imports as test.support.asyncore, asynchat and smtpd is replaced.

REPORT becomes a file of JSON lines: [test, "started", ""], then [test, outcome, text].
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import importlib.util
import json
import sys
import unittest
import unittest.mock
import warnings
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

# Seconds after which a test that hangs shows where; the process is ended by whoever started it.
_DUMP_AFTER = 25


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=Path)
    parser.add_argument("kind", choices=["file", "reference", "own"])
    parser.add_argument("name")
    parser.add_argument("--stdlib", type=Path)
    parser.add_argument("--only", default="*")
    parser.add_argument("--without", nargs="*", default=[])
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "The asyn(core|chat) module is deprecated", DeprecationWarning)
    if options.kind == "file":
        path = Path(options.name)
        sys.path.insert(0, str(path.parent))
        module = _load(path.stem, path)
    elif options.kind == "reference":
        with unittest.mock.patch("warnings._deprecated"):
            # It refuses to be imported by a Python that should not have it any more.
            _load("smtpd", options.stdlib / "smtpd.py")
        module = _load(options.name, options.stdlib / "test" / f"{options.name}.py")
        _use_no_resources()
    else:
        _replace_support_modules()
        module = importlib.import_module(f"test.{options.name}")
        _use_no_resources()
    loader = unittest.TestLoader()
    loader.testNamePatterns = [options.only]
    tests = [
        test
        for test in _flat(loader.loadTestsFromModule(module))
        if not any(fnmatchcase(_short(test.id(), module), pattern) for pattern in options.without)
    ]
    with options.report.open("w", buffering=1) as report:
        _Result.report, _Result.module = report, module
        unittest.TextTestRunner(verbosity=0, resultclass=_Result, stream=sys.stderr).run(unittest.TestSuite(tests))


def _load(name: str, path: Path) -> ModuleType:
    """Import the file ``path`` as the module ``name``, whatever else has that name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _replace_support_modules() -> None:
    """Put asyncore, asynchat, and smtpd on top of them, where the tests of Python 3.12 and later keep copies."""
    support = importlib.import_module("test.support")
    for name in ("asyncore", "asynchat"):
        module = importlib.import_module(name)
        sys.modules[f"test.support.{name}"] = module
        setattr(support, name, module)


def _use_no_resources() -> None:
    """As the standard library's own runner does unless told otherwise: no test that needs the internet."""
    support: Any = importlib.import_module("test.support")
    support.use_resources = ()


def _flat(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    tests: list[unittest.TestCase] = []
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            tests.extend(_flat(test))
        else:
            tests.append(test)
    return tests


def _short(test: str, module: ModuleType) -> str:
    return test.removeprefix(f"{module.__name__}.")


class _Result(unittest.TextTestResult):
    report: TextIO
    module: ModuleType

    def _tell(self, test: Any, outcome: str, text: str = "") -> None:
        self.report.write(json.dumps([_short(test.id(), self.module), outcome, text]) + "\n")

    def startTest(self, test: Any) -> None:  # noqa: N802 - unittest's name
        super().startTest(test)
        faulthandler.dump_traceback_later(_DUMP_AFTER)
        self._tell(test, "started")

    def stopTest(self, test: Any) -> None:  # noqa: N802
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)

    def addSuccess(self, test: Any) -> None:  # noqa: N802
        super().addSuccess(test)
        self._tell(test, "passed")

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802
        super().addError(test, err)
        self._tell(test, "failed", self.errors[-1][1])

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        super().addFailure(test, err)
        self._tell(test, "failed", self.failures[-1][1])

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._tell(test, "failed", self._exc_info_to_string(err, test))

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802
        super().addSkip(test, reason)
        self._tell(test, "skipped", reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        super().addExpectedFailure(test, err)
        self._tell(test, "passed")

    def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802
        super().addUnexpectedSuccess(test)
        self._tell(test, "failed", "unexpected success")


if __name__ == "__main__":
    main()
