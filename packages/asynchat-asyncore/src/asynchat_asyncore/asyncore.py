"""asyncore itself: the standard library's on Python 3.11, pyasyncore from 3.12 on."""

from __future__ import annotations

import asyncore
import sys

# The module itself, not a copy of its names: what a program sets in it (socket_map, a stand-in for socket) counts.
sys.modules[__name__] = asyncore
