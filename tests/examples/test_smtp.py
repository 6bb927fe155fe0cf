"""The SMTP sink, driven by smtplib and raw bytes."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import clients
from clients import Wire, mail
from servers import Launcher, Server


@pytest.fixture(scope="session")
def inbox(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the sink saves messages in."""
    return tmp_path_factory.mktemp("inbox")


@pytest.fixture
def server(server_of: Callable[..., Server], inbox: Path) -> Server:
    """A running SMTP sink."""
    return server_of("smtp_sink.py", "--save", str(inbox))


@pytest.fixture
def client(server: Server) -> Iterator[smtplib.SMTP]:
    """smtplib, connected and introduced."""
    with clients.smtp(server) as client:
        client.ehlo()
        yield client


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    """A raw connection that has been greeted."""
    with Wire(server.address) as wire:
        assert b"220 smtp-sink ESMTP asynchat" == wire.line()
        wire.send(b"HELO me\r\n")
        assert b"250 smtp-sink" == wire.line()
        yield wire


def newest(inbox: Path) -> bytes:
    """Return the message that was saved last."""
    return max(inbox.iterdir(), key=lambda path: int(path.stem)).read_bytes()


# smtplib


def test_a_message_is_taken(client: smtplib.SMTP, inbox: Path) -> None:
    """A message is saved just as it was sent, with the line ends of mail."""
    message = mail("Hello.\n")
    assert {} == client.send_message(message)
    assert message.as_bytes().replace(b"\n", b"\r\n") == newest(inbox)


@pytest.mark.parametrize(
    "text", ["", ".", ".\r\n", "..\r\n.\r\n...\r\n", "\r\n\r\n", "no end", ".a\r\n\r\n.\r\n\r\nb\r\n"]
)
def test_dots_and_empty_lines_are_text(client: smtplib.SMTP, inbox: Path, text: str) -> None:
    """No text ends a message early or is changed on its way, however many dots its lines begin with."""
    client.sendmail("a@example.org", ["b@example.org"], text)
    # smtplib ends the last line if the text does not.
    assert (text if text.endswith("\r\n") else text + "\r\n").encode() == newest(inbox)


def test_many_messages_in_one_session(client: smtplib.SMTP, inbox: Path) -> None:
    """One connection delivers one message after the other."""
    for number in range(5):
        client.sendmail("a@example.org", ["b@example.org", "c@example.org"], f"{number}\r\n")
        assert f"{number}\r\n".encode() == newest(inbox)


def test_what_it_offers(client: smtplib.SMTP) -> None:
    """EHLO tells the extensions."""
    assert {"pipelining": "", "8bitmime": "", "size": "1048576"} == client.esmtp_features


def test_a_message_that_admits_to_be_too_large(client: smtplib.SMTP) -> None:
    """A SIZE over the limit is refused before anything is sent; the session goes on."""
    with pytest.raises(smtplib.SMTPSenderRefused) as refusal:
        client.sendmail("a@example.org", ["b@example.org"], "x" * (1024 * 1024 + 1))
    assert (552, b"a message is 1048576 bytes at most") == refusal.value.args[:2]
    assert 250 == client.noop()[0]


def test_a_message_of_just_the_limit(client: smtplib.SMTP, inbox: Path) -> None:
    """A message of a mebibyte is taken."""
    line = "x" * 62 + "\r\n"
    client.sendmail("a@example.org", ["b@example.org"], line * (1024 * 1024 // 64))
    assert 1024 * 1024 == len(newest(inbox))


@pytest.mark.parametrize("line", ["x" * 62 + "\r\n", "x" * 3_000_000 + "\r\n"])
def test_a_message_that_is_too_large(client: smtplib.SMTP, inbox: Path, line: str) -> None:
    """A message over the limit, in short lines or in a long one, is read to its end and refused; nothing is saved."""
    client.sendmail("a@example.org", ["b@example.org"], "before\r\n")
    client.esmtp_features.pop("size")
    with pytest.raises(smtplib.SMTPDataError) as refusal:
        client.sendmail("a@example.org", ["b@example.org"], line * (3_000_000 // len(line) + 1))
    assert (552, b"a message is 1048576 bytes at most") == refusal.value.args
    assert b"before\r\n" == newest(inbox)
    client.sendmail("a@example.org", ["b@example.org"], "after\r\n")
    assert b"after\r\n" == newest(inbox)


# Raw bytes


def test_a_pipelined_session(wire: Wire, inbox: Path) -> None:
    """A whole session in one segment is answered in order, and what follows QUIT is not."""
    wire.send(
        b"MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nFirst\r\n.\r\n"
        b"mail from: <a@example.org>\r\nrcpt to:<b@example.org>\r\ndata\r\n.\r\n"
        b"QUIT\r\nNOOP\r\n"
    )
    codes = [line.split()[0] for line in wire.read().splitlines()]
    assert [b"250", b"250", b"354", b"250", b"250", b"250", b"354", b"250", b"221"] == codes
    assert b"" == newest(inbox)


def test_a_byte_by_byte_sender_is_served(wire: Wire, inbox: Path) -> None:
    """It does not matter in which pieces a session arrives; a dot is unstuffed, a lone \\n or \\r ends no line."""
    wire.trickle(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n..x\n.\n\r.\r\r\n\r\n.\r\nQUIT\r\n")
    assert b"221 bye" == wire.read().splitlines()[-1]
    assert b".x\n.\n\r.\r\r\n\r\n" == newest(inbox)


@pytest.mark.parametrize(
    ("commands", "reply"),
    [
        (b"BREW", b"500 unknown command 'BREW'"),
        (b"", b"500 unknown command ''"),
        (b"\xff\x1b", b"500 unknown command '\\ufffd\\x1b'"),
        (b"N" * 2049, b"500 a line is 2048 bytes at most"),
        (b"N" * 100_000, b"500 a line is 2048 bytes at most"),
        (b"HELO", b"501 say who you are"),
        (b"MAIL a@b", b"501 the syntax is MAIL FROM:<address>"),
        (b"MAIL FROM:a@b", b"501 the syntax is MAIL FROM:<address>"),
        (b"MAIL FROM:<a@b> SIZE=1048577", b"552 a message is 1048576 bytes at most"),
        (b"MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>", b"503 one sender for each message"),
        (b"RCPT TO:<a@b>", b"503 say MAIL FROM first"),
        (b"MAIL FROM:<a@b>\r\nRCPT TO:<>", b"501 the syntax is RCPT TO:<address>"),
        (b"MAIL FROM:<a@b>\r\nDATA", b"503 say RCPT TO first"),
        (b"MAIL FROM:<a@b>\r\nRSET\r\nRCPT TO:<a@b>", b"503 say MAIL FROM first"),
        (b"DATA now", b"501 DATA takes no argument"),
        (b"VRFY root", b"252 send it and see"),
        (b"MAIL FROM:<a@b>\r\n" + b"\r\n".join([b"RCPT TO:<c@d>"] * 101), b"452 too many recipients"),
    ],
)
def test_a_wrong_command_is_answered(wire: Wire, commands: bytes, reply: bytes) -> None:
    """A command that is wrong, too long or out of order gets a reply that says so, and the session goes on."""
    wire.send(commands + b"\r\nNOOP\r\nQUIT\r\n")
    assert [reply, b"250 done", b"221 bye"] == wire.read().splitlines()[-3:]


def test_a_message_without_greeting(server: Server) -> None:
    """A client that does not say who it is cannot send."""
    with Wire(server.address) as wire:
        wire.send(b"MAIL FROM:<a@b>\r\nQUIT\r\n")
        assert [b"503 say HELO or EHLO first", b"221 bye"] == wire.read().splitlines()[1:]


def test_too_many_errors_end_the_session(wire: Wire) -> None:
    """A client that talks nonsense is sent away."""
    wire.send(b"GET / HTTP/1.1\r\n" * 100)
    replies = wire.read().splitlines()
    assert [b"500 unknown command 'GET'"] * 21 + [b"421 too many errors"] == replies


def test_a_greeting_forgets_the_message(wire: Wire) -> None:
    """HELO in the middle of a transaction starts anew."""
    wire.send(b"MAIL FROM:<a@b>\r\nHELO me\r\nMAIL FROM:<a@b>\r\nQUIT\r\n")
    assert [b"250 sender taken", b"250 smtp-sink", b"250 sender taken", b"221 bye"] == wire.read().splitlines()


@pytest.mark.parametrize("sent", [b"MAIL FR", b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf a message\r\n."])
@pytest.mark.parametrize("manner", ["close", "vanish"])
def test_a_client_that_leaves_hurts_nobody(
    client: smtplib.SMTP,
    server: Server,
    leaves_nothing: Callable[..., AbstractContextManager[None]],
    inbox: Path,
    sent: bytes,
    manner: str,
) -> None:
    """Half a message is not delivered, the next client is served, and nothing is left of the first."""
    client.sendmail("a@example.org", ["b@example.org"], "before\r\n")
    with leaves_nothing(server, client.noop):
        wire = Wire(server.address)
        wire.send(b"HELO me\r\n" + sent)
        getattr(wire, manner)()
    assert b"before\r\n" == newest(inbox)


def test_a_folder_that_cannot_be_made_is_a_usage_error(launcher: Launcher, tmp_path: Path) -> None:
    """--save with a file in the way ends the program with status 2 and a line that names it."""
    (tmp_path / "file").write_text("")
    result = launcher.run("smtp_sink.py", "--save", str(tmp_path / "file"))
    assert 2 == result.returncode
    assert f"--save {tmp_path / 'file'}: File exists" in result.stdout.splitlines()[-1]


def test_each_message_is_told(launcher: Launcher) -> None:
    """The sink prints a line for each message, in which nothing can steer a terminal."""
    with Server(launcher, "smtp_sink.py") as server:
        with clients.smtp(server) as client:
            client.sendmail("a@example.org", ["b@example.org", "c@\x1bx"], "text\r\n")
        server.stop()
    assert "message 1 from 'a@example.org' to 'b@example.org', 'c@\\x1bx': 6 bytes" == server.lines[1]
