"""The registry of checks."""

from __future__ import annotations

import pytest

from asynchat_conformance import Level, load_suite
from asynchat_conformance._registry import AREAS, Check, Registry


def _check(id: str, rule: str = "A rule.") -> Check:
    return Check(id, Level.MUST, rule, lambda rig: None)


def test_an_id_is_used_once() -> None:
    """An id that is taken is refused."""
    registry = Registry()
    registry.add(_check("FRM-001"))

    with pytest.raises(ValueError, match="FRM-001 is taken"):
        registry.add(_check("FRM-001"))


@pytest.mark.parametrize("id", ["FRM-1", "frm-001", "FRAME-001"])
def test_an_id_has_a_form(id: str) -> None:
    """An id is three capitals, a hyphen, three digits."""
    with pytest.raises(ValueError, match="three capitals"):
        Registry().add(_check(id))


def test_a_check_has_a_rule() -> None:
    """A check without a docstring is refused."""
    with pytest.raises(ValueError, match="docstring"):
        Registry().add(_check("FRM-001", ""))


def test_every_rule_is_a_sentence() -> None:
    """Each rule is one sentence or a few, and each area is known."""
    for check in load_suite().checks.values():
        assert check.rule.endswith("."), check.id
        assert check.area in AREAS, check.id


def test_selection_by_area_and_id() -> None:
    """Areas and ids may be mixed; the order is that of the catalogue."""
    ids = [check.id for check in load_suite().select(["TRM-002", "NUM", "API-001"])]

    assert ids[0] == "API-001"
    assert ids[-1] == "TRM-002"
    assert len(ids) > 10
