"""Files as output: sent by the kernel, or read."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from errno import EIO
from pathlib import Path
from typing import Any

import pytest

from asynchat_core import ChannelClosed

from .memory import Chat, Wire

DATA = bytes(range(256)) * 1000


class DirectChat(Chat):
    """A chat whose system can send of files; each time so many bytes as it is told, or it raises."""

    def __init__(self, *takes: Any) -> None:
        super().__init__(b"\n")
        self.takes = list(takes)
        self.asked: list[int] = []

    def _ac_send_file(self, file: Any, offset: int, count: int) -> int:
        self.asked.append(count)
        room = self.takes.pop(0) if self.takes else count
        if isinstance(room, BaseException):
            raise room
        piece = os.pread(file.fileno(), min(room, count), offset)
        self.wire.sent.append(piece)
        return len(piece)


@pytest.fixture
def open_file(tmp_path: Path) -> Callable[..., Any]:
    """Return what opens a new file with some content."""

    def opened(data: bytes = DATA, mode: str = "rb") -> Any:
        path = tmp_path / "file"
        path.write_bytes(data)
        return path.open(mode)

    return opened


class TestRead:
    """A file that is read: on this channel the system cannot send it."""

    def test_whole(self, open_file: Callable[..., Any]) -> None:
        """By default all of the file is sent between what is before and behind it, and it is closed."""
        chat, file = Chat(), open_file()
        chat.push(b"<")
        chat.push_file(file)
        chat.push(b">")

        assert chat.wire.output == b"<" + DATA + b">"
        assert file.closed

    @pytest.mark.parametrize(
        ("offset", "count", "expected"),
        [
            (None, None, b"3456789"),
            (0, None, b"0123456789"),
            (5, 2, b"56"),
            (None, 4, b"3456"),
            (10, None, b""),
            (0, 0, b""),
        ],
    )
    def test_a_part(self, offset: int | None, count: int | None, expected: bytes) -> None:
        """From the offset, or the file's position; so many bytes, or up to the end."""
        chat, file = Chat(), io.BytesIO(b"0123456789")
        file.seek(3)
        chat.push_file(file, offset, count)

        assert chat.wire.output == expected
        assert file.closed

    def test_its_position_may_move(self) -> None:
        """Where else the file is read meanwhile does not matter."""
        chat, file = Chat(b"\n", Wire(takes=[5])), io.BytesIO(DATA)
        chat.push_file(file)
        file.seek(7)
        while chat.writable():
            chat.handle_write()

        assert chat.wire.output == DATA

    def test_it_ends_too_soon(self) -> None:
        """A file that ends before count is an EOFError that says where; what count promised is not made up."""
        chat, file = Chat(), io.BytesIO(b"abc")
        with pytest.raises(EOFError, match=r"ended at 3, 2 bytes before"):
            chat.push_file(file, 0, 5)

        assert chat.wire.output == b"abc"
        assert file.closed


class TestDirect:
    """A file that the system sends."""

    def test_in_turn(self, open_file: Callable[..., Any]) -> None:
        """It keeps its place in the queue, in as many calls as it takes."""
        chat, file = DirectChat(1, 100), open_file()
        chat.push(b"<")
        chat.push_file(file)
        chat.push(b">")

        assert chat.wire.output == b"<" + DATA + b">"
        assert chat.wire.sent[1:3] == [DATA[:1], DATA[1:101]]
        assert file.closed

    def test_a_part(self, open_file: Callable[..., Any]) -> None:
        """Of a part no byte too many is asked for."""
        chat = DirectChat(2)
        chat.push_file(open_file(), 5, 6)

        assert chat.wire.output == DATA[5:11]
        assert chat.asked == [6, 4]

    def test_no_room(self, open_file: Callable[..., Any]) -> None:
        """When the socket is full the rest waits for room, and a push does not try."""
        chat, file = DirectChat(10, BlockingIOError()), open_file()
        chat.push_file(file)
        chat.push(b">")
        assert chat.wire.output == DATA[:10]
        assert chat.writable()
        assert not file.closed

        chat.handle_write()
        assert chat.wire.output == DATA + b">"

    def test_one_turn(self, open_file: Callable[..., Any]) -> None:
        """One channel sends a MiB at most, in pieces of a quarter, before the others have their turn."""
        chat = DirectChat()
        chat.push_file(open_file(bytes(3 << 20)))

        assert chat.asked == [262144] * 4
        assert chat.writable()
        chat.close()

    def test_the_size_of_a_send(self, open_file: Callable[..., Any]) -> None:
        """A program's ac_out_buffer_size is honoured exactly (API-009)."""
        chat = DirectChat()
        chat.ac_out_buffer_size = 100
        chat.push_file(open_file(), 0, 250)

        assert chat.asked == [100, 100, 50]

    def test_what_the_system_cannot_send(self, open_file: Callable[..., Any]) -> None:
        """Where the system cannot go on the rest is read."""
        chat = DirectChat(10, NotImplementedError())
        chat.push_file(open_file())

        assert chat.wire.output == DATA
        assert len(chat.asked) == 2

    def test_it_ends_too_soon(self, open_file: Callable[..., Any]) -> None:
        """A file that ends before count is an EOFError here too."""
        chat, file = DirectChat(), open_file(b"abc")
        with pytest.raises(EOFError, match="2 bytes before"):
            chat.push_file(file, 0, 5)

        assert (chat.wire.output, file.closed) == (b"abc", True)

    def test_an_error(self, open_file: Callable[..., Any]) -> None:
        """Another error comes out as from more(); the file is closed, and what is behind it leaves."""
        chat, file = DirectChat(OSError(EIO, "broken")), open_file()
        with pytest.raises(OSError, match="broken"):
            chat.push_file(file)
        chat.push(b"behind")

        assert (chat.wire.output, file.closed) == (b"behind", True)

    def test_progress(self, open_file: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
        """What is sent of a file is progress for the time-outs."""
        chat, noted = DirectChat(10, BlockingIOError()), []
        chat.flush_timeout = 5.0
        chat.push(b"x")
        chat._ac_began("flush")
        monkeypatch.setattr(chat, "_ac_note_output", lambda: noted.append(True))
        chat.push_file(open_file())

        assert noted == [True]
        chat.close()


class TestClosing:
    """The file is the channel's."""

    @pytest.mark.parametrize("end", ["discard_buffers", "close", "abort"])
    def test_with_its_channel(self, open_file: Callable[..., Any], end: str) -> None:
        """discard_buffers, close and abort close it."""
        chat, file = DirectChat(BlockingIOError()), open_file()
        chat.push_file(file)
        getattr(chat, end)()

        assert file.closed

    def test_refused(self, open_file: Callable[..., Any]) -> None:
        """Pushed on a closed channel it is closed at once."""
        chat, file = Chat(), open_file()
        chat.strict_close = True
        chat.close()
        with pytest.raises(ChannelClosed):
            chat.push_file(file)

        assert file.closed

    def test_failing_to_close(self) -> None:
        """A file that fails to close is logged."""

        class Failing(io.BytesIO):
            failures = 1

            def close(self) -> None:
                if self.failures:
                    self.failures = 0
                    raise OSError("no")
                super().close()

        chat = Chat()
        chat.push_file(Failing(b"abc"))

        assert chat.wire.output == b"abc"
        assert chat.logged[0].endswith("failed to close: OSError('no')")


class TestRefused:
    """What is no file."""

    @pytest.mark.parametrize("wrong", ["path", io.StringIO("text"), 7])
    def test_not_binary(self, wrong: Any) -> None:
        """A path, a number, or a file of text is named, with the fix."""
        with pytest.raises(TypeError, match=r"opened in binary mode \('rb'\), not (str|StringIO|int) "):
            Chat().push_file(wrong)

    def test_no_position(self) -> None:
        """A pipe has no position."""
        reading, writing = os.pipe()
        os.close(writing)
        with os.fdopen(reading, "rb") as file, pytest.raises(ValueError, match="has no position to send from"):
            Chat().push_file(file)

    @pytest.mark.parametrize(("offset", "count"), [(-1, None), (0, -1)])
    def test_negative(self, offset: int, count: int | None) -> None:
        """A negative number is refused, and the file stays open."""
        file = io.BytesIO(b"abc")
        with pytest.raises(ValueError, match=r"= -1 is negative"):
            Chat().push_file(file, offset, count)

        assert not file.closed
