"""Why a goal is not met, by row, by hand; shown for the rows of a run that miss theirs."""

from __future__ import annotations

WHY: dict[str, str] = {}
