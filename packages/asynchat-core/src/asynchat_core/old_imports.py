"""Read an old program, find its imports of asynchat and asyncore, and change them to those of a backend."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .refusal import Refused

#: The modules that a backend has in place of the standard library's.
REPLACED = ("asynchat", "asyncore")


class NotPython(Refused):
    """A file that cannot be parsed; ``reason`` is what the parser says, ``line`` is 0 where it does not say where."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{str(path)!r} is not Python 3{f', line {line}' if line else ''}: {reason}")
        self.line = line
        self.reason = reason


class Program(NamedTuple):
    """A Python file: its text with the line ends that it has, and how its bytes are made of that."""

    path: Path
    text: str
    encoding: str
    tree: ast.Module


def read_program(path: Path) -> Program:
    """
    Read and parse a Python file.

    Raises:
        Refused: it is no file, or cannot be read.
        NotPython: it cannot be parsed.
    """
    try:
        # A pipe or a device might never end.
        if path.exists() and not path.is_file():
            raise Refused(f"{str(path)!r} is not a file: name a Python file, a folder or a module")
        source = path.read_bytes()
    except OSError as error:
        raise Refused(f"cannot read {str(path)!r}: {error.strerror}") from error
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        with warnings.catch_warnings():
            # What the compiler thinks of the program's strings is not asked for.
            warnings.simplefilter("ignore")
            return Program(path, source.decode(encoding), encoding, ast.parse(source))
    except SyntaxError as error:
        raise NotPython(path, error.lineno or 0, error.msg.partition("\n")[0]) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotPython(path, 0, str(error).partition("\n")[0] or "nested too deeply") from error


def write_program(program: Program, text: str) -> None:
    """Put ``text`` in the place of the program's, in its encoding. Raises Refused if it cannot be written."""
    try:
        program.path.write_bytes(text.encode(program.encoding))
    except OSError as error:
        raise Refused(f"cannot write {str(program.path)!r}: {error.strerror}") from error


def with_backend(program: Program, package: str) -> str:
    """
    Return the text of a program with its imports of asynchat and asyncore changed.

    Args:
        program: all else in it stays as it is: comments, line ends, names given by ``as``.
        package: the backend's module, as ``asynchat_selectors``.
    """
    # The tree counts columns in UTF-8. Only what ends a line for Python ends one here: a form feed does not.
    lines = [line.encode() for line in io.StringIO(program.text, newline="")]
    for node in sorted(_found(program.tree), key=lambda node: (node.lineno, node.col_offset), reverse=True):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        if isinstance(node, ast.ImportFrom):
            whole = b"".join(lines[first : last + 1])
            old = whole[len(before) : len(whole) - len(after)].decode()
            new = re.sub(rf"(?<=from)(\W+)(?={node.module}\b)", rf"\1{package}.", old, count=1)
        else:
            end = "\r\n" if lines[first].endswith(b"\r\n") else "\n"
            # Behind another statement on its line, where no new line may begin, it goes on behind a semicolon.
            new = ("; " if before.strip() else end + before.decode()).join(_rewritten(node, package))
        lines[first : last + 1] = [before + new.encode() + after]
    return b"".join(lines).decode()


def _found(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            ours = any(alias.name in REPLACED for alias in node.names)
        else:
            ours = isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in REPLACED
        if ours:
            assert isinstance(node, (ast.Import, ast.ImportFrom))
            yield node


def _rewritten(node: ast.Import, package: str) -> list[str]:
    """Return the statements in place of one import."""
    ours = [alias for alias in node.names if alias.name in REPLACED]
    others = [alias for alias in node.names if alias not in ours]
    statements = [f"import {', '.join(map(_aliased, others))}"] if others else []
    return [*statements, f"from {package} import {', '.join(map(_aliased, ours))}"]


def _aliased(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name
