"""The suite is tested by wrong implementations: each must be killed, and each MUST check must kill at least one."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from asynchat_conformance import REGISTRY, Level, load_suite
from asynchat_conformance._runner import run_backend
from asynchat_conformance.mutants import MUTANTS

# Seconds without progress after which a check has failed: a mutant makes many of them stall.
_PATIENCE = 0.4


def _survived(name: str) -> list[str]:
    """Return the checks that were to kill a mutant and did not."""
    checks = load_suite().select(MUTANTS[name].killers)
    run = run_backend(f"asynchat_conformance.mutants:{name}", checks, patience=_PATIENCE)
    return [check.id for check in checks if run.results[check.id].status != "fail"]


def test_there_are_many() -> None:
    """There are at least forty mutants, each with a fault in words and with killers."""
    assert len(MUTANTS) >= 40
    assert all(mutant.fault and mutant.killers for mutant in MUTANTS.values())


def test_every_must_check_kills() -> None:
    """Each MUST check is named as the killer of at least one mutant."""
    load_suite()
    killers = {id for mutant in MUTANTS.values() for id in mutant.killers}
    idle = [check.id for check in REGISTRY.checks.values() if check.level is Level.MUST and check.id not in killers]

    assert not idle


@pytest.mark.skipif("ASYNCHAT_MUTANTS" not in os.environ, reason="takes minutes: set ASYNCHAT_MUTANTS=1")
@pytest.mark.timeout(600)
def test_no_mutant_survives() -> None:
    """Each mutant fails every check that is said to kill it."""
    with ThreadPoolExecutor(3) as pool:
        survivors = {name: left for name, left in zip(MUTANTS, pool.map(_survived, MUTANTS), strict=True) if left}

    assert not survivors


@pytest.mark.timeout(120)
def test_the_sound_one_passes() -> None:
    """What all mutants are made of passes every MUST check."""
    checks = [check for check in load_suite().select() if check.level is Level.MUST]
    run = run_backend("asynchat_conformance.mutants:Sound", checks)

    assert not [cell.id for cell in run.results.values() if cell.status == "fail"]
