"""Tell the owner of an old program, without running it, what it uses of asynchat and asyncore and what to change."""

from __future__ import annotations

import ast
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import NamedTuple

from .old_imports import REPLACED, NotPython, Program, read_program
from .refusal import Refused

_MODULES = (*REPLACED, "smtpd")
# What `from ... import *` gives, as far as it is looked at.
_STARRED = {
    "asynchat": ("async_chat", "simple_producer"),
    "asyncore": ("dispatcher", "dispatcher_with_send", "file_dispatcher", "loop", "poll", "poll2", "poll3"),
    "smtpd": ("SMTPServer", "SMTPChannel"),
}
_GONE = {
    "fifo": "asynchat.fifo left Python with 3.7: use collections.deque",
    "refill_buffer": "refill_buffer() is of Python 2.5: the queue is producer_fifo, and initiate_send() sends from it",
    "ac_out_buffer": "ac_out_buffer is of Python 2.5: the queue is producer_fifo",
}
_TAKING_DATA = ("push", "set_terminator")
_PREDICATES = ("readable", "writable")
# Limits that a channel has here: an attribute of that name sets one.
_LIMITS = frozenset(
    (
        "max_frame_size",
        "max_count",
        "output_high_mark",
        "output_low_mark",
        "max_output",
        "half_close",
        "strict_close",
        "frames_per_turn",
        "connect_timeout",
        "idle_timeout",
        "frame_timeout",
        "flush_timeout",
        "linger_timeout",
    )
)
# Methods that a channel has here: they are called at these events, or by the channel itself.
_EVENTS = frozenset(
    (
        "handle_frame_too_long",
        "handle_output_paused",
        "handle_output_resumed",
        "eof_received",
        "handle_shutdown",
        "handle_timeout",
        "abort",
        "pause_reading",
        "resume_reading",
        "resume_producer",
        "push_file",
        "discard_frame",
        "reset_input",
    )
)
# What select() does, which is all that the standard library's loop has by default.
_DESCRIPTORS = "dies of a descriptor above 1023"


class Finding(NamedTuple):
    """One place worth a look."""

    path: str
    line: int
    #: ``change``: it does not work as it is. ``differs``: it works, and not as in the standard library. ``note``: good
    #: to know.
    kind: str
    message: str


class _Channel(NamedTuple):
    """What is known of a class of the program's own that derives from one of the modules'."""

    #: What it defines itself of the names that are looked at, or a base of it in the program does: a ``push`` that may
    #: encode, say.
    own: frozenset[str]


# By the module that they are in, and their name.
_Channels = dict[tuple[str, str], _Channel]


class Report(NamedTuple):
    """What was found in one file."""

    path: str
    #: The names of asynchat, asyncore and smtpd that it uses.
    uses: list[str]
    findings: list[Finding]


def examine(target: str) -> list[Report]:
    """
    Examine a file, the Python files below a folder, or an installed module or package, by name.

    Returns:
        A report for each file. A file that is not Python is a finding if there are others, so that it does not hide
        them.

    Raises:
        Refused: there is no such file or module, or the only one is not Python.
    """
    paths = files_of(target)
    reports: dict[Path, Report] = {}
    programs = []
    for path in paths:
        try:
            programs.append(read_program(path))
        except NotPython as error:
            if len(paths) == 1:
                raise
            finding = Finding(str(path), error.line, "change", f"is not Python 3: {error.reason}")
            reports[path] = Report(str(path), [], [finding])
    channels: _Channels = {}
    known = -1
    while known < len(channels):
        # A class may derive from one in a file that comes later.
        known = len(channels)
        reports |= {program.path: _examine_program(program, channels) for program in programs}
    return [reports[path] for path in paths]


def files_of(target: str) -> list[Path]:
    """
    Return the files that ``examine`` looks at.

    Of a folder: all below it that are called ``*.py``, but not those in hidden folders and in virtual environments.

    Raises:
        Refused: there are none.
    """
    path = Path(target) if target and os.path.lexists(target) else _find_module(target)
    if not path.is_dir():
        return [path]
    files: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not _is_hidden(Path(folder, name)))
        files += [Path(folder, name) for name in sorted(names) if name.endswith(".py")]
    if not files:
        raise Refused(f"{target!r} has no Python files in it")
    return files


def _is_hidden(folder: Path) -> bool:
    return folder.name.startswith(".") or (folder / "pyvenv.cfg").exists()


def _refuse(error: OSError) -> None:
    raise Refused(f"cannot read {error.filename!r}: {error.strerror}") from error


def _find_module(name: str) -> Path:
    """Find a module without running anything of it or of the packages that it is in."""
    search: list[str] | None = [str(Path.cwd()), *sys.path]
    spec: ModuleSpec | None = None
    for part in name.split("."):
        spec = PathFinder.find_spec(part, search) if part and search is not None else None
        if spec is None:
            break
        search = None if spec.submodule_search_locations is None else list(spec.submodule_search_locations)
    if spec is not None and search:
        return Path(search[0])
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise Refused(f"there is no file, folder or Python module {name!r}")
    return Path(spec.origin)


def _examine_program(program: Program, channels: _Channels) -> Report:
    visitor = _Visitor(program.path, channels)
    try:
        visitor.visit(program.tree)
    except RecursionError:
        visitor.findings.append(Finding(str(program.path), 0, "note", "nested too deeply to be examined to its end"))
    return Report(str(program.path), sorted(visitor.uses), sorted(set(visitor.findings)))


class _Visitor(ast.NodeVisitor):
    """Walk a program's tree; what it means by a name is known from its imports."""

    def __init__(self, path: Path, channels: _Channels) -> None:
        self.path = str(path)
        self._channels = channels
        self._module = path.parent.name if path.stem == "__init__" else path.stem
        self.uses: set[str] = set()
        self.findings: list[Finding] = []
        # What local names stand for: "asynchat", or "asynchat.async_chat".
        self._names: dict[str, str] = {}
        # And which of them are channels of the program's own.
        self._classes: dict[str, _Channel] = {}
        # The class that we are in, if it is a channel.
        self._inside: _Channel | None = None

    def _find(self, node: ast.AST, kind: str, message: str) -> None:
        self.findings.append(Finding(self.path, getattr(node, "lineno", 0), kind, message))

    def visit_Import(self, node: ast.Import) -> None:
        """Learn the names of modules."""
        for alias in node.names:
            if alias.name in _MODULES:
                self._names[alias.asname or alias.name] = alias.name
                self._import(node, alias.name, "")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Learn the names of modules, and those taken out of them."""
        source = "." * node.level + (node.module or "")
        package, _, module = source.rpartition(".")
        if module in _MODULES:
            self._import(node, module, package or "." * node.level)
            for alias in node.names:
                for name in _STARRED[module] if alias.name == "*" else (alias.name,):
                    self._names[alias.asname or name] = f"{module}.{name}"
                    if alias.name != "*":
                        self.uses.add(f"{module}.{name}")
            return
        for alias in node.names:
            if alias.name in _MODULES:
                self._names[alias.asname or alias.name] = alias.name
                self._import(node, alias.name, source)
            elif (module, alias.name) in self._channels:
                self._classes[alias.asname or alias.name] = self._channels[module, alias.name]

    def _import(self, node: ast.AST, module: str, package: str) -> None:
        """Note the import of a module: the standard library's, or one of a package."""
        self.uses.add(module)
        if package:
            if not package.startswith("asynchat_"):
                source = "the program's own" if package.startswith(".") else f"that of {package!r}"
                self._find(
                    node, "note", f"this {module} is {source}: asynchat run replaces it only if it is imported there"
                )
        elif module == "smtpd":
            fix = "install standard-smtpd, whose imports asynchat run replaces, or change to aiosmtpd"
            self._find(node, "change", f"smtpd left Python with 3.12: {fix}")
        else:
            fix = f"from asynchat_selectors import {module}, or run it by asynchat run"
            self._find(node, "change", f"{module} left Python with 3.12: {fix}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note what is used of the modules, and what is assigned to a channel."""
        name = self._meaning(node)
        if name is not None and name.count(".") == 1:
            self.uses.add(name)
            if name in ("asyncore.poll2", "asyncore.poll3"):
                self._find(node, "differs", f"{name} is the same as poll here: there is one way to wait")
        own = self._inside is not None and _is_self(node.value)
        if isinstance(node.ctx, ast.Load):
            if node.attr in _GONE and (name is not None or own):
                defined = self._inside is not None and node.attr in self._inside.own
                self._find(node, "note" if defined else "change", _GONE[node.attr])
        elif own and node.attr in _PREDICATES:
            self._find(
                node, "differs", f"{node.attr} of one object is not asked on selectors and uvloop: define it in a class"
            )
        self.generic_visit(node)

    def _meaning(self, node: ast.AST) -> str | None:
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._meaning(node.value)
            return None if base is None else f"{base}.{node.attr}"
        return None

    def _channel(self, base: ast.expr) -> _Channel | None:
        """Return what a class is that derives from ``base``; None if it is none of ours."""
        if self._meaning(base) is not None:
            return _Channel(frozenset())
        if isinstance(base, ast.Attribute):
            return self._channels.get((_names(base.value), base.attr))
        return self._classes.get(_names(base))

    def visit_Call(self, node: ast.Call) -> None:
        """Look at the arguments of what matters."""
        name = self._meaning(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == "asyncore.loop":
            self._look_at_loop(node)
        elif name == "asynchat.simple_producer" and node.args and _is_text(node.args[0]):
            self._find(node, "change", f"simple_producer() of text is a TypeError: {_as_bytes(node.args[0])}")
        elif method == "select" and "asyncore" in self.uses and _is_name(node.func, "select"):
            self._find(node, "note", f"this select() {_DESCRIPTORS}: the module selectors has others")
        elif method in _TAKING_DATA and node.args:
            self._look_at_data(node, method, node.args[0])
        elif _names(node.func) in ("__import__", "import_module") and node.args:
            self._look_at_dynamic_import(node, node.args[0])
        known = name is not None or (self._inside is not None and method == "__init__")
        if known and any(keyword.arg == "conn" for keyword in node.keywords):
            self._find(node, "change", "the argument conn is of Python 2.5: it is sock")
        self.generic_visit(node)

    def _look_at_dynamic_import(self, node: ast.Call, argument: ast.expr) -> None:
        if isinstance(argument, ast.Constant) and argument.value in _MODULES:
            self.uses.add(argument.value)
            fix = "run it by asynchat run, or call asynchat_core.install() before"
            self._find(node, "change", f"{argument.value} left Python with 3.12: {fix}")

    def _look_at_loop(self, node: ast.Call) -> None:
        if any(keyword.arg == "use_poll" for keyword in node.keywords) or len(node.args) > 1:
            self._find(node, "differs", "use_poll is taken and not heeded: every backend waits in its best way")
        else:
            self._find(node, "note", f"as in the standard library, on asyncore this loop {_DESCRIPTORS}; elsewhere not")

    def _look_at_data(self, node: ast.Call, method: str, argument: ast.expr) -> None:
        own = _is_self(getattr(node.func, "value", None))
        if own and self._inside is not None and method in self._inside.own:
            return
        if _is_text(argument):
            if (own and self._inside is not None) or method == "set_terminator":
                shown = ast.unparse(argument)
                self._find(node, "change", f"{method}({shown}) is a TypeError: {_as_bytes(argument)}")
            elif "asynchat" in self.uses:
                self._find(node, "note", f"if this is a channel, {method}() of text is a TypeError: it takes bytes")
        elif method == "set_terminator" and isinstance(argument, ast.Constant):
            value = argument.value
            if value in (0, b"") and value is not False:
                self._find(node, "note", f"set_terminator({value!r}) means None: collect, and end nothing")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Look at what channels override."""
        known = [base for base in map(self._channel, node.bases) if base is not None]
        before, self._inside = self._inside, None
        if known:
            methods = [item for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))]
            inherited = frozenset[str]().union(*(base.own for base in known))
            channel = _Channel(inherited | _defined(node))
            self._inside = self._classes[node.name] = self._channels[self._module, node.name] = channel
            for item in methods:
                self._look_at_method(item)
            for name in sorted(_defined(node) & _LIMITS):
                self._find(
                    node, "differs", f"{name} is a limit here, and is kept: name it otherwise if it is not meant"
                )
        self.generic_visit(node)
        self._inside = before

    def _look_at_method(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith(("handle_", "found_", "collect_")):
            self._find(node, "change", f"{node.name} is a coroutine, which nobody awaits")
        if node.name in _PREDICATES:
            self._find(node, "note", f"{node.name}() is asked before each wait, which costs a call a turn")
        elif node.name == "handle_expt":
            self._find(node, "differs", "urgent data is not watched on selectors and uvloop: handle_expt is not called")
        elif node.name in ("log", "log_info"):
            self._find(node, "note", f"without this {node.name}() messages go to the logger 'asynchat', not to print")
        elif node.name in _EVENTS:
            self._find(node, "differs", f"{node.name}() has a meaning here: name it otherwise if it is not meant")
        elif node.name in _GONE:
            self._find(node, "note", f"nothing calls this: {_GONE[node.name]}")


def _is_name(node: ast.AST, name: str) -> bool:
    """Return whether this is an attribute of the name ``name``."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name


def _is_self(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _names(node: ast.AST) -> str:
    """Return what a name or an attribute is called."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _defined(node: ast.ClassDef) -> set[str]:
    """Return the methods and attributes that a class defines itself; it takes text where it has use_encoding."""
    names = {item.name for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))}
    for item in ast.walk(node):
        if isinstance(item, (ast.Name, ast.Attribute)) and isinstance(item.ctx, ast.Store):
            names.add(_names(item))
    return names | ({"set_terminator"} if "use_encoding" in names else set())


def _is_text(node: ast.expr) -> bool:
    """Return whether an expression is text for sure: a literal, made of one, or str()."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or (isinstance(node.op, ast.Add) and _is_text(node.right))
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return node.func.attr in ("format", "join") and _is_text(node.func.value)
        return _names(node.func) == "str"
    return isinstance(node, ast.JoinedStr)


def _as_bytes(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return f"write b{node.value!r}"
    return "encode it"
