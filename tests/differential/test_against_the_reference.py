"""Any conversation goes with our mixin as with the reference, but for the differences that are meant."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import example, given, settings

from .conversations import FALSY, Arm, Conversation, Step, conversations
from .divergences import DIVERGENCES, Divergence
from .subjects import Ours, Reference, Served, State, Subject

# Room for all that a conversation may send.
THE_REST = Step("room", 10_000)
# The usual run tries the same ones each time; `nox -s differential` looks for new ones, and for more.
_EXAMPLES = int(os.environ.get("ASYNCHAT_EXAMPLES", "1000"))
_searching = settings(max_examples=_EXAMPLES, derandomize="ASYNCHAT_EXAMPLES" not in os.environ)


def states(conversation: Conversation, divergences: Sequence[Divergence] = DIVERGENCES) -> list[tuple[State, State]]:
    """Return the states of the reference and of our channel after each step, down to the first that differ."""
    conversation, options = _normalised(conversation, divergences)
    return _compare(conversation, Subject(Reference, conversation), Subject(Ours, conversation, **options))


def _normalised(conversation: Conversation, divergences: Sequence[Divergence]) -> tuple[Conversation, dict[str, Any]]:
    options: dict[str, Any] = {}
    for divergence in divergences:
        conversation = divergence.normalise(conversation)
        options |= divergence.settings
    return conversation, options


def _compare(conversation: Conversation, reference: Subject, ours: Subject | Served) -> list[tuple[State, State]]:
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


@pytest.mark.timeout(30 + _EXAMPLES // 10)
@_searching
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


@pytest.mark.timeout(30 + _EXAMPLES // 10)
@pytest.mark.parametrize("backend", ["asynchat_selectors", "asynchat_asyncore", "asynchat_uvloop"])
@_searching
@given(conversations)
def test_every_conversation_goes_the_same_way_on_a_loop(backend: str, conversation: Conversation) -> None:
    """
    So it does on each backend, with the kernel's sockets, which have room for it all.

    The reference waits for the next byte when the terminator is changed between two reads; a loop of ours does not
    (TRM-014). What arrives is read at once: whether a loop reads or writes first is its own affair.
    """
    steps = (THE_REST, *(step for step in conversation.steps if step.name not in ("room", "terminator")))
    conversation, options = _normalised(conversation._replace(steps=steps, in_size=65536), DIVERGENCES)
    with closing(Served(backend, conversation, **options)) as served:
        reference, ours = _compare(conversation, Subject(Reference, conversation), served)[-1]

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
    "TRM-014": talk(
        feed(b"a\r"), arm("collect", "terminator", b"\n"), Step("terminator", b"aab"), feed(b"a"), terminator=b"\r\n"
    ),
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
