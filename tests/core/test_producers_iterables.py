"""Generators and other iterables as producers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from asynchat_core import NOT_READY, ChannelClosed, ProducerQueue

from .memory import Chat, Wire


class Told:
    """Generators that write down how far they got."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def pieces(self, *pieces: Any) -> Iterator[Any]:
        self.log.append("begun")
        try:
            for piece in pieces:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece() if callable(piece) else piece
            self.log.append("ended")
        finally:
            self.log.append("closed")

    def failing(self) -> Iterator[bytes]:
        """Yield a piece, and raise when closed behind it."""
        try:
            yield b"a"
        finally:
            raise ValueError("cannot stop")


@pytest.fixture
def told() -> Told:
    """What a test's generators wrote down."""
    return Told()


def blocked() -> Chat:
    """Return a chat whose socket has no room."""
    chat = Chat(b"\n", Wire(takes=[0]))
    chat.push(b"0")
    return chat


class TestItems:
    """What is sent of an iterable."""

    def test_in_order(self, told: Told) -> None:
        """Each item is a piece, and what is queued behind the iterable follows."""
        chat = Chat()
        chat.push_with_producer(told.pieces(b"a", bytearray(b"b"), memoryview(b"c")))
        chat.push(b"d")

        assert chat.wire.output == b"abcd"
        assert told.log == ["begun", "ended", "closed"]

    @pytest.mark.parametrize("items", [[b"a", b"b"], (b"a", b"b"), iter([b"a", b"b"]), {b"a": 1, b"b": 2}])
    def test_any_iterable(self, items: Any) -> None:
        """A list, or any other iterable, will do."""
        chat = Chat()
        chat.push_with_producer(items)

        assert chat.wire.output == b"ab"

    def test_lazily(self, told: Told) -> None:
        """The next item is not made before the one before it is sent."""
        chat = Chat(b"\n", Wire(takes=[1]))

        def asked() -> bytes:
            told.log.append("asked")
            return b"c"

        chat.push_with_producer(told.pieces(b"ab", asked))
        assert told.log == ["begun"]

        chat.handle_write()
        assert chat.wire.output == b"abc"

    def test_an_empty_item_ends_nothing(self) -> None:
        """What ends an iterable is its end; an empty item is left out."""
        chat = Chat()
        chat.push_with_producer([b"", b"a", b"", b"b", b""])

        assert chat.wire.output == b"ab"

    def test_not_ready(self, told: Told) -> None:
        """An iterator may give NOT_READY, and goes on when it is resumed."""
        chat = Chat()
        chat.push_with_producer(told.pieces(b"a", NOT_READY, b"b"))
        chat.push(b"c")
        assert chat.wire.output == b"a"
        assert not chat.writable()

        chat.resume_producer()
        assert chat.wire.output == b"abc"

    def test_a_method_more_counts_first(self) -> None:
        """An object with more() is a producer, iterable or not."""

        class Both(list[bytes]):
            def more(self) -> bytes:
                return self.pop() if self else b""

        chat = Chat()
        chat.push_with_producer(Both([b"a", b"b"]))

        assert chat.wire.output == b"ba"


class TestErrors:
    """What is wrong with an iterable."""

    def test_str_is_refused(self) -> None:
        """A str is an iterable, but none of bytes: refused at once, with the fix."""
        with pytest.raises(TypeError, match=r"str 'text' is neither; encode it first"):
            Chat().push_with_producer("text")  # type: ignore[arg-type]

    def test_what_is_neither(self) -> None:
        """What is neither a producer nor iterable is named with its type."""
        with pytest.raises(TypeError, match=r"method more\(\) .* or to be an iterable of bytes; int 7 is neither$"):
            Chat().push_with_producer(7)  # type: ignore[arg-type]

    @pytest.mark.parametrize("item", ["text", None, 7])
    def test_a_wrong_item(self, told: Told, item: Any) -> None:
        """An item that push would refuse is a TypeError that names it; the generator is closed, the rest leaves."""
        chat = blocked()
        chat.push_with_producer(told.pieces(b"a", item, b"b"))
        chat.push(b"c")
        with pytest.raises(TypeError, match=rf"yields must be bytes, bytearray or memoryview, not .*: {item!r}"):
            chat.handle_write()
        assert told.log == ["begun", "closed"]

        chat.handle_write()
        assert chat.wire.output == b"0ac"

    def test_a_str_with_an_encoding(self, told: Told) -> None:
        """Also with use_encoding an item must be bytes, as what is pushed must."""
        chat = Chat()
        chat.use_encoding = 1
        with pytest.raises(TypeError, match="encode it first"):
            chat.push_with_producer(told.pieces("text"))

    def test_what_it_raises(self, told: Told) -> None:
        """What the iterator raises comes out as from more(), and it is not asked again."""
        chat = Chat()
        with pytest.raises(ValueError, match="x"):
            chat.push_with_producer(told.pieces(b"a", ValueError("x")))

        assert chat.wire.output == b"a"
        assert not chat.writable()


class TestClosing:
    """A generator is closed when the channel has no more use for it."""

    @pytest.mark.parametrize("end", ["discard_buffers", "close", "abort"])
    def test_with_its_channel(self, told: Told, end: str) -> None:
        """discard_buffers, close and abort close the generators that have begun and have not."""
        chat = Chat(b"\n", Wire(takes=[0]))
        begun, waiting = told.pieces(b"a"), told.pieces(b"b")
        chat.push_with_producer(begun)
        chat.push_with_producer(waiting)
        getattr(chat, end)()

        assert told.log == ["begun", "closed"]
        assert list(waiting) == []

    def test_when_refused(self, told: Told) -> None:
        """A generator pushed on a closed channel is closed at once."""
        chat, waiting = Chat(), told.pieces(b"a")
        chat.strict_close = True
        chat.close()
        with pytest.raises(ChannelClosed):
            chat.push_with_producer(waiting)

        assert list(waiting) == []

    def test_when_made_anew(self, told: Told) -> None:
        """A channel whose constructor runs again closes the generators of its first life."""
        chat = Chat(b"\n", Wire(takes=[0]))
        chat.push_with_producer(told.pieces(b"a"))
        chat.push_with_producer(kept := told.pieces(b"b"))
        chat._ac_init_chat()

        assert list(kept) == []

    def test_by_itself(self, told: Told) -> None:
        """A generator may close its own channel; it is closed when it yields."""
        chat = blocked()
        chat.push_with_producer(told.pieces(chat.close, b"a"))
        chat.handle_write()

        assert told.log == ["begun", "closed"]
        assert chat.wire.output == b"0"

    def test_by_itself_at_its_end(self, told: Told) -> None:
        """A generator that closes its own channel may end instead of yielding."""
        chat = blocked()

        def last() -> Iterator[bytes]:
            chat.close()
            yield from ()

        chat.push_with_producer(last())
        chat.handle_write()

        assert chat.wire.output == b"0"

    def test_other_iterators_are_left_alone(self) -> None:
        """What is no generator is not closed: it belongs to the program."""

        class Closable(list[bytes]):
            def close(self) -> None:
                raise AssertionError

        chat = blocked()
        chat.push_with_producer(Closable([b"a"]))
        chat.close()

        assert chat.logged == []

    def test_failing_to_close(self, told: Told) -> None:
        """A generator that raises when it is closed is logged; the channel closes, and the others are closed too."""
        chat = Chat(b"\n", Wire(takes=[0]))
        chat.push_with_producer(told.failing())
        chat.push_with_producer(kept := told.pieces(b"b"))
        chat.close()

        assert not chat.connected
        assert list(kept) == []
        assert len(chat.logged) == 1
        assert chat.logged[0].startswith("error: <producer of <generator object")
        assert chat.logged[0].endswith("failed to close: ValueError('cannot stop')")

    def test_failing_to_close_in_a_queue_alone(self, told: Told) -> None:
        """Without a channel there is nobody to log it: clear() raises it, with the queue empty."""
        queue = ProducerQueue()
        queue.push_producer(told.failing())
        queue.next_chunk(100)
        with pytest.raises(ValueError, match="cannot stop"):
            queue.clear()

        assert not queue
