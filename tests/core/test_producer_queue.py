"""The queue of what is to be sent: bytes, producers, and the mark behind which nothing is."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynchat_core import CLOSE_MARK, ProducerQueue, simple_producer

from .memory import Pieces


class Boom(Exception):
    """Raised by producers."""


class Owner:
    """A channel, as far as its queue knows it."""

    def __init__(self) -> None:
        self.told = 0

    def _ac_output_changed(self) -> None:
        self.told += 1

    def log_info(self, message: Any, type: str = "info") -> None:
        raise AssertionError(message)


#: Two pushes of it are two entries of one object.
ENTRY = b"abcd"
ADDING: dict[str, Callable[[ProducerQueue, Any], Any]] = {
    "append": lambda queue, entry: queue.append(entry),
    "appendleft": lambda queue, entry: queue.appendleft(entry),
    "extend": lambda queue, entry: queue.extend([entry]),
    "extendleft": lambda queue, entry: queue.extendleft([entry]),
    "insert": lambda queue, entry: queue.insert(0, entry),
    "+=": lambda queue, entry: queue.__iadd__([entry]),
}
TAKING: dict[str, Callable[[ProducerQueue], Any]] = {
    "popleft": lambda queue: queue.popleft(),
    "pop": lambda queue: queue.pop(),
    "del": lambda queue: queue.__delitem__(0),
}


def queue_of(*entries: Any) -> ProducerQueue:
    """Return a queue with bytes, producers, and None for the close mark."""
    queue = ProducerQueue()
    for entry in entries:
        if entry is None:
            queue.push_close_mark()
        else:
            queue.push_producer(entry)
    return queue


def drain(queue: ProducerQueue, limit: int = 4096, takes: int | None = None) -> list[Any]:
    """Return the chunks of a queue down to its end or the close mark, sent as far as ``takes`` allows each time."""
    chunks: list[Any] = []
    while queue and CLOSE_MARK not in chunks:
        chunk = queue.next_chunk(limit)
        if isinstance(chunk, bytes):
            chunk = chunk[:takes]
            queue.sent(len(chunk))
        if chunk:
            chunks.append(chunk)
    return chunks


class TestBytes:
    """Bytes in the queue."""

    def test_pushes_leave_in_order_and_together(self) -> None:
        """Small entries are joined into one chunk, in order (OUT-001)."""
        assert [b"abcdef"] == drain(queue_of(b"ab", b"c", b"def"))

    def test_a_chunk_is_no_longer_than_asked(self) -> None:
        """No chunk exceeds the limit, and long data arrives whole (OUT-006, OUT-007)."""
        assert [b"abc", b"def", b"g"] == drain(queue_of(b"abcdefg"), 3)

    def test_entries_are_joined_up_to_the_limit(self) -> None:
        """An entry that does not fit as a whole waits for the next chunk."""
        assert [b"ab", b"cde", b"f"] == drain(queue_of(b"ab", b"cde", b"f"), 3)

    def test_entries_of_very_different_lengths_are_joined_too(self) -> None:
        """A few long entries first, many short ones behind: each send takes what fits, in order."""
        entries = [b"L" * 100] * 10 + [b"s"] * 90

        assert [b"L" * 100] * 9 == drain(queue_of(*entries), 150)[:9]
        assert b"".join(entries) == b"".join(drain(queue_of(*entries), 150))

    def test_a_chunk_stays_until_it_is_sent(self) -> None:
        """Asked twice, the queue gives the same chunk."""
        queue = queue_of(b"ab", b"c")

        assert queue.next_chunk(10) == queue.next_chunk(10) == b"abc"

    def test_what_was_not_sent_stays_first(self) -> None:
        """The rest of a short send is the beginning of the next chunk (OUT-008)."""
        queue = queue_of(b"abcd", b"e")
        queue.next_chunk(10)
        queue.sent(3)
        queue.push(b"f")

        assert b"def" == queue.next_chunk(10)

    def test_one_long_entry_in_short_sends(self) -> None:
        """An entry is walked by an offset whatever the sends take."""
        queue = queue_of(b"abcdefgh")

        assert [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"] == drain(queue, 3, takes=1)
        assert 0 == queue.size

    def test_nothing_is_queued_for_nothing(self) -> None:
        """Empty data leaves the queue empty (OUT-004)."""
        queue = queue_of(b"")

        assert not queue
        assert b"" == queue.next_chunk(10)

    @pytest.mark.parametrize("data", [bytearray(b"abcd"), memoryview(b"abcd"), memoryview(b"xaxbxcxd")[1::2]])
    def test_buffers_are_copied(self, data: Any) -> None:
        """A bytearray or memoryview is taken as its bytes, also one that is not contiguous (OUT-002, OUT-015)."""
        assert [b"abcd"] == drain(queue_of(data))

    def test_a_later_change_of_a_buffer_changes_nothing(self) -> None:
        """What is sent is what was pushed (OUT-005)."""
        data = bytearray(b"abc")
        queue = queue_of(data)
        data[:] = b"xxx"

        assert [b"abc"] == drain(queue)

    def test_a_view_of_wide_items_is_sent_whole(self) -> None:
        """The length that counts is that in bytes (OUT-014)."""
        assert [bytes(range(8))] == drain(queue_of(memoryview(bytes(range(8))).cast("I")))

    def test_a_subclass_of_bytes_is_taken(self) -> None:
        """A subclass of bytes is sent as its bytes."""

        class Line(bytes):
            pass

        assert [b"ab"] == drain(queue_of(Line(b"ab")))

    @pytest.mark.parametrize("wrong", ["text", 7, None, [b"a"]])
    def test_other_types_are_refused(self, wrong: Any) -> None:
        """Anything else is a TypeError that names it, and nothing is queued (OUT-003)."""
        queue = ProducerQueue()

        with pytest.raises(TypeError, match=f"not {type(wrong).__name__}"):
            queue.push(wrong)
        assert not queue

    def test_a_str_is_refused_with_the_fix(self) -> None:
        """The error for a str says what to do."""
        with pytest.raises(TypeError, match="encode it first"):
            ProducerQueue().push("text")  # type: ignore[arg-type]

    def test_size_is_what_waits(self) -> None:
        """``size`` follows what is pushed and sent."""
        queue = queue_of(b"abc", b"defgh")
        assert 8 == queue.size
        queue.next_chunk(5)
        queue.sent(2)
        assert 6 == queue.size
        queue.clear()
        assert 0 == queue.size

    @given(st.lists(st.binary(max_size=12), max_size=12), st.integers(1, 9), st.integers(1, 9))
    def test_sent_is_pushed(self, pushes: list[bytes], limit: int, takes: int) -> None:
        """Whatever the limit and the sends, what goes out is what was pushed."""
        queue = queue_of(*pushes)

        assert b"".join(pushes) == b"".join(drain(queue, limit, takes))
        assert 0 == queue.size


class TestProducers:
    """Objects with ``more()``."""

    def test_a_producer_is_asked_until_it_is_empty(self) -> None:
        """more() is asked until it returns nothing, and not again (PRD-001)."""
        producer = Pieces(b"a", b"b")

        assert [b"a", b"b"] == drain(queue_of(producer))
        assert 3 == producer.asked

    def test_producers_and_bytes_leave_in_order(self) -> None:
        """What is behind a producer waits for its last piece (PRD-002, PRD-003)."""
        first, second = Pieces(b"b", b"c"), Pieces(b"e")
        queue = queue_of(b"a", first, b"d", second, b"f")

        assert b"abcdef" == b"".join(drain(queue))

    def test_a_piece_is_sent_before_the_next_is_asked_for(self) -> None:
        """more() is not asked again before all of its last piece was sent (PRD-004)."""
        producer = Pieces(b"abcd", b"e")
        queue = queue_of(producer)
        queue.next_chunk(3)
        queue.sent(3)
        queue.next_chunk(3)
        assert 1 == producer.asked

        queue.sent(1)
        assert b"e" == queue.next_chunk(3)

    def test_a_long_piece_is_split(self) -> None:
        """A piece over the limit leaves in parts (PRD-005)."""
        assert [b"abc", b"d", b"e"] == drain(queue_of(Pieces(b"abcd", b"e")), 3)

    def test_an_empty_producer_is_skipped(self) -> None:
        """A producer without any piece does not stop those behind it (PRD-007)."""
        assert [b"a"] == drain(queue_of(Pieces(), Pieces(), b"a"))

    def test_none_ends_a_producer(self) -> None:
        """more() may return None at the end (PRD-008)."""
        assert [b"a", b"c"] == drain(queue_of(Pieces(b"a", None, b"b"), b"c"))

    @pytest.mark.parametrize("piece", [bytearray(b"ab"), memoryview(b"ab")])
    def test_pieces_may_be_buffers(self, piece: Any) -> None:
        """more() may return a bytearray or a memoryview (PRD-009)."""
        assert [b"ab"] == drain(queue_of(Pieces(piece)))

    def test_a_false_producer_is_one(self) -> None:
        """A producer that is false, as one with a length of 0, is not dropped (PRD-010)."""

        class Falsy(Pieces):
            def __len__(self) -> int:
                return 0

        assert [b"a", b"b", b"c"] == drain(queue_of(Falsy(b"a", b"b"), b"c"))

    def test_a_str_piece_is_reported(self) -> None:
        """more() returning str is a TypeError that names the producer, which has left the queue (PRD-011)."""
        queue = queue_of(Pieces("text"), b"a")

        with pytest.raises(TypeError, match=r"what <.*Pieces object.*>\.more\(\) returns must be bytes.*not str"):
            queue.next_chunk(10)
        assert [b"a"] == drain(queue)

    def test_a_str_piece_is_encoded_where_the_program_says_so(self) -> None:
        """With an encoding more() may return str."""
        queue = queue_of(Pieces("\xe9"))

        assert b"\xc3\xa9" == queue.next_chunk(10, "utf-8")

    def test_a_producer_that_raises_has_left(self) -> None:
        """What more() raises comes out, once: the producer is dropped, what is behind it is not."""
        queue = queue_of(Pieces(b"a", Boom()), b"b")
        queue.next_chunk(10)
        queue.sent(1)

        with pytest.raises(Boom):
            queue.next_chunk(10)
        assert [b"b"] == drain(queue)

    def test_what_more_queues_goes_to_the_end(self) -> None:
        """more() may push: that goes behind what it returns, and behind all that waits (RNT-004)."""
        queue = ProducerQueue()

        def push_too() -> bytes:
            queue.push(b"pushed ")
            return b"returned "

        queue.push_producer(Pieces(push_too))
        queue.push(b"waiting ")

        assert b"returned waiting pushed " == b"".join(drain(queue))

    @pytest.mark.parametrize("piece", [b"never sent", b""])
    def test_more_may_clear_the_queue(self, piece: bytes) -> None:
        """Cleared inside more(), neither its piece nor anything else is sent (DSC-009, CLS-007)."""
        queue = ProducerQueue()

        def clear_too() -> bytes:
            queue.clear()
            return piece

        queue.push_producer(Pieces(clear_too))
        queue.push(b"waiting")

        assert b"" == queue.next_chunk(10)
        assert not queue

    def test_more_may_clear_the_queue_and_raise(self) -> None:
        """The same where it raises after that."""
        queue = ProducerQueue()

        def fail() -> None:
            queue.clear()
            queue.push(b"new")
            raise Boom

        queue.push_producer(Pieces(fail))
        with pytest.raises(Boom):
            queue.next_chunk(10)

        assert [b"new"] == drain(queue)

    @pytest.mark.parametrize("wrong", [None, 7, "text", object(), type("NoMethod", (), {"more": 1})()])
    def test_a_producer_needs_more(self, wrong: Any) -> None:
        """An object without more() is a TypeError at the call that says what is missing."""
        with pytest.raises(TypeError, match=r"a producer needs a method more\(\)"):
            ProducerQueue().push_producer(wrong)

    def test_bytes_are_taken_as_bytes(self) -> None:
        """push_producer takes bytes too (PRD-012)."""
        assert [b"ab"] == drain(queue_of(b"ab"))

    def test_an_exhausted_producer_is_released(self) -> None:
        """The queue keeps no reference to a producer that is done (PRD-018)."""
        producer = Pieces(b"a")
        alive = weakref.ref(producer)
        queue = queue_of(producer)
        del producer
        drain(queue)

        assert alive() is None

    def test_a_thousand_producers(self) -> None:
        """Many queued producers drain in order (PRD-016)."""
        pieces = [b"%d," % number for number in range(1000)]

        assert pieces == drain(queue_of(*(Pieces(piece) for piece in pieces)))


class TestCloseMark:
    """The end of the channel, in the queue."""

    def test_the_close_mark_comes_after_what_is_before_it(self) -> None:
        """CLOSE_MARK is what is next when all that was queued before it has been sent."""
        assert [b"a", b"b", CLOSE_MARK] == drain(queue_of(b"a", Pieces(b"b"), None, b"never"))

    def test_it_is_no_bytes(self) -> None:
        """The mark does not count as output, and says what it is."""
        queue = queue_of(None)

        assert 0 == queue.size
        assert "CLOSE_MARK" == repr(queue.next_chunk(10))

    def test_entries_are_not_joined_across_it(self) -> None:
        """What is behind the mark is not sent with what is before it."""
        queue = queue_of(b"a", None, b"b")

        assert b"a" == queue.next_chunk(10)


class TestPokes:
    """What old programs do with the deque itself."""

    def test_it_is_a_deque(self) -> None:
        """Its length, truth, iteration and indices are those of a deque of entries."""
        producer = Pieces()
        queue = queue_of(b"a", producer, None)

        assert 3 == len(queue)
        assert [b"a", producer, None] == list(queue)
        assert b"a" == queue[0]

    @pytest.mark.parametrize("poke", ADDING, ids=ADDING)
    def test_an_entry_added_past_push_tells_the_owner(self, poke: str) -> None:
        """Whatever puts an entry in, its channel tells the loop, and it is sent."""
        owner = Owner()
        queue = ProducerQueue(owner)
        ADDING[poke](queue, b"a")

        assert 1 == owner.told
        assert [b"a"] == drain(queue)
        assert 0 == queue.size

    def test_pushes_do_not_tell(self) -> None:
        """The channel's own methods tell the loop themselves."""
        owner = Owner()
        queue = ProducerQueue(owner)
        queue.push(b"a")
        queue.push_producer(Pieces())
        queue.push_close_mark()

        assert 0 == owner.told

    @pytest.mark.parametrize("owned", [True, False])
    def test_a_queue_outlives_its_owner(self, owned: bool) -> None:
        """The owner is not kept alive; without one an entry is just queued."""
        owner = Owner() if owned else None
        queue = ProducerQueue(owner)
        del owner
        gc.collect()
        queue.append(b"a")

        assert [b"a"] == drain(queue)

    @pytest.mark.parametrize("data", [bytearray(b"ab"), memoryview(b"ab")])
    def test_an_appended_buffer_is_sent(self, data: Any) -> None:
        """A buffer appended past push is taken as its bytes when its turn comes."""
        queue = queue_of(b"x")
        queue.append(data)
        queue.append(b"y")

        assert b"xaby" == b"".join(drain(queue))

    @pytest.mark.parametrize("poke", ["appendleft", "extendleft", "insert"])
    def test_an_entry_put_first_is_sent_first(self, poke: str) -> None:
        """Put before a partly sent entry, it is sent before the rest of that, of which nothing is sent twice."""
        queue = queue_of(b"abcd")
        queue.next_chunk(10)
        queue.sent(2)
        ADDING[poke](queue, b"xyz")

        assert b"xyzcd" == b"".join(drain(queue, 4, takes=1))

    @pytest.mark.parametrize("poke", TAKING, ids=TAKING)
    def test_the_first_entry_may_be_taken_away(self, poke: str) -> None:
        """Taken out by the program after it was partly sent, an equal one that follows is sent whole."""
        queue = queue_of(ENTRY)
        queue.next_chunk(10)
        queue.sent(2)
        taken = TAKING[poke](queue)
        queue.push(ENTRY)

        assert taken in (ENTRY[2:], None)
        assert [ENTRY] == drain(queue)

    def test_the_first_entry_may_be_replaced(self) -> None:
        """Replaced after it was partly sent, the new one is sent whole, and the loop is told of it."""
        owner = Owner()
        queue = ProducerQueue(owner)
        queue.push(ENTRY)
        queue.next_chunk(10)
        queue.sent(2)
        queue[0] = ENTRY

        assert 1 == owner.told
        assert [ENTRY] == drain(queue)

    def test_sent_without_a_chunk_is_harmless(self) -> None:
        """Told of bytes when nothing or no bytes are first, the queue changes nothing."""
        queue = queue_of()
        queue.sent(3)
        queue.push_close_mark()
        queue.sent(3)

        assert [None] == list(queue)


class TestSimpleProducer:
    """``simple_producer``: ready data in pieces."""

    def test_it_cuts_at_buffer_size(self) -> None:
        """Pieces are of buffer_size, and the last one of what is left (PRD-020)."""
        producer = simple_producer(b"abcdefg", 3)

        assert [b"abc", b"def", b"g", b"", b""] == [producer.more() for _ in range(5)]

    def test_its_pieces_are_of_512_bytes_by_default(self) -> None:
        """Without a size a piece is of 512 bytes."""
        assert 512 == len(simple_producer(b"x" * 1000).more())

    def test_it_takes_str(self) -> None:
        """Data may be str; its pieces are str then, and the last one is empty."""
        producer = simple_producer("abc", 2)

        assert ["ab", "c"] == [producer.more(), producer.more()]
        assert not producer.more()
