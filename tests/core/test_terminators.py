"""What may end a frame, and the prefixes of it that a chunk may end with."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynchat_core import Framer, find_prefix_at_end

from .memory import Recorder, slow_prefix_at_end


@pytest.mark.parametrize(
    ("haystack", "expected"),
    [
        (b"", 0),
        (b"qwertydkjf", 0),
        (b"qwerty\r", 1),
        (b"qwerty\r\n", 2),
        (b"qwerty\r\n\r", 3),
        (b"qwerty\r\n\r\n", 2),
        (b"\n", 0),
        (b"\r", 1),
    ],
)
def test_the_longest_prefix_at_the_end_counts(haystack: bytes, expected: int) -> None:
    """The longest proper prefix of the terminator that the text ends with is found, in bytes and in str."""
    assert expected == find_prefix_at_end(haystack, b"\r\n\r\n")
    assert expected == find_prefix_at_end(haystack.decode(), "\r\n\r\n")


@given(st.text("ab", max_size=40), st.text("ab", max_size=24))
def test_prefixes_are_found_as_defined(haystack: str, needle: str) -> None:
    """Whatever text and terminator, the answer is that of the definition, in str and in bytes."""
    expected = slow_prefix_at_end(haystack, needle)

    assert expected == find_prefix_at_end(haystack, needle)
    assert expected == find_prefix_at_end(haystack.encode(), needle.encode())


@pytest.mark.parametrize("length", [17, 100, 1000])
def test_a_long_repeated_terminator_is_held(length: int) -> None:
    """Of a terminator of one repeated byte every shorter run is a prefix, also beyond the quick tries."""
    needle = b"a" * (length - 1) + b"b"

    assert length - 1 == find_prefix_at_end(b"x" + b"a" * (length - 1), needle)
    assert 0 == find_prefix_at_end(b"a" * (length - 1) + b"x", needle)


def test_a_prefix_behind_many_false_starts_is_found() -> None:
    """Where the first byte is frequent and each start is false but the last, that one is found."""
    needle = b"ab" * 40 + b"c"

    assert 7 == find_prefix_at_end(b"abx" * 20 + b"abababa", needle)
    assert 0 == find_prefix_at_end(b"ax" * 40, needle)


def test_an_empty_terminator_has_no_prefix() -> None:
    """Nothing is a proper prefix of an empty terminator."""
    assert 0 == find_prefix_at_end(b"text", b"")


@pytest.mark.parametrize("terminator", [b"\n", b"\r\n", b"", 0, 1, 2**40, None])
def test_a_terminator_is_given_back(terminator: Any) -> None:
    """get_terminator returns what set_terminator was given (API-005)."""
    assert terminator == Recorder(terminator).get_terminator()


def test_the_first_terminator_is_none() -> None:
    """With no terminator ever set there is none (API-008)."""
    assert Framer().get_terminator() is None


def test_a_terminator_of_the_class_is_kept() -> None:
    """A class that defines its terminator starts with it, also when the constructor runs twice."""

    class Lines(Framer):
        terminator = b"\n"

    lines = Lines()
    assert b"\n" == lines.get_terminator()
    lines.set_terminator(b";")
    lines.__init__()  # type: ignore[misc]
    assert b";" == lines.get_terminator()


@pytest.mark.parametrize("buffer", [bytearray(b"\r\n"), memoryview(b"\r\n")])
def test_a_buffer_is_taken_as_bytes(buffer: bytearray | memoryview) -> None:
    """A terminator may be a bytearray or a memoryview (FRM-015)."""
    terminator = Recorder(buffer).get_terminator()

    assert b"\r\n" == terminator
    assert type(terminator) is bytes


def test_a_terminator_is_a_copy() -> None:
    """Changing a bytearray after it was set changes no terminator (FRM-016)."""
    buffer = bytearray(b"\r\n")
    framer = Recorder(buffer)
    buffer[:] = b"xx"

    assert b"\r\n" == framer.get_terminator()


def test_true_is_a_count_of_one() -> None:
    """True counts one byte (NUM-009)."""
    framer = Recorder(True)
    framer.feed(b"ab")

    assert type(framer.get_terminator()) is int
    assert [b"a", "end", b"b"] == framer.trace


@pytest.mark.parametrize("wrong", ["\n", 1.5, [b"\n"], object()])
def test_a_wrong_type_is_refused_at_the_call(wrong: Any) -> None:
    """A terminator of another type is a TypeError that names it, and the old one stays (API-007)."""
    framer = Recorder(b"\n")

    with pytest.raises(TypeError, match=f"is {type(wrong).__name__}, not bytes, int or None"):
        framer.set_terminator(wrong)
    assert b"\n" == framer.get_terminator()


def test_a_str_is_refused_with_the_fix() -> None:
    """The error for a str says which bytes to use."""
    with pytest.raises(TypeError, match=r"use b'\\r\\n'"):
        Framer().set_terminator("\r\n")


def test_a_negative_count_is_refused() -> None:
    """A negative count is a ValueError that names it, and the old terminator stays (API-006)."""
    framer = Recorder(7)

    with pytest.raises(ValueError, match="terminator -1 is negative"):
        framer.set_terminator(-1)
    assert 7 == framer.get_terminator()


def test_a_str_is_encoded_where_the_program_says_so() -> None:
    """With use_encoding a str terminator is encoded by the channel's encoding (API-014)."""
    framer = Recorder("\xe9", use_encoding=True)
    assert b"\xe9" == framer.get_terminator()

    framer = Recorder("\xe9", use_encoding=1, encoding="utf-8")
    assert b"\xc3\xa9" == framer.get_terminator()
