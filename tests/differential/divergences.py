"""
Where we mean to differ from the reference, by the ids of the checks that say how.

Each is a normaliser: it takes out of a conversation what shows the difference, or lets our channel behave as the
reference does. One test for each proves that it is still needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .conversations import Arm, Conversation, Step


def without(conversation: Conversation, unwanted: Callable[[Step], bool]) -> Conversation:
    """Leave out steps, also those that are armed, and those that are done by a producer."""

    def kept(step: Step) -> bool:
        inner = [step.argument.step] if isinstance(step.argument, Arm) else [step]
        for part in inner:
            if part.name == "producer":
                inner += [piece for piece in part.argument if isinstance(piece, Step)]
        return not any(map(unwanted, inner))

    return conversation._replace(steps=tuple(filter(kept, conversation.steps)))


def counts_in(conversation: Conversation) -> bool:
    """Return whether any terminator of a conversation is a count."""
    steps = [step.argument.step if step.name == "arm" else step for step in conversation.steps]
    terminators = [conversation.terminator, *(step.argument for step in steps if step.name == "terminator")]
    return any(isinstance(terminator, int) and terminator for terminator in terminators)


def keep_collect_from_changing_a_count(conversation: Conversation) -> Conversation:
    """In collect a terminator set during a count is a TypeError of the reference, or is lost."""
    if not counts_in(conversation):
        return conversation
    return without_armed(conversation, "collect", "terminator")


def without_armed(conversation: Conversation, where: str, name: str) -> Conversation:
    """Leave out what is armed at a callback."""

    def kept(step: Step) -> bool:
        return not (step.name == "arm" and (step.argument.where, step.argument.step.name) == (where, name))

    return conversation._replace(steps=tuple(filter(kept, conversation.steps)))


def close_on_errors(conversation: Conversation) -> Conversation:
    """After a callback that raised the reference delivers again, or waits with what is behind it."""
    return conversation._replace(keeps=False)


def keep_producers_from_acting(*names: str) -> Callable[[Conversation], Conversation]:
    """Return a normaliser that leaves out what producers do inside more()."""

    def normalise(conversation: Conversation) -> Conversation:
        def passive(step: Step) -> Step:
            if step.name == "arm":
                return step._replace(argument=step.argument._replace(step=passive(step.argument.step)))
            if step.name != "producer":
                return step
            pieces = tuple(piece for piece in step.argument if getattr(piece, "name", "") not in names)
            return step._replace(argument=pieces)

        return conversation._replace(steps=tuple(map(passive, conversation.steps)))

    return normalise


def push_nothing_behind_the_end(conversation: Conversation) -> Conversation:
    """Behind close_when_done() the reference takes a push, which makes it close at once."""
    if not any("close_when_done" in repr(step) for step in conversation.steps):
        return conversation
    return without(conversation, lambda step: step.name in ("push", "producer"))


def end_without_changes(conversation: Conversation) -> Conversation:
    """At the end of the stream the reference reads held bytes once more, under the terminator of that time."""
    if not any(step.name == "terminator" for step in conversation.steps):
        return conversation
    return without(conversation, lambda step: step.name == "eof")


def change_between_reads_or_in_callbacks(conversation: Conversation) -> Conversation:
    """A terminator changed between two reads is heeded by us before the next, by the reference with the next."""
    if not any(step.name == "arm" for step in conversation.steps):
        return conversation
    kept = tuple(step for step in conversation.steps if step.name != "terminator")
    return conversation._replace(steps=kept)


def send_in_one_go(conversation: Conversation) -> Conversation:
    """In one event the reference sends one chunk, and we send all that goes: what stops it then stops another rest."""
    if not any(step.name == "arm" for step in conversation.steps):
        return conversation
    armed = [step.argument.step for step in conversation.steps if step.name == "arm"]
    if any(step.name == "producer" for step in armed):
        conversation = keep_producers_from_acting("close", "close_when_done", "raise")(conversation)
    return conversation._replace(out_size=65536)


class Divergence(NamedTuple):
    """A difference that is meant, and how not to see it."""

    ids: str
    normalise: Callable[[Conversation], Conversation] = lambda conversation: conversation
    settings: dict[str, Any] = {}  # noqa: RUF012 - a constant


DIVERGENCES = (
    Divergence("TRM-008 TRM-009", keep_collect_from_changing_a_count),
    Divergence("CLS-005 CLS-006", settings={"deliver_after_close": True}),
    Divergence("ERR-013 ERR-014 PRD-015", close_on_errors),
    Divergence("RNT-004", keep_producers_from_acting("push")),
    Divergence("DSC-009", keep_producers_from_acting("discard")),
    Divergence("PRD-010", keep_producers_from_acting("falsy")),
    Divergence("CWD-003", push_nothing_behind_the_end),
    Divergence("EOF-008", end_without_changes),
    Divergence("TRM-014", change_between_reads_or_in_callbacks),
    Divergence("OUT-018", send_in_one_go),
)
