"""Twisted 26.10.0: the number of a descriptor that was closed before it was removed is never watched again."""

from __future__ import annotations

import os

from twisted.internet.abstract import FileDescriptor
from twisted.internet.epollreactor import EPollReactor

reactor, descriptor, calls = EPollReactor(), FileDescriptor(), []
read_end, write_end = os.pipe()
descriptor.fileno = lambda: read_end
descriptor.doRead = lambda: calls.append(os.read(read_end, 10))
reactor.addReader(descriptor)
os.close(read_end)
try:
    reactor.removeReader(descriptor)
except OSError as error:
    print(error)
again, other_end = os.pipe()
assert again == read_end
reactor.addReader(descriptor)
os.write(other_end, b"hello")
reactor.iterate(0)
assert calls == []
