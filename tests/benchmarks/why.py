"""Why a goal is not met, by row, by hand; shown for the rows of a run that miss theirs. No figures: they would age."""

from __future__ import annotations

_READ = (
    "each read costs more than the reference's: a channel opens a batch, so that all that callbacks push leaves "
    "together, bounds the frames of one turn, adapts its read size, and may be stopped or re-entered within a chunk."
)
_SMALL = f"one message a read, so that nothing can be joined, and {_READ} The kernel's part is the same for all."
_PREPARED = (
    "the candidate `Framer`, without a channel, is nearly as slow: the find, the slice and the calls for a frame are "
    "the cost, and what lets any callback change the terminator, discard, stop or re-enter."
)

WHY: dict[str, str] = {
    "lines of 16 B, chunks of 1 B": _READ,
    "lines of 64 B, chunks of 4 KiB": f"`Framer` by itself meets the goal; at 64 frames a read, {_READ}",
    "lines of 1 KiB, chunks of 64 KiB": _PREPARED,
    "header + 1 KiB of body, chunks of 64 KiB": _PREPARED,
    "CRLF.CRLF over text full of CRLF, chunks of 4 KiB": f"a frame takes two reads, and {_READ}",
    "chunks of 100 B that end in CR, terminator of 64 B": f"at 100 bytes a read, {_READ}",
    "echo of 64 B, 50 connections": _SMALL,
    "echo of 10 KiB, 50 connections": (
        "the reference's buffers hold such a message whole too, so that both make one call to receive it and one to "
        "send it: the kernel's copies are most of the cost, and C itself, on this machine, is above the goal."
    ),
    "echo of 100 KiB, 50 connections": (
        "the kernel's copies, and those of the program, which joins what it collected and adds the terminator, are "
        "most of the cost: C itself, on this machine, is above the goal."
    ),
    "header + 1 KiB of body, 10 x 100": (
        "four callbacks, two changes of the terminator and a push for each message, in Python, are the cost."
    ),
    "1000000 pushes of 20 B, the reader asleep": (
        "a call, a look at the type and at the room below the limits, and an append are all that is left of a push."
    ),
    "room of 1000, lines by 10": (
        "the first push of an event leaves at once, since old programs wait in a callback for what the peer does with "
        "it; the other nine leave together. That is two sends for ten lines, where one that holds all back makes one."
    ),
    "pipelined lines of 64 B, 50 x 100": (
        "two callbacks and a push for each line, in Python, are the cost; redis parses and joins its replies in C."
    ),
    "1 active beside 10000 idle": (
        "the memory has everything of a connection in it: socket, channel, the attributes of the program, "
        "and a deque for the output, whose first block alone takes half a KiB."
    ),
    "room of 1000, lines by 1": "a send to each receiver for each line is the kernel's, and cannot be joined.",
}
