"""What the loop of each backend must do beyond the conformance suite; a test class for each backend derives from it."""

from __future__ import annotations

import fcntl
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest


@contextmanager
def descriptors(limit: int) -> Iterator[None]:
    """Let the process have so many descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_descriptors() -> int:
    """Return how many descriptors the process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


FORK = """
import os, socket, sys
from importlib import import_module

backend = import_module(sys.argv[1])
lines = []

class Lines(backend.async_chat):
    def __init__(self, sock):
        super().__init__(sock)
        self.set_terminator(b"\\n")
        self.data = b""
    def collect_incoming_data(self, data):
        self.data += data
    def found_terminator(self):
        lines.append(self.data)
        self.data = b""

def lines_after(count):
    while len(lines) < count:
        backend.poll_once(5.0)
    return lines

ours, peer = socket.socketpair()
channel = Lines(ours)
backend.poll_once(0)
pid = os.fork()
if pid == 0:
    # The channel that it inherits is served here too, and so is a new one; then all are closed.
    peer.send(b"child\\n")
    lines_after(1)
    new, other = socket.socketpair()
    Lines(new)
    other.send(b"new\\n")
    lines_after(2)
    backend.close_all()
    sys.stdout.write(f"child {lines}\\n")
    sys.stdout.flush()
    os._exit(0)
os.waitpid(pid, 0)
# Nothing of that has taken the parent's registration away.
peer.send(b"parent\\n")
print("parent", lines_after(1))
backend.close_all()
peer.close()
"""


class LoopRules:
    """The rules, for the backend of a derived class."""

    backend: ClassVar[ModuleType]

    @pytest.fixture
    def lines(self) -> list[bytes]:
        """The lines that the channels of a test have received."""
        return []

    @pytest.fixture
    def make(self, lines: list[bytes]) -> Callable[..., Any]:
        """Make a channel that collects lines."""

        class Lines(self.backend.async_chat):  # type: ignore[name-defined, misc]
            def __init__(self, sock: Any = None, map: Any = None) -> None:
                super().__init__(sock, map)
                self.set_terminator(b"\n")

            def collect_incoming_data(self, data: bytes) -> None:
                self._collect_incoming_data(data)

            def found_terminator(self) -> None:
                lines.append(self._get_data())

        return Lines

    @pytest.fixture
    def channels(self) -> Iterator[Any]:
        """A map of the backend's own."""
        channels = self.backend.ChannelMap()
        yield channels
        channels.close()

    @pytest.fixture
    def pair(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Two connected sockets: a channel's, and its peer's."""
        ours, peer = socket.socketpair()
        with ours, peer:
            yield ours, peer

    def until(self, condition: Callable[[], object], map: Any) -> None:
        """Turn the loop until something holds."""
        for _ in range(1000):
            if condition():
                return
            self.backend.poll_once(5.0, map)
        pytest.fail("it does not come to hold")

    def test_a_child_does_not_disturb_its_parent(self) -> None:
        """After a fork both serve the channels they have, and the child's end takes nothing from the parent."""
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FORK, self.backend.__name__],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

        assert "" == result.stderr
        assert ["child [b'child', b'new']", "parent [b'parent']"] == result.stdout.splitlines()

    def test_a_plain_dict_is_a_map(
        self, make: Callable[..., Any], pair: tuple[socket.socket, socket.socket], lines: list[bytes]
    ) -> None:
        """A dict of the program's own is served, and what the program does to it itself is seen."""
        ours, peer = pair
        channels: dict[int, Any] = {}
        channel = make(ours, channels)
        peer.send(b"a\n")
        self.until(lambda: lines == [b"a"], channels)

        del channels[ours.fileno()]
        peer.send(b"b\n")
        self.backend.poll_once(0.0, channels)
        assert [b"a"] == lines

        channels[ours.fileno()] = channel
        self.until(lambda: lines == [b"a", b"b"], channels)
        channel.close()
        assert {} == channels

    def test_a_plain_dict_leaves_nothing(
        self, make: Callable[..., Any], pair: tuple[socket.socket, socket.socket], lines: list[bytes]
    ) -> None:
        """When the last channel of a dict is gone the loop that served it has given back its descriptors."""
        ours, peer = pair
        self.backend.poll_once(0.0, {})
        before = open_descriptors()
        channels: dict[int, Any] = {}
        make(ours, channels)
        peer.send(b"a\n")
        peer.close()
        self.backend.loop(5.0, map=channels)

        assert [b"a"] == lines
        # Its socket and the peer's are closed as well.
        assert before - 2 == open_descriptors()

    def test_a_map_that_is_closed_leaves_nothing(self, make: Callable[..., Any], lines: list[bytes]) -> None:
        """ChannelMap.close closes the channels and gives back the loop's descriptors; the map may be used again."""
        before = open_descriptors()
        channels = self.backend.ChannelMap()
        for _ in range(2):
            ours, peer = socket.socketpair()
            with peer:
                make(ours, channels)
                peer.send(b"a\n")
                self.until(lambda: lines, channels)
                lines.clear()
                channels.close()
            assert before == open_descriptors()

        assert 0 == len(channels)

    def test_a_listener_survives_without_descriptors(self, channels: Any) -> None:
        """Out of descriptors a listener rests, and takes the waiting connection when there are some again (ACC-007)."""
        accepted: list[Any] = []

        class Listener(self.backend.dispatcher):  # type: ignore[name-defined, misc]
            def handle_accepted(self, sock: socket.socket, addr: Any) -> None:
                accepted.append(sock)

            def log_info(self, message: str, type: str = "info") -> None:
                pass

        listener = Listener(map=channels)
        listener.create_socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        self.backend.poll_once(0.0, channels)
        with socket.create_connection(listener.socket.getsockname()):
            hoard: list[int] = []
            with descriptors(open_descriptors() + 8):
                try:
                    while True:
                        hoard.append(os.dup(0))
                except OSError:
                    pass
                for _ in range(3):
                    self.backend.poll_once(0.05, channels)
                for fd in hoard:
                    os.close(fd)
            assert [] == accepted
            self.until(lambda: accepted, channels)
        accepted[0].close()

    @pytest.mark.parametrize("error", ["ExitNow", KeyboardInterrupt, SystemExit])
    def test_what_leaves_the_loop_leaves_it_usable(
        self,
        make: Callable[..., Any],
        channels: Any,
        pair: tuple[socket.socket, socket.socket],
        lines: list[bytes],
        error: Any,
    ) -> None:
        """What is to leave the loop comes out of loop(), which can be called again (ERR-006, ERR-007)."""
        ours, peer = pair
        error = self.backend.ExitNow if error == "ExitNow" else error
        channel = make(ours, channels)

        def leave() -> None:
            lines.append(channel._get_data())
            if lines[-1] == b"leave":
                raise error

        channel.found_terminator = leave
        peer.send(b"leave\nb\n")
        with pytest.raises(error):
            self.backend.loop(5.0, map=channels)
        assert [b"leave"] == lines

        peer.close()
        self.backend.loop(5.0, map=channels)
        assert [b"leave", b"b"] == lines

    def test_timers_come_in_order(self, channels: Any) -> None:
        """Timers alone keep loop() running until the last has come (TMR-002, TMR-010)."""
        calls: list[str] = []
        for delay, name in ((0.03, "c"), (0.01, "a"), (0.02, "b"), (0, "now")):
            self.backend.call_later(delay, calls.append, name, map=channels)
        self.backend.call_later(0, self.backend.call_later(5, calls.append, "never").cancel, map=channels)
        self.backend.loop(5.0, map=channels)

        assert ["now", "a", "b", "c"] == calls

    def test_calls_from_a_thread_come_in_order(
        self, make: Callable[..., Any], channels: Any, pair: tuple[socket.socket, socket.socket], lines: list[bytes]
    ) -> None:
        """call_soon_threadsafe calls in the loop's thread, in order (THR-003, THR-005)."""
        make(pair[0], channels)
        calls: list[tuple[int, int]] = []

        def work() -> None:
            for number in range(100):
                self.backend.call_soon_threadsafe(
                    lambda number=number: calls.append((number, threading.get_ident())), map=channels
                )

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        self.until(lambda: len(calls) == 100, channels)

        assert [(number, threading.get_ident()) for number in range(100)] == calls

    def test_a_pipe_is_served(self, channels: Any) -> None:
        """file_dispatcher serves a pipe, to its end (MIX-007)."""
        received: list[bytes] = []

        class Reader(self.backend.file_dispatcher):  # type: ignore[name-defined, misc]
            def handle_read(self) -> None:
                received.append(self.recv(100))

            def handle_close(self) -> None:
                self.close()

            def writable(self) -> bool:
                return False

        read_end, write_end = os.pipe()
        Reader(read_end, channels)
        os.close(read_end)
        os.write(write_end, b"a")
        self.until(lambda: received, channels)
        os.write(write_end, b"b")
        os.close(write_end)
        self.backend.loop(5.0, map=channels)

        assert b"ab" == b"".join(received)

    def test_a_regular_file_is_always_ready(self, channels: Any, tmp_path: Path) -> None:
        """file_dispatcher reads a regular file to its end, and the loop ends with it."""
        received: list[bytes] = []

        class Reader(self.backend.file_dispatcher):  # type: ignore[name-defined, misc]
            def handle_read(self) -> None:
                received.append(self.recv(4))

            def handle_close(self) -> None:
                self.close()

            def writable(self) -> bool:
                return False

        path = tmp_path / "file"
        path.write_bytes(b"0123456789")
        with path.open("rb") as file:
            Reader(file, channels)
        self.backend.loop(5.0, map=channels)

        assert b"0123456789" == b"".join(received)


class ReadinessRules(LoopRules):
    """What select() cannot do, for the backends on a reactor."""

    def test_high_descriptors_are_served(
        self,
        make: Callable[..., Any],
        channels: Any,
        pair: tuple[socket.socket, socket.socket],
        lines: list[bytes],
    ) -> None:
        """A descriptor above 1024 is one like any other (FAN-003)."""
        ours, peer = pair
        with descriptors(4096), socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD, 3000)) as high:
            make(high, channels)
            peer.send(b"a\n")
            self.until(lambda: lines == [b"a"], channels)

    def test_a_call_from_a_thread_ends_the_wait(
        self, make: Callable[..., Any], channels: Any, pair: tuple[socket.socket, socket.socket], lines: list[bytes]
    ) -> None:
        """A loop that waits without end is woken by call_soon_threadsafe and by a timer set there (THR-004, L16)."""
        channel = make(pair[0], channels)
        waiting = threading.Event()
        self.backend.call_later(0, waiting.set, map=channels)

        def work() -> None:
            waiting.wait()
            later = partial(self.backend.call_later, 0.01, channel.close, map=channels)
            self.backend.call_soon_threadsafe(later, map=channels)

        thread = threading.Thread(target=work)
        thread.start()
        self.backend.loop(None, map=channels)
        thread.join()

        assert 0 == len(channels)

    def test_a_channel_added_in_a_thread_is_served(
        self, make: Callable[..., Any], channels: Any, pair: tuple[socket.socket, socket.socket], lines: list[bytes]
    ) -> None:
        """A channel that another thread puts into the map of a loop that waits is served at once."""
        idle, other = socket.socketpair()
        channel = make(idle, channels)
        waiting = threading.Event()
        self.backend.call_later(0, waiting.set, map=channels)

        def work() -> None:
            waiting.wait()
            make(pair[0], channels)
            pair[1].send(b"a\n")
            pair[1].close()
            other.send(b"b\n")

        thread = threading.Thread(target=work)
        thread.start()
        with other:
            while len(lines) < 2:
                self.backend.poll_once(None, channels)
            thread.join()
            channel.close()

        assert {b"a", b"b"} == set(lines)

    def test_idle_channels_cost_nothing(
        self, channels: Any, pair: tuple[socket.socket, socket.socket], lines: list[bytes]
    ) -> None:
        """A turn asks only channels that answer readable() or writable() themselves, or in which something was."""
        asked: list[int] = []

        class Counting(self.backend.async_chat):  # type: ignore[name-defined, misc]
            def _ac_interest(self) -> Any:
                asked.append(self._fileno)
                return super()._ac_interest()

            def collect_incoming_data(self, data: bytes) -> None:
                lines.append(data)

        sockets = [socket.socketpair() for _ in range(50)]
        for ours, _ in sockets:
            Counting(ours, channels)
        self.backend.poll_once(0.0, channels)
        asked.clear()
        sockets[7][1].send(b"a")
        self.until(lambda: lines, channels)
        for _, peer in sockets:
            peer.close()

        assert set(asked) <= {sockets[7][0].fileno()}

    def test_a_bad_descriptor_costs_its_own_channel(
        self, make: Callable[..., Any], channels: Any, pair: tuple[socket.socket, socket.socket], lines: list[bytes]
    ) -> None:
        """A descriptor that is closed when its channel enters the map is that channel's error (FDR-003)."""
        make(pair[0], channels)
        errors: list[Any] = []

        class Gone:
            accepting = False

            def fileno(self) -> int:
                return 4_000_000

            def readable(self) -> bool:
                return True

            def writable(self) -> bool:
                return False

            def handle_error(self) -> None:
                errors.append(sys.exc_info()[1])

        channels[4_000_000] = Gone()
        pair[1].send(b"a\n")
        self.until(lambda: lines, channels)

        assert 1 == len(errors)
        assert isinstance(errors[0], OSError | ValueError)
        assert 4_000_000 not in channels
