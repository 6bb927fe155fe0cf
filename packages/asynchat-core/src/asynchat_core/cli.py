"""The command line: run an old program on a backend, serve a handler, look at a server, list the backends."""

from __future__ import annotations

import argparse
import builtins
import importlib.util
import os
import pkgutil
import sys
import types
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, TracebackType

from . import _backends, cli_doctor, cli_serve, cli_top
from .refusal import Refused

_USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line ``asynchat``.

    Args:
        arguments: without the program's name; None for ``sys.argv``.

    Returns:
        The exit status: 0, 1 from ``doctor`` for a program to be changed, 2 for a command that cannot be carried out. A
        program that is run ends as by itself.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.action(options) or 0
    except Refused as error:
        print(f"asynchat: {error}", file=sys.stderr)
        return _USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="asynchat", description="asynchat on the event loop of your choice")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run",
        help="run a program that imports asynchat and asyncore on a backend",
        usage="asynchat run --backend NAME [--safe] (PROGRAM | -m MODULE) [ARGUMENT ...]",
    )
    run.add_argument(
        "--backend", required=True, metavar="NAME", help="selectors, asyncore, uvloop or another installed"
    )
    run.add_argument("--safe", action="store_true", help="with limits on input, output and time; see the documentation")
    run.add_argument("-m", dest="module", action="store_true", help="PROGRAM is a module's name, as in python -m")
    run.add_argument("program", metavar="PROGRAM", help="a Python file, or a folder or zip file with a __main__.py")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="the program's own arguments")
    run.set_defaults(action=_run)
    backends = commands.add_parser("backends", help="list the installed backends, and what to install for the others")
    backends.set_defaults(action=_list_backends)
    cli_serve.add_to(commands)
    cli_top.add_to(commands)
    cli_doctor.add_to(commands)
    return parser


def _list_backends(options: argparse.Namespace) -> None:
    installed = {backend.name: backend for backend in _backends.installed_backends()}
    for name in sorted({*installed, *_backends.KNOWN}):
        backend = installed.get(name)
        if backend is None:
            print(f'{name:12} not installed: pip install "asynchat-core[{name}]"')
            continue
        try:
            _backends.get_backend(name)
            state = "installed"
        except ImportError as error:
            state = f'broken: {error}: pip install "asynchat-core[{name}]"'
        print(f"{name:12} {state}: {backend.distribution} {backend.version}, import {backend.module}")


def _run(options: argparse.Namespace) -> None:
    """Run a program as Python itself would: its own ``sys.argv``, ``__main__``, exit status and tracebacks."""
    try:
        _backends.install(options.backend, safe=options.safe)
    except (_backends.BackendNotInstalled, ImportError) as error:
        raise Refused(str(error)) from error
    sys.argv = [options.program, *options.arguments]
    _hide_our_frames()
    main = types.ModuleType("__main__")
    # As Python fills it itself; exec() alone would put the builtins' dictionary in place of the module.
    vars(main).update(__annotations__={}, __builtins__=builtins, __cached__=None)
    code = _load_module(options.program, main) if options.module else _load_path(options.program, main)
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def _load_path(program: str, main: types.ModuleType) -> CodeType:
    # Not normalised: the path of a program is shown as it was given.
    path = program if Path(program).is_absolute() else f"{Path.cwd()}{os.sep}{program}"
    importer = pkgutil.get_importer(path)
    if importer is not None:
        # A folder or an archive is looked into first even where the path is to be safe.
        sys.path[:1] = [path] if not sys.flags.safe_path else [path, *sys.path[:1]]
        return _load_spec(importer.find_spec("__main__"), program, main)
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise Refused(f"cannot read {program!r}: {error.strerror}") from error
    if not sys.flags.safe_path:
        sys.path[0] = str(Path(path).resolve().parent)
    main.__file__, main.__loader__ = path, SourceFileLoader("__main__", path)
    # Without our own future imports; a syntax error ends as it does for Python itself.
    return compile(source, path, "exec", dont_inherit=True)


def _load_module(name: str, main: types.ModuleType) -> CodeType:
    if not sys.flags.safe_path:
        sys.path[0] = str(Path.cwd())
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except (ImportError, ValueError) as error:
        raise Refused(f"no module {name!r}: {error}") from error
    code = _load_spec(spec, name, main)
    sys.argv[0] = main.__file__ or name
    return code


def _load_spec(spec: ModuleSpec | None, name: str, main: types.ModuleType) -> CodeType:
    code = None
    if spec is not None and spec.loader is not None and hasattr(spec.loader, "get_code"):
        code = spec.loader.get_code(spec.name)
    if spec is None or code is None:
        raise Refused(f"{name!r} cannot be run: no such module, or no __main__ in it")
    main.__spec__, main.__loader__, main.__package__ = spec, spec.loader, spec.parent
    main.__file__ = spec.origin
    vars(main)["__cached__"] = spec.cached
    assert isinstance(code, CodeType)
    return code


def _hide_our_frames() -> None:
    """Let a traceback begin with the program's own first frame; a syntax error of the program has none."""
    hook = sys.excepthook

    def show(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
        ours = [frame for frame in _frames(traceback) if frame.tb_frame.f_globals is globals()]
        first = ours[-1].tb_next if ours else traceback
        hook(kind, value.with_traceback(first), first)

    sys.excepthook = show


def _frames(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next
