"""Run Python code that may await at its top level: at a prompt, or as a program."""

import __future__

import ast
import asyncio
import code as consoles
import sys
import traceback
from collections.abc import Callable, Coroutine
from importlib import import_module
from importlib.util import find_spec
from inspect import iscoroutine
from types import CodeType, FunctionType, TracebackType
from typing import Any, Final

from ropewalk.cli.awaited_deferreds import with_deferreds

Names = dict[str, Any]
Run = Callable[[Coroutine[Any, Any, Any]], Any]
"""A function that runs a coroutine to its end, and returns its result."""

_MAY_AWAIT: Final = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_FUTURES: Final = sum({getattr(__future__, name).compiler_flag for name in __future__.all_feature_names})


def run_program(source: str | bytes, filename: str, names: Names, run: Run) -> int:
    """Run code as `python -c` does, and return the exit code: 1 if it raises an exception, whose traceback is printed.

    Each statement at the top level runs by itself, so that a statement without `await` may call a function, such as
    `request` in `ropewalk shell`, that runs a coroutine to its end. SystemExit propagates.
    """
    try:
        whole = compile(source, filename, "exec", flags=_MAY_AWAIT, dont_inherit=True)
        flags = _MAY_AWAIT | (whole.co_flags & _FUTURES)
        for statement in ast.parse(source, filename).body:
            part = ast.Module([statement], [])
            _execute(compile(part, filename, "exec", flags=flags, dont_inherit=True), names, run)
    except Exception as error:  # noqa: BLE001 - any exception ends the program, as in python
        _print(error, names)
        return 1
    return 0


def interact(banner: str, names: Names, run: Run) -> None:
    """Read lines from the terminal and run them, until the input ends. The prompt is IPython if it is installed."""
    if find_spec("IPython") is not None:
        _interact_in_ipython(banner, names, run)
        return
    _complete(names)
    Console(names, run).interact(banner=banner, exitmsg="")


def _interact_in_ipython(banner: str, names: Names, run: Run) -> None:
    ipython: Any = import_module("IPython")
    settings: Any = import_module("traitlets.config").Config()
    settings.TerminalIPythonApp.display_banner = False
    settings.InteractiveShell.autoawait = True
    settings.InteractiveShell.loop_runner = lambda coroutine: run(
        coroutine
    )  # a function, because IPython copies other objects
    print(banner)  # noqa: T201 - instead of IPython's own
    ipython.start_ipython(argv=[], user_ns=names, config=settings)


class Console(consoles.InteractiveConsole):
    """A prompt like that of `python`, at which code may await."""

    def __init__(self, names: Names, run: Run) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= _MAY_AWAIT
        self._run = run

    def runcode(self, code: CodeType) -> None:
        """Run one statement. SystemExit propagates, and ends the prompt."""
        try:
            _execute(code, self.locals, self._run)
        except SystemExit:
            raise
        except KeyboardInterrupt:
            self.write("KeyboardInterrupt\n")
        except BaseException as error:  # noqa: BLE001 - the prompt continues after any exception
            _print(error, self.locals)


def _execute(code: CodeType, names: Any, run: Run) -> None:
    result = FunctionType(code, names)()
    if iscoroutine(result):
        run(result)


def _print(error: BaseException, names: Any) -> None:
    """Print a traceback without the frames of this module and of asyncio, and keep it for `pdb.pm()`."""
    frames = _frames_of(error.__traceback__, names)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, frames
    traceback.print_exception(type(error), error, frames)


def _frames_of(frames: TracebackType | None, names: Any) -> TracebackType | None:
    """The traceback from the first frame of the user's code, whose globals are `names`. None for a syntax error,
    because no such code has run."""
    while frames is not None and frames.tb_frame.f_globals is not names:
        frames = frames.tb_next
    return frames


def _complete(names: Names) -> None:
    """Complete names with the Tab key. Some builds of Python have no readline."""
    try:
        import readline
        import rlcompleter
    except ImportError:
        return
    readline.set_completer(rlcompleter.Completer(names).complete)
    readline.parse_and_bind("tab: complete")


class Runner:
    """Runs coroutines one after another on one event loop. Between two coroutines, the loop does not run."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def __call__(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end. It may await Deferreds. Ctrl+C cancels it, and raises KeyboardInterrupt."""

        async def run() -> Any:
            return await with_deferreds(coroutine, self._runner.get_loop())

        return self._runner.run(run())

    def close(self) -> None:
        """Cancel what still runs, and close the loop."""
        self._runner.close()
