"""select.poll as a reactor."""

from __future__ import annotations

import math
import select

from asynchat_core import channels
from asynchat_core.reactor import READ, WRITE, Reactor, Waker

# poll() takes its time-out as an int of C.
MOST_MILLISECONDS = 2**31 - 1


class PollReactor(Reactor):
    """Wait by ``select.poll``."""

    def __init__(self):
        self.poll = select.poll()
        self.watched = {}
        self.waker = Waker()
        self.watch(self.waker.fileno(), READ, self.waker.drain)

    def watch(self, fd, mask, ready):
        self.watched[fd] = mask, ready
        self.poll.register(fd, (select.POLLIN if mask & READ else 0) | (select.POLLOUT if mask & WRITE else 0))

    def unwatch(self, fd):
        if self.watched.pop(fd, None):
            self.poll.unregister(fd)

    def turn(self, timeout):
        # Rounded up: a wait that ends too early would turn again and again until the time has come.
        wait = None if timeout is None else min(math.ceil(timeout * 1000), MOST_MILLISECONDS)
        # The callbacks first, then the calls: one of them may unwatch another's descriptor and reuse its number.
        batch = [(*self.watched[fd], flags) for fd, flags in self.poll.poll(wait)]
        for mask, ready, flags in batch:
            events = (READ if flags & select.POLLIN else 0) | (WRITE if flags & select.POLLOUT else 0)
            # Hang-up and error mean: try to read, or to write where nothing else is watched.
            ready(events & mask or mask & READ or mask)

    def wake(self):
        self.waker.wake()

    def close(self):
        self.watched.clear()
        self.waker.close()


class ChannelMap(channels.ChannelMap):
    """A map of channels on a poll of its own."""

    make_reactor = PollReactor
