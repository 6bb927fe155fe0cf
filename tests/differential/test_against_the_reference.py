"""Any conversation goes with our mixin as with the reference, but for the differences that are meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings

from .conversations import FALSY, Arm, Conversation, Step, conversations
from .divergences import DIVERGENCES, Divergence
from .subjects import Ours, Reference, State, Subject

# Room for all that a conversation may send.
THE_REST = Step("room", 10_000)


def states(conversation: Conversation, divergences: Sequence[Divergence] = DIVERGENCES) -> list[tuple[State, State]]:
    """Return the states of the reference and of our channel after each step, down to the first that differ."""
    options: dict[str, Any] = {}
    for divergence in divergences:
        conversation = divergence.normalise(conversation)
        options |= divergence.settings
    reference, ours = Subject(Reference, conversation), Subject(Ours, conversation, **options)
    seen = []
    for step in (*conversation.steps, THE_REST):
        reference.perform(step)
        ours.perform(step)
        seen.append((reference.state, ours.state))
        if reference.state != ours.state:
            break
    return seen


def talk(*steps: Step, terminator: Any = b"\n", out_size: int = 65536, keeps: bool = False) -> Conversation:
    """Return a conversation with large reads."""
    return Conversation(terminator, 65536, out_size, keeps, steps)


def feed(data: bytes) -> Step:
    """Let bytes arrive."""
    return Step("feed", data)


def arm(where: str, name: str, argument: Any = None) -> Step:
    """Arm a callback with a step."""
    return Step("arm", Arm(where, 0, Step(name, argument)))


def producer(*pieces: Any) -> Step:
    """Queue a producer."""
    return Step("producer", pieces)


@settings(max_examples=1000)
@given(conversations)
@example(
    talk(THE_REST, arm("collect", "push", b"a"), arm("found", "push", b"b"), arm("collect", "discard"), feed(b"x\ny\n"))
)
@example(
    talk(THE_REST, arm("collect", "push", b"a"), arm("found", "push", b"b"), arm("collect", "close"), feed(b"x\ny\n"))
)
@example(talk(Step("push", b"a"), Step("push", b""), Step("push", b""), Step("push", b"b")))
def test_every_conversation_goes_the_same_way(conversation: Conversation) -> None:
    """Callbacks, bytes sent, terminator, end and interest agree after each step of any conversation."""
    reference, ours = states(conversation)[-1]

    assert reference == ours


WITNESSES = {
    "TRM-008 TRM-009": talk(arm("collect", "terminator", b"\n"), feed(b"ab\n"), terminator=3),
    "CLS-005 CLS-006": talk(arm("collect", "close"), feed(b"a\nb\n")),
    "ERR-013 ERR-014 PRD-015": talk(arm("found", "raise"), feed(b"a\nb\n"), keeps=True),
    "RNT-004": talk(THE_REST, producer(Step("push", b"a"))),
    "DSC-009": talk(producer(Step("discard"))),
    "PRD-010": talk(THE_REST, producer(FALSY, b"a", b"b"), Step("push", b"c")),
    "CWD-003": talk(THE_REST, arm("collect", "close_when_done"), arm("found", "push", b"a"), feed(b"a\nb\n")),
    "EOF-008": talk(feed(b"a\r"), Step("terminator", b"\n"), Step("eof"), terminator=b"\r\n"),
    "OUT-018": talk(THE_REST, arm("collect", "push", b"abc"), arm("collect", "close"), feed(b"a\nb\n"), out_size=1),
}


@pytest.mark.parametrize("divergence", DIVERGENCES, ids=lambda divergence: divergence.ids)
def test_every_difference_is_still_there(divergence: Divergence) -> None:
    """Without its normaliser a conversation shows the difference, and with it none: the list hides nothing more."""
    witness = WITNESSES[divergence.ids]
    others = [other for other in DIVERGENCES if other is not divergence]
    reference, ours = states(witness, others)[-1]
    assert reference != ours

    reference, ours = states(witness)[-1]
    assert reference == ours
