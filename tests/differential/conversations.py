"""Conversations with a chat: what its peer sends, what its program does, and when its socket has room."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st


class Step(NamedTuple):
    """
    One thing that happens.

    ``feed`` bytes arrive; ``eof`` the peer ends its stream; ``room`` the socket takes so many bytes more;
    ``terminator``, ``push``, ``close_when_done``, ``discard``, ``close`` the program calls that method; ``producer`` it
    queues one, of a tuple of pieces, of which a step is done when it is asked for and ``falsy`` makes it false;
    ``raise`` it raises; ``arm`` it does a step inside its next collect or found callback.
    """

    name: str
    argument: Any = None


class Arm(NamedTuple):
    """Where an armed step is done, behind how many calls of that callback, and what it is."""

    where: str
    after: int
    step: Step


class Conversation(NamedTuple):
    """
    What the two subjects are put through.

    ``terminator`` is the first one, ``in_size`` and ``out_size`` are the buffer sizes of the channel, ``keeps`` says
    that its ``handle_error`` does not close.
    """

    terminator: Any
    in_size: int
    out_size: int
    keeps: bool
    steps: tuple[Step, ...]


#: In place of a piece: the producer is false.
FALSY = Step("falsy")
TERMINATORS = (b"\n", b"\r\n", b"\r\n\r\n", b"aab", b"abab", b"", None, 0, 1, 2, 3, 6)
WORDS = (b"a", b"b", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"aab", b"abab", b"a\r\nb\r\nc\r\n")

terminators = st.sampled_from(TERMINATORS)
chunks = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(b"".join)
outputs = st.binary(min_size=0, max_size=9)
calls = st.one_of(
    st.builds(Step, st.just("terminator"), terminators),
    st.builds(Step, st.just("push"), outputs),
    st.sampled_from(("close_when_done", "discard", "close", "raise")).map(Step),
)
pieces = st.lists(
    st.one_of(outputs, st.just(FALSY), calls.filter(lambda step: step.name != "terminator")), max_size=4
).map(tuple)
producers = st.builds(Step, st.just("producer"), pieces)
armed = st.builds(Arm, st.sampled_from(("collect", "found")), st.integers(0, 2), st.one_of(calls, producers))
steps = st.one_of(
    st.builds(Step, st.just("feed"), chunks),
    st.builds(Step, st.just("room"), st.sampled_from((0, 1, 2, 5, 100))),
    st.builds(Step, st.just("arm"), armed),
    calls.filter(lambda step: step.name != "raise"),
    producers,
    st.just(Step("eof")),
)
conversations = st.builds(
    Conversation,
    terminators,
    st.sampled_from((1, 2, 3, 65536)),
    st.sampled_from((1, 4, 65536)),
    st.booleans(),
    st.lists(steps, max_size=14).map(tuple),
)
