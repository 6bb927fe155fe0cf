"""The demo's conversations: each starts an example, talks to it with a real client and shows what was said."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import redis

import clients
from servers import PATIENCE, Failure, Launcher, Server

# Shows a person what was done and what came of it.
Show = Callable[[str, str], None]


def require(expected: object, actual: object, what: str) -> None:
    """Raise Failure unless ``actual`` is what is ``expected``."""
    if expected != actual:
        raise Failure(f"{what}: expected {expected!r}, got {actual!r}")


def start(launcher: Launcher, show: Show, program: str, *arguments: str) -> Server:
    """Return the server, which is to be entered; shows how it is started."""
    show(launcher.title(program, *arguments, "--port", "0"), "")
    return Server(launcher, program, *arguments, "--port", "0")


def echo(launcher: Launcher, show: Show) -> None:
    """The tutorial's client sends its text in pieces of 64 bytes and checks the copy."""
    with start(launcher, show, "asynchat_echo_server.py") as server:
        command = ("asynchat_echo_client.py", "--port", server.port)
        result = launcher.run(*command)
        show(launcher.title(*command), result.stdout)
        require(0, result.returncode, "exit status of the echo client")
        require("the copy is right", result.stdout.splitlines()[-1], "last line of the echo client")


def http(launcher: Launcher, show: Show) -> None:
    """A page, a body sent and echoed, a long answer from a producer, and a page that is not there."""
    with start(launcher, show, "http_server.py") as server:
        for path, post, status in (("/", None, 200), ("/echo", "to and fro", 200), ("/nowhere", None, 404)):
            answer = clients.fetch(server.url(path), post)
            show(clients.fetch_title(server.url(path), post), f"{answer.status} {answer.body}")
            require(status, answer.status, f"status of {path}")
        answer = clients.fetch(server.url("/numbers/100000"))
        lines = answer.body.splitlines()
        show(clients.fetch_title(server.url("/numbers/100000")), f"{answer.status} {len(lines)} lines")
        require([f"{number:9d}" for number in range(100_000)], lines, "the lines of /numbers/100000")


def chat(launcher: Launcher, show: Show) -> None:
    """Three people talk; a nickname is taken, one of them leaves."""
    with (
        start(launcher, show, "chat_room.py") as server,
        clients.ChatClient(server, "ann") as ann,
        clients.ChatClient(server, "ben") as ben,
        clients.ChatClient(server, "cleo") as cleo,
    ):
        ann.expect("* ben came in", "* cleo came in")
        ben.expect("* cleo came in")
        for speaker, line, answers in (
            (ann, "hello, both of you", {ben: "ann: hello, both of you", cleo: "ann: hello, both of you"}),
            (cleo, "/nick ben", {cleo: "* ben is taken. Choose another."}),
            (cleo, "/who", {cleo: "* Here: ann, ben, cleo"}),
            (ben, "/quit", {ben: "* Bye.", ann: "* ben left", cleo: "* ben left"}),
        ):
            speaker.say(line)
            for hearer, answer in answers.items():
                hearer.expect(answer)
            show(f"{speaker.nickname} says {line}", "\n".join(f"{h.nickname} hears {a}" for h, a in answers.items()))
        require(b"", ben.read(), "what ben hears after his farewell")


def resp(launcher: Launcher, show: Show) -> None:
    """redis-py stores, fetches, deletes and pipelines; redis-cli, if there is one, finds what redis-py left."""
    with start(launcher, show, "resp_server.py") as server:
        host, port = server.address
        with redis.Redis(host, port, socket_timeout=PATIENCE, decode_responses=True) as client:
            for method, arguments, expected in (
                ("ping", [], True),
                ("echo", ["hello"], "hello"),
                ("set", ["colour", "green"], True),
                ("get", ["colour"], "green"),
                ("delete", ["colour", "size"], 1),
                ("get", ["colour"], None),
            ):
                actual = getattr(client, method)(*arguments)
                show(f">>> redis.Redis(port={port}).{method}({str(arguments)[1:-1]})", repr(actual))
                require(expected, actual, method)
            pipeline = client.pipeline(transaction=False)
            for number in range(1000):
                pipeline.set(f"key{number}", number)
            replies = pipeline.execute()
            show(f">>> redis.Redis(port={port}).pipeline()  # 1000 times set", f"{replies.count(True)} times True")
            require([True] * 1000, replies, "replies to the pipeline")
        if clients.REDIS_CLI:
            answer = clients.redis_cli(server, "get", "key999")
            show(f"redis-cli -p {port} get key999", answer)
            require("999", answer, "redis-cli get key999")


def smtp(launcher: Launcher, show: Show) -> None:
    """smtplib sends a message whose lines start with dots; the sink has it just as it was."""
    with (
        tempfile.TemporaryDirectory() as inbox,
        start(launcher, show, "smtp_sink.py", "--save", inbox) as server,
        clients.smtp(server) as client,
    ):
        message = clients.mail("A line.\n.\n..two dots, and the dot above, are text.\n", subject="Dots")
        refused = client.send_message(message)
        show(">>> smtplib.SMTP(...).send_message(message)", repr(refused))
        saved = Path(inbox, "1.eml").read_bytes()
        show(f"cat {inbox}/1.eml", saved.decode())
        require({}, refused, "refused recipients")
        require(message.as_bytes().replace(b"\n", b"\r\n"), saved, "the message in the inbox")


CONVERSATIONS: dict[str, Callable[[Launcher, Show], None]] = {
    "echo": echo,
    "http": http,
    "chat": chat,
    "resp": resp,
    "smtp": smtp,
}
