"""``python -m asynchat_core``: the command line ``asynchat``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
