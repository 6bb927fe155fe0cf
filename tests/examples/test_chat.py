"""The chat room, with people of all kinds in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from clients import ChatClient, Wire
from servers import Launcher, Server


class Scene(NamedTuple):
    """A chat room of the test's own, with two members who have heard each other come in."""

    server: Server
    ann: ChatClient
    ben: ChatClient


@pytest.fixture
def scene(launcher: Launcher) -> Iterator[Scene]:
    """Ann and Ben, alone in a room."""
    with (
        Server(launcher, "chat_room.py") as server,
        ChatClient(server, "ann") as ann,
        ChatClient(server, "ben") as ben,
    ):
        ann.expect("* ben came in")
        yield Scene(server, ann, ben)
        # pytest shows it beside a failure.
        print(server.title, *server.lines[-40:], sep="\n")


def test_all_others_hear_what_one_says(scene: Scene) -> None:
    """A line goes to all members but the one who said it."""
    with ChatClient(scene.server, "cleo") as cleo:
        scene.ann.expect("* cleo came in")
        scene.ben.expect("* cleo came in")
        scene.ann.say("hello")
        cleo.expect("ann: hello")
        cleo.say("hello, ann")
        scene.ann.expect("cleo: hello, ann")
        scene.ben.expect("ann: hello", "cleo: hello, ann")


def test_a_nickname_can_be_changed(scene: Scene) -> None:
    """The room is told of a new name, and the old one is free again."""
    scene.ben.say("/nick bert")
    scene.ben.expect("* You are bert.")
    scene.ann.expect("* ben is now bert")
    scene.ann.say("/nick ben")
    scene.ann.expect("* You are ben.")
    scene.ben.expect("* ann is now ben")


def test_who_lists_the_members(scene: Scene) -> None:
    """/who tells who is here."""
    scene.ben.say("/who")
    scene.ben.expect("* Here: ann, ben")


def test_quit_says_farewell(scene: Scene) -> None:
    """/quit ends the connection, lines behind it are not said, and the room is told once."""
    scene.ben.send(b"/quit\nstill here\n/quit\n")
    scene.ben.expect("* Bye.")
    assert b"" == scene.ben.read()
    scene.ann.expect("* ben left")
    scene.ann.say("/who")
    scene.ann.expect("* Here: ann")


@pytest.mark.parametrize("manner", ["close", "vanish"])
def test_the_room_is_told_when_a_member_hangs_up(scene: Scene, manner: str) -> None:
    """A connection that ends or breaks, in the middle of a line, is a member who left."""
    scene.ben.send(b"half a li")
    getattr(scene.ben, manner)()
    scene.ann.expect("* ben left")
    scene.ann.say("/who")
    scene.ann.expect("* Here: ann")


@pytest.mark.parametrize("nickname", ["ann", "ben"])
def test_a_taken_nickname_is_refused(scene: Scene, nickname: str) -> None:
    """A nickname that another member has is not given out, at the door or within."""
    with Wire(scene.server.address) as wire:
        assert b"* Welcome. What is your nickname?" == wire.line()
        wire.send(nickname.encode() + b"\n")
        assert f"* {nickname} is taken. Choose another.".encode() == wire.line()
    scene.ben.say(f"/nick {nickname}")
    scene.ben.expect(f"* {nickname} is taken.")


@pytest.mark.parametrize("nickname", ["", " ", "two words", "a" * 17, "ünal", "/nick", "a\x1bb c"])
def test_a_wrong_nickname_is_refused(scene: Scene, nickname: str) -> None:
    """A nickname that is no name is asked for again; until there is one nothing is said to the room."""
    with Wire(scene.server.address) as wire:
        assert b"* Welcome. What is your nickname?" == wire.line()
        wire.send(nickname.encode() + b"\n")
        assert b"* A nickname is 1 to 16 letters, digits, _ or -. What is yours?" == wire.line()
        wire.send(b"a" * 16 + b"\n")
        assert wire.line().startswith(b"* You are aaaaaaaaaaaaaaaa.")
    scene.ann.expect("* aaaaaaaaaaaaaaaa came in", "* aaaaaaaaaaaaaaaa left")


def test_a_stranger_comes_and_goes_unnoticed(scene: Scene) -> None:
    """Who never gave a nickname was never in the room."""
    with Wire(scene.server.address) as wire:
        wire.send(b"/who\n/quit\n")
        assert b"* Welcome. What is your nickname?" == wire.line()
        assert b"* Here: ann, ben" == wire.line()
        assert b"* Bye." == wire.line()
        assert b"" == wire.read()
    scene.ben.say("quiet here")
    scene.ann.expect("ben: quiet here")


def test_an_unknown_command_gets_help(scene: Scene) -> None:
    """A line with a slash that is no command is answered, not said."""
    scene.ben.say("/dance")
    scene.ben.expect("* /nick NAME  change your name")
    scene.ben.say("done")
    scene.ann.expect("ben: done")


def test_a_byte_by_byte_sender_is_heard(scene: Scene) -> None:
    """Lines may arrive in any pieces and end as telnet or as netcat end them."""
    scene.ben.trickle("grüße\r\nsecond\n".encode())
    scene.ann.expect("ben: grüße", "ben: second")


def test_bytes_that_are_no_text_cannot_hurt(scene: Scene) -> None:
    """Control characters, which steer terminals, are taken out, and wrong UTF-8 is marked."""
    scene.ben.send(b"a\x1b[2Jb\x00\x07\xffc\rd\n")
    assert "ben: a[2Jb\ufffdcd".encode() == scene.ann.line()


def test_a_too_long_line_is_dropped(scene: Scene) -> None:
    """A line of 512 bytes is said, a longer one is refused, however long, and the next one is heard."""
    scene.ben.send(b"x" * 512 + b"\n" + b"y" * 513 + b"\n" + b"z" * 1_000_000 + b"\nshort\n")
    assert b"ben: " + b"x" * 512 == scene.ann.line()
    scene.ben.expect("* A line is 512 bytes at most", "* A line is 512 bytes at most")
    scene.ann.expect("ben: short")


def test_a_member_who_does_not_listen_is_sent_away(scene: Scene) -> None:
    """Lines for a member who never reads are not hoarded for ever: that member leaves, the others stay."""
    with ChatClient(scene.server, "deaf", receive_buffer=4096):
        scene.ann.expect("* deaf came in")
        scene.ben.expect("* deaf came in")
        heard = b""
        while heard != b"* deaf left":
            scene.ben.send((b"x" * 500 + b"\n") * 500 + b"end of round\n")
            for heard in iter(scene.ann.line, b"ben: end of round"):
                if heard == b"* deaf left":
                    break
                assert b"ben: " + b"x" * 500 == heard
        scene.ben.expect("* deaf left")


def test_a_flood_of_short_lines_sends_no_listener_away(scene: Scene) -> None:
    """Members who read stay, however many lines come at once."""
    scene.ben.send(b"x\n" * 100_000)
    for _ in range(100_000):
        assert b"ben: x" == scene.ann.line()
