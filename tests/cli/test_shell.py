"""`ropewalk shell`: the app and a test client at a prompt, in a pipe, and with `-c`."""

import asyncio
import os
import pty
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ropewalk.cli import console, main
from ropewalk.cli.console import Console, Runner, interact, run_program

APP = """
import asyncio

from ropewalk import App

app = App()


@app.on_start
async def start() -> None:
    print("The app starts")


@app.on_stop
async def stop() -> None:
    print("The app stops")


@app.get("/")
async def hello(request):
    await asyncio.sleep(0)
    return "Hello"


@app.get("/bad")
def bad(request):
    raise ValueError("no rooms")
"""


WITHOUT_IPYTHON = "import sys; sys.modules['IPython'] = None; from ropewalk.cli import main; main()"


@pytest.fixture(autouse=True)
def hello(project: Path) -> Path:
    file = project / "hello.py"
    file.write_text(APP)
    return file


def shell(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["shell", "hello.py", *arguments], input=given)


class TestPrograms:
    def test_the_names(self) -> None:
        result = shell("-c", 'print(app, (await client.get("/")).text)')
        assert result.exit_code == 0
        assert result.stdout.startswith("The app starts\n<ropewalk.app.App object")
        assert result.stdout.endswith("Hello\nThe app stops\n")

    def test_without_await(self) -> None:
        result = shell("-c", 'first = await client.get("/")\nprint(first.status, request("GET", "/").status)')
        assert "200 200\n" in result.stdout

    def test_blocking_in_a_statement_that_awaits(self) -> None:
        result = shell("-c", 'print(await client.get("/"), request("GET", "/"))')
        assert result.exit_code == 1
        assert "WouldBlock: RW225" in result.stderr

    def test_a_pipe(self) -> None:
        result = shell(given='for path in ("/", "/none"):\n    print(request("GET", path).status)\n')
        assert result.stdout == "The app starts\n200\n404\nThe app stops\n"

    def test_a_pipe_that_is_not_unicode(self) -> None:
        result = shell(given=b"x = '\xff'")
        assert result.exit_code == 1
        assert "SyntaxError: (unicode error) 'utf-8' codec can't decode" in result.stderr
        assert shell(given=b"# coding: latin-1\nprint(ascii('\xff'))").stdout.splitlines()[1] == r"'\xff'"

    def test_no_program(self) -> None:
        assert shell(given="").stdout == "The app starts\nThe app stops\n"

    def test_an_exception_of_a_handler(self) -> None:
        result = shell("-c", 'print(1)\nawait client.get("/bad")\nprint(2)')
        assert result.exit_code == 1
        assert result.stdout == "The app starts\n1\nThe app stops\n"
        assert "ValueError: no rooms" in result.stderr

    def test_a_traceback_begins_with_the_program(self) -> None:
        result = shell("-c", "def fail():\n    return 1 / 0\nfail()")
        frames = re.findall(r'File "(.*)", line (\d+)', result.stderr)
        assert frames == [("<string>", "3"), ("<string>", "2")]

    def test_an_exit_code(self) -> None:
        result = shell("-c", "raise SystemExit(5)")
        assert result.exit_code == 5
        assert result.stdout == "The app starts\nThe app stops\n"

    def test_a_mistake_in_the_syntax_is_found_before_anything_runs(self) -> None:
        result = shell("-c", "print(1)\nx = = 1")
        assert result.exit_code == 1
        assert result.stdout == "The app starts\nThe app stops\n"
        assert "SyntaxError: invalid syntax" in result.stderr

    def test_future_imports(self) -> None:
        program = "from __future__ import annotations\ndef f(x: unknown): pass\nprint(f.__annotations__)"
        assert "{'x': 'unknown'}" in shell("-c", program).stdout

    def test_the_target_of_the_settings(self, project: Path) -> None:
        (project / "ropewalk.toml").write_text('target = "hello:app"')
        assert "200\n" in CliRunner().invoke(main, ["shell", "-c", 'print(request("GET", "/").status)']).stdout


class TestStart:
    def test_a_start_hook_that_fails(self, hello: Path) -> None:
        hello.write_text(APP.replace('print("The app starts")', "raise OSError('no network')"))
        result = shell("-c", "print(1)")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("RW323 hello.py:app does not start: OSError: no network. Fix the cause")
        frames = re.findall(r'File "(.*)", line (\d+)', result.stderr)
        assert frames == [(f"{hello}", "11")]  # the frames of the event loop are left out

    def test_an_unknown_target(self) -> None:
        result = CliRunner().invoke(main, ["shell", "hallo.py"])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "RW411" in result.stderr


@contextmanager
def running() -> Iterator[Runner]:
    run = Runner()
    try:
        yield run
    finally:
        run.close()


class TestConsole:
    """The prompt without a terminal."""

    def console(self, run: Runner, **names: Any) -> Console:
        return Console({"__name__": "__console__", **names}, run)

    def test_await(self, capsys: pytest.CaptureFixture[str]) -> None:
        async def double(number: int) -> int:
            return 2 * number

        with running() as run:
            prompt = self.console(run, double=double)
            assert prompt.push("await double(4)") is False
            assert prompt.push("x = await double(5)") is False
            assert prompt.push("x") is False
        assert capsys.readouterr().out == "8\n10\n"

    def test_a_deferred_is_awaited(self, capsys: pytest.CaptureFixture[str]) -> None:
        def later(result: Any) -> Deferred[Any]:
            deferred: Deferred[Any] = Deferred()
            asyncio.get_running_loop().call_soon(deferred.callback, result)
            return deferred

        async def both() -> int:
            await asyncio.sleep(0)
            return int(await later(1)) + int(await later(2))

        with running() as run:
            prompt = self.console(run, later=later, both=both, Failure=Failure)
            prompt.push("x = await later(5)")
            prompt.push("print(x, await both(), [await later(each) for each in 'ab'])")
            prompt.push("await later(Failure(OSError('no rooms')))")
            prompt.push("print('next')")
        captured = capsys.readouterr()
        assert captured.out == "5 3 ['a', 'b']\nnext\n"
        assert captured.err.endswith("OSError: no rooms\n")

    def test_a_cancelled_wait_cancels_the_deferred(self) -> None:
        cancelled: list[Any] = []
        deferred: Deferred[None] = Deferred(cancelled.append)

        async def impatient() -> None:
            async with asyncio.timeout(0):
                await deferred

        with running() as run, pytest.raises(TimeoutError):
            run(impatient())
        assert cancelled == [deferred]

    def test_several_lines(self, capsys: pytest.CaptureFixture[str]) -> None:
        with running() as run:
            prompt = self.console(run)
            assert [prompt.push(line) for line in ("for x in (1, 2):", "    print(x)", "")] == [True, True, False]
        assert capsys.readouterr().out == "1\n2\n"

    def test_it_continues_after_an_exception(self, capsys: pytest.CaptureFixture[str]) -> None:
        with running() as run:
            prompt = self.console(run)
            prompt.push("1 / 0")
            prompt.push("print(3)")
        captured = capsys.readouterr()
        assert captured.out == "3\n"
        assert re.findall(r'File "(.*?)"', captured.err) == ["<console>"]
        assert isinstance(sys.last_value, ZeroDivisionError)

    def test_it_continues_after_ctrl_c(self, capsys: pytest.CaptureFixture[str]) -> None:
        with running() as run:
            assert self.console(run).push("raise KeyboardInterrupt") is False
        assert "KeyboardInterrupt\n" in capsys.readouterr().err

    def test_exit_ends_it(self) -> None:
        with running() as run, pytest.raises(SystemExit):
            self.console(run).push("raise SystemExit")

    def test_values_are_kept_between_statements(self) -> None:
        """A context variable that one statement sets is seen by the next."""
        names: dict[str, Any] = {}
        program = (
            "from contextvars import ContextVar\nv = ContextVar('v')\n"
            "async def get(): return v.get()\nasync def put(): v.set(1)\n"
        )
        with running() as run:
            assert run_program(f"{program}await put()\nfound = await get()", "<string>", names, run) == 0
        assert names["found"] == 1


def test_ipython(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """IPython gets the names, and runs coroutines on the loop of the app."""
    started: list[Any] = []
    settings = SimpleNamespace(TerminalIPythonApp=SimpleNamespace(), InteractiveShell=SimpleNamespace())
    ipython, config = ModuleType("IPython"), ModuleType("traitlets.config")
    ipython.start_ipython = lambda **options: started.append(options)  # type: ignore[attr-defined]
    config.Config = lambda: settings  # type: ignore[attr-defined]
    for name, module in (("IPython", ipython), ("traitlets", ModuleType("traitlets")), ("traitlets.config", config)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(console, "find_spec", lambda name: name == "IPython")
    names = {"app": object()}

    class Run:
        def __call__(self, coroutine: Any) -> str:
            return f"the result of {coroutine}"

        def __deepcopy__(self, memo: object) -> None:
            raise TypeError("a loop cannot be copied")

    interact("The banner", names, Run())
    assert started == [{"argv": [], "user_ns": names, "config": settings}]
    assert deepcopy(settings.InteractiveShell.loop_runner)("a coroutine") == "the result of a coroutine"
    assert settings.InteractiveShell.autoawait is True
    assert capsys.readouterr().out == "The banner\n"


@pytest.mark.slow
def test_a_terminal(project: Path) -> None:
    """The real prompt: banner, await, completion with the Tab key, and the end with Ctrl+D."""
    pid, terminal = pty.fork()
    if not pid:
        os.execve(
            sys.executable,
            [sys.executable, "-c", WITHOUT_IPYTHON, "shell", "hello.py"],
            os.environ | {"TERM": "dumb", "NO_COLOR": "1"},
        )
    shown = read_until(terminal, ">>> ")
    assert 'client   a test client: await client.get("/")' in shown
    for typed, expected in (('(await client.get("/")).text', "'Hello'"), ("clie\t", "<ropewalk.testing")):
        os.write(terminal, f"{typed}\n".encode())
        assert expected in read_until(terminal, ">>> ")
    os.write(terminal, b"\x04")
    assert "The app stops" in read_until(terminal, None)
    assert os.waitpid(pid, 0)[1] == 0
    os.close(terminal)


def read_until(terminal: int, end: str | None) -> str:
    """What a terminal shows, up to this text. None stands for the end of the process."""
    shown = ""
    while end is None or end not in shown:
        try:
            shown += os.read(terminal, 4096).decode()
        except OSError:  # Linux reports the end of the process as an error
            break
    return shown
