"""The programs that README.md and the tutorial show are run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .kit import OURS
from .programs import DOCS, EXAMPLES, ROOT, ask, blocks, run, serving

README = ROOT / "README.md"
# Those of the packages' READMEs are run by tests/packaging.
SNIPPETS = {
    f"{page.relative_to(ROOT)}, block {number}": block
    for page in [README, *DOCS.rglob("*.md")]
    for number, block in enumerate(blocks(page, "python"), 1)
    if "sys.argv" not in block
}


def on(backend: str, program: str, folder: Path) -> Path:
    """Return a copy of a program with its backend's name replaced."""
    path = folder / "program.py"
    path.write_text(program.replace("asynchat_selectors", f"asynchat_{backend}"))
    return path


@pytest.mark.parametrize("backend", OURS)
def test_the_server_of_the_readme(backend: str, tmp_path: Path) -> None:
    """The README's server answers a line, on each backend by another word."""
    (server,) = (block for block in blocks(README, "python") if "sys.argv" in block)
    assert server.count("asynchat_selectors") == 1

    with serving(on(backend, server, tmp_path), "0") as port:
        assert b"you said: hello\n" == ask(port, b"hello\n")
        assert b"" == ask(port, b"quit\n")


@pytest.mark.parametrize("backend", OURS)
def test_the_tutorial_s_server_and_client(backend: str, tmp_path: Path) -> None:
    """Server and client of lines print what the tutorial says, on each backend by another word."""
    client = on(backend, (EXAMPLES / "line_client.py").read_text(), tmp_path)
    tutorial = (DOCS / "tutorial.md").read_text()
    said = re.search(r"    \$ python line_client.py 8007 hello world\n((?:    .*\n)+)", tutorial)
    assert said is not None

    with serving(EXAMPLES / "line_server.py", "0") as port:
        assert said[1].replace("    ", "") == run(client, str(port), "hello", "world")


@pytest.mark.parametrize("backend", OURS)
def test_the_tutorial_s_transcript(backend: str) -> None:
    """The echo conversation runs as the tutorial prints it, but for the port."""
    tutorial = (DOCS / "tutorial.md").read_text()
    printed = re.search(r"    \$ asynchat run --backend selectors (.*)\n((?:    .*\n)+)", tutorial)
    assert printed is not None

    output = run("-m", "asynchat_core", "run", "--backend", backend, EXAMPLES / printed[1])

    expected = re.sub(r"^    ", "", printed[2], flags=re.MULTILINE)
    assert re.sub(r":\d+\n", ":PORT\n", expected) == re.sub(r":\d+\n", ":PORT\n", output)


def test_channels_beside_coroutines() -> None:
    """The example of a server in a running asyncio loop answers the coroutine."""
    assert "you said: hello\n" == run(EXAMPLES / "beside_asyncio.py")


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippets_run(name: str, tmp_path: Path) -> None:
    """Each block of Python in a page runs by itself."""
    path = tmp_path / "snippet.py"
    path.write_text(SNIPPETS[name])

    run("-W", "error", path)
