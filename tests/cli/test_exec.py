"""`ropewalk exec` runs twisted.web programs as Python runs them, and serves them with the engine."""

import os
import re
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.cli.exec_program import EXEC, PYTHON, finished

pytestmark = pytest.mark.slow

SEEN = """
import sys
main = sys.modules["__main__"]
assert vars(main) is globals()
names = "__name__", "__file__", "__package__", "__cached__", "__doc__"
print(sys.argv, sys.path, *(getattr(main, name) for name in names), type(main.__loader__), sep="\\n")
print(main.__spec__ and (main.__spec__.name, main.__spec__.origin), sys._getframe().f_code.co_filename)
print(__builtins__, sorted(globals().keys() - {"__annotations__"}), len(sys.argv), *sys.stdin)
"""
"""A program that prints all that a program can find out about its start, such as its arguments and modules."""


class TestAsPythonRunsIt:
    """A program sees, prints and returns the same as under `python`."""

    def both(self, cwd: Path, *program: str) -> "tuple[subprocess.CompletedProcess[str], ...]":
        return finished(*PYTHON, *program, cwd=cwd), finished(*EXEC, *program, cwd=cwd)

    @pytest.mark.parametrize("name", ["seen.py", "./seen.py", "folder/seen.py", "seen"])
    def test_a_script(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / name).write_text(SEEN)
        python, ours = self.both(tmp_path, name, "one", "--two", "--", "-h")
        assert (ours.stdout, ours.stderr, ours.returncode) == (python.stdout, python.stderr, 0)
        assert "of the standard input" in ours.stdout

    def test_a_link_to_a_script(self, tmp_path: Path) -> None:
        (tmp_path / "there").mkdir()
        (tmp_path / "there" / "seen.py").write_text(SEEN)
        (tmp_path / "here.py").symlink_to(tmp_path / "there" / "seen.py")
        python, ours = self.both(tmp_path, "here.py")
        assert ours.stdout == python.stdout

    @pytest.mark.parametrize("name", ["seen", "package.seen", "package"])
    def test_a_module(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "package").mkdir()
        for file in ("seen.py", "package/__init__.py", "package/seen.py", "package/__main__.py"):
            (tmp_path / file).write_text(SEEN if "init" not in file else "print('of the package')\n")
        python, ours = self.both(tmp_path, "-m", name, "one", "-m", "two")
        assert (ours.stdout, ours.returncode) == (python.stdout, 0)
        assert ours.stderr == python.stderr

    def test_neither_looks_where_python_must_not(self, tmp_path: Path) -> None:
        (tmp_path / "seen.py").write_text("import sys\nprint(sys.path, sys.flags.safe_path)\n")
        python = finished(*PYTHON, "-P", "seen.py", cwd=tmp_path)
        ours = finished(*PYTHON, "-P", "-m", "ropewalk", "exec", "seen.py", cwd=tmp_path)
        assert ours.stdout == python.stdout

    @pytest.mark.parametrize(
        "program",
        [
            "import sys; sys.exit(7)",
            "import sys; sys.exit('a reason')",
            "raise SystemExit",
            "def fail():\n    raise ValueError('of the program')\nfail()",
            "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('another') from error",
            "import nothing_of_that_name",
            "if True print()",
            "import sys\nsys.excepthook = lambda kind, error, frames: print('hooked', error)\nraise ValueError(1)",
            "raise KeyboardInterrupt",
            "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
            "import atexit; atexit.register(print, 'at exit'); raise KeyboardInterrupt",
            "import threading; threading.Timer(0.2, lambda: print(__name__)).start()",
            "import os; os._exit(3)",
        ],
    )
    def test_its_end(self, tmp_path: Path, program: str) -> None:
        (tmp_path / "end.py").write_text(program)
        python, ours = self.both(tmp_path, "end.py")
        assert (ours.stdout, ours.stderr, ours.returncode) == (python.stdout, python.stderr, python.returncode)

    def test_no_reactor_is_installed_for_it(self, tmp_path: Path) -> None:
        (tmp_path / "own.py").write_text(
            "import sys\nassert 'twisted.internet.reactor' not in sys.modules\n"
            "from twisted.internet import selectreactor\nselectreactor.install()\n"
            "from twisted.internet import reactor\nprint(type(reactor).__name__)\n"
        )
        assert finished(*EXEC, "own.py", cwd=tmp_path).stdout == "SelectReactor\n"

    def test_signals_are_its_own(self, tmp_path: Path) -> None:
        (tmp_path / "signals.py").write_text(
            "import signal\nprint([signal.getsignal(number) for number in signal.valid_signals()])\n"
        )
        python, ours = self.both(tmp_path, "signals.py")
        assert ours.stdout == python.stdout


class TestWhatIsRun:
    def test_a_command_of_an_installed_package(self, tmp_path: Path) -> None:
        ours = finished(*EXEC, "twist", "--version", cwd=tmp_path, environment={"PATH": ""})
        assert re.fullmatch(r"\d+\.\d+\.\d+.*\n", ours.stdout), ours.stderr

    def test_one_with_its_path(self, tmp_path: Path) -> None:
        ours = finished(*EXEC, Path(sysconfig.get_path("scripts")) / "twist", "--version", cwd=tmp_path)
        assert re.fullmatch(r"\d+\.\d+\.\d+.*\n", ours.stdout), ours.stderr

    def test_python_dash_m_ropewalk_and_a_script(self, tmp_path: Path) -> None:
        (tmp_path / "seen.py").write_text(SEEN)
        short = finished(*PYTHON, "-m", "ropewalk", "seen.py", "one", "--two", cwd=tmp_path)
        assert short.stdout == finished(*EXEC, "seen.py", "one", "--two", cwd=tmp_path).stdout
        assert "['seen.py', 'one', '--two']" in short.stdout

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["srve.py"], "RW723 There is no file srve.py. Did you mean serve.py?\n"),
            (["folder/serve.py"], "RW723 There is no file folder/serve.py.\n"),
            (["folder"], "RW723 folder is a folder. Name the script in it.\n"),
            (["serve"], "RW723 There is no file serve, and no command of that name. Did you mean serve.py?\n"),
            (
                ["nothing"],
                (
                    "RW723 There is no file nothing, and no command of that name. "
                    "Name a script, an installed command, or -m and a module.\n"
                ),
            ),
            (["this"], "RW723 There is no file this, and no command of that name. Did you mean -m this?\n"),
            (["runnable"], "RW723 runnable is a folder. Name the script in it, or run it with -m runnable.\n"),
            (["-m", "email"], "RW723 email is a package that cannot be run: it has no email.__main__.\n"),
            (["-m", "serve.py"], "RW723 serve.py is a file, not the name of a module. Leave out -m.\n"),
            (
                ["-m", "nothing"],
                "RW723 There is no module nothing. Check its name, and that it is installed for {python}.\n",
            ),
            (["-m", "folder"], "RW723 folder is a package that cannot be run: it has no folder.__main__.\n"),
            (["-m", "..folder"], "RW723 '..folder' is not the name of a module. Leave out -m to run a file.\n"),
            (["-m", "sys"], "RW723 sys has no Python code that can be run. Name a module that is written in Python.\n"),
            (["broken.py"], "RW723 broken.py is a symbolic link to nowhere, which does not exist.\n"),
            (
                [""],
                ("RW723 The name of the program is empty. Name a script, an installed command, or -m and a module.\n"),
            ),
            (["sh"], "RW724 {which} is not a Python program.\n"),
            (["./shell"], "RW724 shell is not a Python program: its interpreter is /bin/sh.\n"),
        ],
    )
    def test_what_cannot_be(self, tmp_path: Path, arguments: list[str], message: str) -> None:
        (tmp_path / "serve.py").write_text("")
        (tmp_path / "broken.py").symlink_to("nowhere")
        (tmp_path / "folder").mkdir()
        (tmp_path / "runnable").mkdir()
        (tmp_path / "runnable" / "__main__.py").write_text("")
        (tmp_path / "shell").write_text("#!/bin/sh\nexit 0\n")
        ours = finished(*EXEC, *arguments, cwd=tmp_path, environment={"PATH": "/bin"})
        message = message.format(which="/bin/sh", python=PYTHON[0])
        assert (ours.stderr, ours.returncode) == (f"{message}More: ropewalk explain {message[:5]}\n", 2)

    def test_a_command_of_another_python(self, tmp_path: Path) -> None:
        (tmp_path / "bin").mkdir()
        command = tmp_path / "bin" / "buildbot"
        command.write_text("#!/opt/other/bin/python3\nprint('wrong')\n")
        ours = finished(*EXEC, command, cwd=tmp_path)
        assert ours.returncode == 2
        assert f"install Ropewalk there, then: /opt/other/bin/python3 -m ropewalk exec {command}\n" in ours.stderr

    @pytest.mark.parametrize(
        "head",
        [
            f"#!{sys.executable}\n",
            "#!/usr/bin/env python3\n",
            f"#!/usr/bin/env -S {sys.executable} -E\n",
            f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n",
            "",
            "#!/usr/bin/env python3 it's\n",
        ],
    )
    def test_the_ways_in_which_commands_begin(self, tmp_path: Path, head: str) -> None:
        (tmp_path / "command").write_text(f"{head}print('ran')\n")
        assert finished(*EXEC, "./command", cwd=tmp_path).stdout == "ran\n"

    def test_a_pipe(self, tmp_path: Path) -> None:
        """The program may be a named pipe, because a shell passes one for `ropewalk exec <(generate)`."""
        for name in ("program", "program.py"):
            path = tmp_path / name
            os.mkfifo(path)
            with ThreadPoolExecutor() as threads:
                written = threads.submit(path.write_text, "print('ran')\n")
                assert finished(*EXEC, f"./{name}", cwd=tmp_path).stdout == "ran\n"
                written.result(timeout=10)

    def test_one_that_cannot_be_read(self, tmp_path: Path) -> None:
        """A file that exists but cannot be read is an error without a traceback. Reading the first address of the
        process's own memory fails even for root."""
        ours = finished(*EXEC, "/proc/self/mem", cwd=tmp_path)
        message = "RW723 /proc/self/mem cannot be read: Input/output error.\n"
        assert (ours.stderr.partition("More:")[0], ours.returncode) == (message, 2)


class TestMissingPackages:
    """Packages that only an extra installs."""

    @pytest.mark.parametrize(
        ("module", "package", "extra"),
        [("OpenSSL", "pyOpenSSL", "tls"), ("h2", "h2", "http2"), ("wsproto", "wsproto", "websocket")],
    )
    def test_the_extra_is_named(self, tmp_path: Path, module: str, package: str, extra: str) -> None:
        (tmp_path / "lacking.py").write_text(f"import sys\nsys.modules['{module}'] = None\nimport {module}.part\n")
        ended = finished(*EXEC, "lacking.py", cwd=tmp_path)
        assert ended.returncode == 1
        last = ended.stderr.splitlines()[-2:]
        assert last[0].startswith("ModuleNotFoundError: ")
        assert last[1].startswith(
            f"RW750 The program needs {package}, which is not installed. Run `pip install '/path/to/ropewalk[{extra}]'"
        )

    def test_none_is_named_for_others(self, tmp_path: Path) -> None:
        (tmp_path / "lacking.py").write_text("import a_package_that_is_nowhere\n")
        python, ours = (finished(*command, "lacking.py", cwd=tmp_path) for command in (PYTHON, EXEC))
        assert ours.stderr == python.stderr
