"""
Runs programs that other people wrote on asynchat, on each backend and each Python, and prints what works where.

Usage: python tests/downstream [--only NAME ...] [--backend NAME ...] [--python VERSION ...] [--report JSON]
       python tests/downstream --page JSON

Programs are installed from the registry into throw-away environments, or taken from the interpreters. The exit status
is 1 if any test fails that expectations.toml does not name, or passes that it does. --page writes docs/programs.md from
the report of an earlier run.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "harness"))

from command import main

if __name__ == "__main__":
    sys.exit(main())
