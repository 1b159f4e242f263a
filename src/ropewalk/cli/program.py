"""Runs a program as `python` runs it: with its own `__main__`, `sys.argv`, `sys.path`, tracebacks and exit code."""

import atexit
import builtins
import importlib.util
import os
import shlex
import shutil
import signal
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

from ropewalk.cli.error import CLIError
from ropewalk.errors import CATALOGUE
from ropewalk.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Program:
    """The program to run. Its code is not loaded yet."""

    name: str
    """The program's name on the command line. It is `sys.argv[0]` until the program's file is known."""
    folder: Path
    """The first folder from which the program imports: `sys.path[0]`."""
    load: Callable[[], tuple[ModuleType, CodeType]]
    """Returns the program's `__main__` and the code to run in it."""


def script(name: str) -> Program:
    """The program for a script, or for a command of an installed package.

    Raises CLIError (RW723) if it does not exist, and (RW724) if it needs another interpreter.
    """
    path = _locate(name)
    if path.suffix != ".py" and path.is_file():  # a pipe can be read only once
        _check_interpreter(path)
    argv0 = name if Path(name) == path else str(path)
    file = os.path.join(Path.cwd(), argv0)  # noqa: PTH118 - keeps `./`, as Python does
    return Program(argv0, path.resolve().parent, partial(_load_script, file))


def module(name: str) -> Program:
    """The program for a module, or for a package with a `__main__`, as for `python -m`."""
    return Program("-m", Path.cwd(), partial(_load_module, name))


def run(program: Program, arguments: Sequence[str]) -> None:
    """Run a program to its end. Raises SystemExit if the program raises any exception, after printing a traceback."""
    sys.argv = [program.name, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = str(program.folder)
    interrupted = _Interrupted()
    try:
        main, code = program.load()
        sys.modules["__main__"] = main
        exec(code, main.__dict__)
    except (SystemExit, CLIError):
        raise
    except BaseException as error:  # noqa: BLE001 - the exception ends the program, as in python
        error.__traceback__ = _frames_of_program(error.__traceback__)
        _note_missing_package(error)
        sys.excepthook(type(error), error, error.__traceback__)
        interrupted.happened = isinstance(error, KeyboardInterrupt)
        sys.exit(1)


def _note_missing_package(error: BaseException) -> None:
    """Add a note that names the extra to install (RW750), if an extra has the package that the program lacks."""
    if isinstance(error, ModuleNotFoundError):
        from ropewalk.dropin.entry.extras import missing_package

        missing = missing_package("The program", error)
        if missing is not None:
            error.add_note(f"{missing}")


class _Interrupted:
    """Kills the process with SIGINT at exit, as Python does after a KeyboardInterrupt."""

    def __init__(self) -> None:
        self.happened = False
        atexit.register(self._end)

    def _end(self) -> None:
        if self.happened:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)


def _load_script(file: str) -> tuple[ModuleType, CodeType]:
    main = ModuleType("__main__")
    main.__file__ = file
    main.__loader__ = SourceFileLoader("__main__", file)
    main.__dict__.update(__builtins__=builtins, __cached__=None)
    return main, compile(Path(file).read_bytes(), file, "exec", dont_inherit=True)


def _load_module(name: str) -> tuple[ModuleType, CodeType]:
    spec = _find(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = _find(f"{name}.__main__")
    code = getattr(spec.loader, "get_code", lambda _: None)(spec.name) if spec else None
    if spec is None or code is None:
        raise CLIError("RW723", _not_a_module(name))
    main = importlib.util.module_from_spec(spec)
    main.__name__ = "__main__"
    main.__dict__["__builtins__"] = builtins
    sys.argv[0] = spec.origin or name
    return main, code


def _find(name: str) -> ModuleSpec | None:
    """The spec of a module; None if it does not exist. Exceptions raised by the import of its parents propagate."""
    if name.startswith("."):
        return None
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            return None
        raise
    except ValueError:  # raised for a module without a `__spec__`
        return None


def _locate(name: str) -> Path:
    if not name:
        raise CLIError("RW723", f"The name of the program is empty. {CATALOGUE['RW723'].remedy}")
    path = Path(name)
    if path.exists() and not path.is_dir():
        return path
    if path.is_symlink() and not path.exists():
        raise CLIError("RW723", f"{name} is a symbolic link to {path.readlink()}, which does not exist.")
    if path.is_dir():
        module = name.rstrip("/").replace("/", ".")
        as_module = f", or run it with -m {module}" if _is_runnable(module) else ""
        raise CLIError("RW723", f"{name} is a folder. Name the script in it{as_module}.")
    if path.parent == Path() and path.suffix != ".py":
        found = shutil.which(name, path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}")
        if found:
            return Path(found)
        hint = _similar_program(name) or f" {CATALOGUE['RW723'].remedy}"
        raise CLIError("RW723", f"There is no file {name}, and no command of that name.{hint}")
    siblings = [str(sibling) for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
    raise CLIError("RW723", f"There is no file {name}.{did_you_mean(name, siblings)}")


def _similar_program(name: str) -> str:
    if Path(f"{name}.py").is_file():
        return f" Did you mean {name}.py?"
    if _is_runnable(name):
        return f" Did you mean -m {name}?"
    return did_you_mean(name, [path.name for path in Path().glob("*.py")])


def _is_runnable(name: str) -> bool:
    """Whether `-m` can run a module of this name."""
    if not all(map(str.isidentifier, name.split("."))):
        return False
    spec = _find(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = _find(f"{name}.__main__")
    return spec is not None


def _not_a_module(name: str) -> str:
    if Path(name).is_file():
        return f"{name} is a file, not the name of a module. Leave out -m."
    if not all(map(str.isidentifier, name.split("."))):
        return f"{name!r} is not the name of a module. Leave out -m to run a file."
    spec = _find(name)
    if spec is None:
        return f"There is no module {name}. Check its name, and that it is installed for {sys.executable}."
    if spec.submodule_search_locations is None:
        return f"{name} has no Python code that can be run. Name a module that is written in Python."
    return f"{name} is a package that cannot be run: it has no {name}.__main__."


def _check_interpreter(path: Path) -> None:
    """Raises CLIError (RW724) for a command that needs another interpreter, because its imports may be missing here."""
    try:
        with path.open("rb") as file:
            first, second = file.readline(), file.readline()
    except OSError as error:
        raise CLIError("RW723", f"{path} cannot be read: {error.strerror}.") from error
    if not first.startswith(b"#!"):
        if b"\0" in first:
            raise CLIError("RW724", f"{path} is not a Python program.{_script_beside(path)}")
        return
    words = _words(first[2:])
    if second.startswith(b"'''exec' "):  # pip writes this if the path of the interpreter is too long for the first line
        words = _words(second.removeprefix(b"'''exec' "))
    interpreter = next((word for word in words if not word.endswith("/env") and not word.startswith("-")), "")
    if "python" not in Path(interpreter).name:
        runner = interpreter or "nothing"
        raise CLIError("RW724", f"{path} is not a Python program: its interpreter is {runner}.{_script_beside(path)}")
    if "/" in interpreter and Path(interpreter).parent.resolve() != Path(sys.executable).parent.resolve():
        again = f"install Ropewalk there, then: {interpreter} -m ropewalk exec {path}"
        raise CLIError("RW724", f"{path} needs {interpreter}, but this is {sys.executable}: {again}")


def _words(line: bytes) -> list[str]:
    text = os.fsdecode(line)
    try:
        return shlex.split(text)
    except ValueError:  # a quotation mark without its pair
        return text.split()


def _script_beside(path: Path) -> str:
    """A suggestion, if the current folder has a script with the name of the command."""
    return f" Did you mean {path.name}.py?" if Path(f"{path.name}.py").is_file() else ""


def _frames_of_program(frames: TracebackType | None) -> TracebackType | None:
    """The traceback without its first frames, which belong to this module."""
    while frames and frames.tb_frame.f_code.co_filename in (__file__, importlib.util.__file__):
        frames = frames.tb_next
    return frames
