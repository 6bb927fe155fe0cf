"""What the pages say of the rest of the project is so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from asynchat_conformance import load_suite
from asynchat_conformance._registry import LEAK_RULES

from .programs import PAGES, ROOT, run

TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}


def test_checks_that_pages_name_exist() -> None:
    """Each id of a check that a page names is one of the suite's."""
    registry = load_suite()
    named = {id for text in TEXTS.values() for id in re.findall(r"\b[A-Z]{3}-\d{3}\b", text)}

    assert set() == named - {*registry.checks, *registry.untested, *LEAK_RULES}


@pytest.mark.parametrize("page", [page for page in TEXTS if not page.startswith("docs/")])
def test_links_lead_to_files(page: str) -> None:
    """A relative link in a README leads to a file; Sphinx holds those of the documentation."""
    links = re.findall(r"\]\(([^)#:]+)\)", TEXTS[page])

    assert [] == [link for link in links if not (ROOT / page).parent.joinpath(link).exists()]


def test_jobs_that_pages_name_exist() -> None:
    """Each ``nox -s`` in a page names a job of noxfile.py."""
    jobs = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE))
    named = {job for text in TEXTS.values() for job in re.findall(r"nox -s ([\w-]+)", text)}

    assert set() == named - jobs


def test_paths_that_pages_name_exist() -> None:
    """Each path of the repository that a page names is there."""
    pattern = r"\b((?:docs|packages|tests)/[\w./-]*\w)"
    named = {path for text in TEXTS.values() for path in re.findall(pattern, text)}

    assert [] == sorted(path for path in named if not path.startswith("docs/_build") and not (ROOT / path).exists())


def test_the_readme_s_first_line_is_contributing_s() -> None:
    """README.md and CONTRIBUTING.md give the same first command."""
    (line,) = re.findall(r"^    python3 -m venv .*nox -s demo$", TEXTS["README.md"], re.MULTILINE)

    assert line in (ROOT / "CONTRIBUTING.md").read_text()


def test_the_state_machines_can_be_vendored_by_themselves(tmp_path: Path) -> None:
    """The files that the page "Vendor the core" names are enough to frame."""
    (command,) = re.findall(r"^    (cp packages/\S*\{_\S+ \S+)$", TEXTS["docs/vendor.md"], re.MULTILINE)
    copy = tmp_path / "some_project" / "_vendor" / "chatcore"
    copy.mkdir(parents=True)
    subprocess.run(["bash", "-c", command.replace("packages/", f"{ROOT}/packages/")], cwd=tmp_path, check=True)
    assert not (copy / "reactor.py").exists()

    script = "from some_project._vendor.chatcore import ChatMixin, Framer, ProducerQueue; print(Framer.__module__)"

    assert "some_project._vendor.chatcore._framer\n" == run("-c", script, cwd=tmp_path)


def test_the_command_line_s_messages() -> None:
    """The page on the command line shows what it prints."""
    page = TEXTS["docs/reference/command-line.md"]
    listed = re.search(r"\$ asynchat backends\n((?:    .*\n)+)", page)
    assert listed is not None

    printed = run("-m", "asynchat_core", "backends").splitlines()

    assert set() == {line.strip() for line in listed[1].splitlines()} - set(printed)
