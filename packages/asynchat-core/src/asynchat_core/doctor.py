"""Tell the owner of an old program, without running it, what it uses of asynchat and asyncore and what to change."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MODULES = ("asynchat", "asyncore", "smtpd")
_GONE = {
    "fifo": "asynchat.fifo left Python with 3.7: use collections.deque",
    "refill_buffer": "refill_buffer() is of Python 2.5: the queue is producer_fifo, and initiate_send() sends from it",
    "ac_out_buffer": "ac_out_buffer is of Python 2.5: the queue is producer_fifo",
}
_PREDICATES = ("readable", "writable")


class BadProgram(Exception):
    """A file that cannot be examined; the message is one line."""


class Finding(NamedTuple):
    """One place worth a look."""

    path: str
    line: int
    #: ``change``: it does not work as it is. ``differs``: it works, and not as in the standard library. ``note``: good
    #: to know.
    kind: str
    message: str


class Report(NamedTuple):
    """What was found in one file."""

    path: str
    #: The names of asynchat, asyncore and smtpd that it uses, with how often.
    uses: dict[str, int]
    findings: list[Finding]


def examine(target: str) -> list[Report]:
    """
    Examine a file, the Python files below a folder, or an installed module, by name.

    Returns:
        A report for each file that uses one of the modules; of a folder, also for each file that is not Python.

    Raises:
        BadProgram: there is no such file or module, or it is not Python.
    """
    path = Path(target)
    if not path.is_dir():
        return [_examine_file(path if path.exists() else _find_module(target))]
    reports = []
    for file in sorted(path.rglob("*.py")):
        try:
            reports.append(_examine_file(file))
        except BadProgram as error:
            reports.append(Report(str(file), {}, [Finding(str(file), 0, "change", str(error))]))
    if not reports:
        raise BadProgram(f"{target!r} has no Python files in it")
    return [report for report in reports if report.uses or report.findings] or reports[:1]


def read_program(path: Path) -> tuple[str, ast.Module]:
    """Return the text of a program, and its syntax tree. Raises BadProgram when it is not Python."""
    try:
        source = path.read_bytes()
        tree = ast.parse(source, str(path))
        return importlib.util.decode_source(source), tree
    except OSError as error:
        raise BadProgram(f"cannot read {str(path)!r}: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        place = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise BadProgram(f"{str(path)!r} is not Python 3{place}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return text.partition("\n")[0]


def _find_module(name: str) -> Path:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise BadProgram(f"there is no file, folder or Python module {name!r}")
    return Path(spec.origin)


def _examine_file(path: Path) -> Report:
    _, tree = read_program(path)
    visitor = _Visitor(str(path))
    visitor.visit(tree)
    return Report(str(path), dict(sorted(visitor.uses.items())), sorted(visitor.findings))


class _Visitor(ast.NodeVisitor):
    """Walk a program's tree; what it means by a name is known from its imports."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.uses: dict[str, int] = {}
        self.findings: list[Finding] = []
        # What local names stand for: "asynchat", or "asynchat.async_chat".
        self._names: dict[str, str] = {}

    def _find(self, node: ast.AST, kind: str, message: str) -> None:
        self.findings.append(Finding(self.path, getattr(node, "lineno", 0), kind, message))

    def _use(self, name: str) -> None:
        self.uses[name] = self.uses.get(name, 0) + 1

    def visit_Import(self, node: ast.Import) -> None:
        """Learn the names of modules."""
        for alias in node.names:
            if alias.name in MODULES:
                self._names[alias.asname or alias.name] = alias.name
                self._import(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Learn the names taken out of modules."""
        if node.level == 0 and node.module in MODULES:
            for alias in node.names:
                self._names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                self._use(f"{node.module}.{alias.name}")
            self._import(node, node.module)

    def _import(self, node: ast.AST, module: str) -> None:
        self._use(module)
        if module == "smtpd":
            fix = "install standard-smtpd, whose imports asynchat run replaces, or change to aiosmtpd"
            self._find(node, "change", f"smtpd left Python with 3.12: {fix}")
        else:
            fix = f"from asynchat_selectors import {module}, or run it by asynchat run"
            self._find(node, "change", f"{module} left Python with 3.12: {fix}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note what is used of the modules."""
        name = self._meaning(node)
        if name is not None:
            self._use(name)
            if name in ("asyncore.poll2", "asyncore.poll3"):
                self._find(node, "differs", f"{name} is the same as poll here: there is one way to wait")
        own = isinstance(node.value, ast.Name) and node.value.id == "self" and isinstance(node.ctx, ast.Load)
        if node.attr in _GONE and (name is not None or own):
            self._find(node, "change", _GONE[node.attr])
        self.generic_visit(node)

    def _meaning(self, node: ast.AST) -> str | None:
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._meaning(node.value)
            return None if base is None else f"{base}.{node.attr}"
        return None

    def visit_Call(self, node: ast.Call) -> None:
        """Look at the arguments of what matters."""
        name = self._meaning(node.func)
        if name == "asyncore.loop":
            self._look_at_loop(node)
        if isinstance(node.func, ast.Attribute) and node.args:
            self._look_at_text(node, node.func.attr, node.args[0])
        if name is not None and any(keyword.arg == "conn" for keyword in node.keywords):
            self._find(node, "change", "the argument conn is of Python 2.5: it is sock")
        self.generic_visit(node)

    def _look_at_loop(self, node: ast.Call) -> None:
        if any(keyword.arg == "use_poll" for keyword in node.keywords) or len(node.args) > 1:
            self._find(node, "differs", "use_poll is taken and not heeded: every backend waits in its best way")
        else:
            self._find(
                node, "note", "in the standard library this loop dies of a descriptor above 1023; here it does not"
            )

    def _look_at_text(self, node: ast.Call, method: str, argument: ast.expr) -> None:
        if method not in ("set_terminator", "push") or not isinstance(argument, ast.Constant):
            return
        value = argument.value
        if isinstance(value, str):
            self._find(node, "change", f"{method}({value!r}) is a TypeError: write b{value!r}")
        elif method == "set_terminator" and value in (0, b"") and value is not False:
            self._find(node, "note", f"set_terminator({value!r}) means None: collect, and end nothing")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Look at what channels override."""
        bases = [self._meaning(base) for base in node.bases]
        known = [base for base in bases if base is not None]
        if known:
            # A class of the program's own counts as what it derives from, for the classes that derive from it.
            self._names[node.name] = known[0]
            for item in node.body:
                if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    self._look_at_method(item)
        self.generic_visit(node)

    def _look_at_method(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith(("handle_", "found_", "collect_")):
            self._find(node, "change", f"{node.name} is a coroutine, which nobody awaits")
        if node.name in _PREDICATES:
            self._find(node, "note", f"{node.name}() is asked before each wait, which costs a call a turn")
        elif node.name == "handle_expt":
            self._find(node, "differs", "urgent data is not watched on selectors and uvloop: handle_expt is not called")
        elif node.name in ("log", "log_info"):
            self._find(node, "note", f"without this {node.name}() messages go to the logger 'asynchat', not to print")
        elif node.name in _GONE:
            self._find(node, "change", _GONE[node.name])


def fixed(path: Path, backend: str) -> tuple[str, str]:
    """
    Return the text of a program before and after its imports are changed to a backend's.

    Raises:
        BadProgram: it is not Python.
    """
    text, tree = read_program(path)
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    for node in sorted(_imports(tree), key=lambda node: -node.lineno):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        if before.strip():
            # Behind another statement on its line, where no second one may follow.
            continue
        new = f"\n{before.decode()}".join(_rewritten(node, f"asynchat_{backend}"))
        lines[first : last + 1] = [before + new.encode() + after]
    return text, b"".join(lines).decode()


def _imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            ours = any(alias.name in MODULES[:2] for alias in node.names)
        else:
            ours = isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in MODULES[:2]
        if ours:
            assert isinstance(node, (ast.Import, ast.ImportFrom))
            yield node


def _rewritten(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    """Return the statements in place of one import."""
    if isinstance(node, ast.ImportFrom):
        return [f"from {package}.{node.module} import {', '.join(map(_aliased, node.names))}"]
    ours = [alias for alias in node.names if alias.name in MODULES[:2]]
    others = [alias for alias in node.names if alias not in ours]
    statements = [f"import {', '.join(map(_aliased, others))}"] if others else []
    return [*statements, f"from {package} import {', '.join(map(_aliased, ours))}"]


def _aliased(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name
