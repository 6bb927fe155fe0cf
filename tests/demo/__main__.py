"""Runs the examples on each installed backend, drives them with real clients and prints what happened.

Exit status: 0 if all is well, 1 if a conversation failed or a backend of ours is not installed, 2 for a wrong option.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Iterable

try:
    from rich.console import Console
    from rich.table import Table

    from asynchat_core import installed_backends
    from conversations import CONVERSATIONS
    from servers import STDLIB, Launcher
except ModuleNotFoundError as error:
    sys.exit(f"the demo needs {error.name}, which is not installed; nox -s demo installs it")

OURS = ("selectors", "asyncore", "uvloop")
SHOWN_LINES = 24


def installed() -> dict[str, str]:
    """Return the versions of the installed backends by their names, ours first."""
    found = {backend.name: backend.version for backend in installed_backends()}
    return dict(sorted(found.items(), key=lambda item: (item[0] not in OURS, item[0])))


def chosen(backends: Iterable[str]) -> list[str]:
    """Return the backends that the command line names, or all that should be there."""
    names = [*OURS, *(name for name in backends if name not in OURS)]
    parser = argparse.ArgumentParser(prog="python tests/demo", description="Runs the examples on each backend.")
    parser.add_argument(
        "--backend",
        action="append",
        choices=[*names, STDLIB],
        metavar="NAME",
        help=f"a backend to run them on, more than once for more ({', '.join(names)}; {STDLIB}: the plain interpreter)",
    )
    return parser.parse_args().backend or names


class Transcript:
    """Prints what is done, and what comes of it, as it happens."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def show(self, command: str, output: str) -> None:
        """Print a command and the first lines of its output."""
        prompt = "" if command.startswith(">>>") or " says " in command else "$ "
        self.console.print(f"  {prompt}{command}", style="bold", markup=False, soft_wrap=True)
        lines = output.splitlines()
        if len(lines) > SHOWN_LINES:
            lines[SHOWN_LINES:] = [f"... and {len(lines) - SHOWN_LINES} lines more"]
        for line in lines:
            self.console.print(f"    {line}", style="dim", markup=False, soft_wrap=True)

    def run(self, backend: str, program: str) -> str:
        """Hold one conversation and return its result for the table."""
        conversation = CONVERSATIONS[program]
        self.console.print(f"\n[cyan]{program}[/]  {conversation.__doc__}", soft_wrap=True)
        begin = time.monotonic()
        try:
            conversation(Launcher(backend), self.show)
        except Exception as error:  # whatever it is, it is this conversation's result, and the next one is held
            story = "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
            self.console.print(story, style="red", markup=False, soft_wrap=True)
            return "[red]FAILED[/]"
        return f"[green]ok[/] {time.monotonic() - begin:.1f} s"


def main() -> int:
    """Run the demo and return its exit status."""
    versions = installed()
    backends = chosen(versions)
    console = Console(highlight=False)
    transcript = Transcript(console)
    table = Table("backend", "version", *CONVERSATIONS, title=f"Python {platform.python_version()}", title_style="bold")
    good = True
    for backend in backends:
        console.rule(f"[bold]{backend}[/]")
        if backend == STDLIB:
            version = platform.python_version()
        elif backend in versions:
            version = versions[backend]
        else:
            good = False
            console.print(f"[red]not installed: pip install 'asynchat-core\\[{backend}]'[/]")
            table.add_row(backend, "[red]not installed[/]", *["[red]-[/]"] * len(CONVERSATIONS))
            continue
        results = [transcript.run(backend, program) for program in CONVERSATIONS]
        good = good and not any("FAILED" in result for result in results)
        table.add_row(backend, version, *results)
    console.print()
    console.print(table)
    console.print("[green]All is well.[/]" if good else "[red]Something is wrong, see above.[/]")
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
