"""`ropewalk exec` runs twisted.web programs as Python runs them, and serves them with the engine."""

import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.processes import SECONDS_TO_STOP
from tests.unit.server.program import write_certificate

pytestmark = pytest.mark.slow

PYTHON = (sys.executable, "-W", "error", "-W", "ignore:twisted.web.resource._Unsafe:DeprecationWarning")
EXEC = (*PYTHON, "-m", "ropewalk", "exec")

SEEN = """
import sys
main = sys.modules["__main__"]
assert vars(main) is globals()
names = "__name__", "__file__", "__package__", "__cached__", "__doc__"
print(sys.argv, sys.path, *(getattr(main, name) for name in names), type(main.__loader__), sep="\\n")
print(main.__spec__ and (main.__spec__.name, main.__spec__.origin), sys._getframe().f_code.co_filename)
print(__builtins__, sorted(globals().keys() - {"__annotations__"}), len(sys.argv), *sys.stdin)
"""
"""A program that prints everything that it can find out about how it was started."""

SITE = """
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site

class Hello(Resource):
    isLeaf = True
    def render_GET(self, request):
        return type(request.channel).__module__.encode()
    def render_POST(self, request):
        return b"%d" % len(request.content.read())

if __name__ == "__main__":
    port = reactor.listenTCP(0, Site(Hello()), interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()
"""
"""A twisted.web program."""

OURS = "ropewalk.dropin.connection.channel"
"""The text that the program sends when the engine serves it."""

TUTORIAL = """
import asyncio, sys
from twisted.internet import asyncioreactor
asyncioreactor.install()
from twisted.internet import defer, endpoints, reactor
from twisted.web import resource, server

class Leaf(resource.Resource):
    isLeaf = True

class Text(Leaf):
    def render_GET(self, request):
        return "<p>Größe: %s</p>" % request.args.get(b"size", [b"?"])[0].decode()

class Latin(Leaf):
    def render_GET(self, request):
        request.setHeader("content-type", "text/plain; charset=iso-8859-1")
        return "Größe"

class Slow(Leaf):
    async def render_GET(self, request):
        await asyncio.sleep(0)
        later = defer.Deferred()
        reactor.callLater(0, later.callback, None)
        await later
        return "slow"

class Broken(Leaf):
    def render_GET(self, request):
        return 7

class Request(server.Request):
    def write(self, data):
        super().write(data.upper())

root = resource.Resource()
for name, child in ("text", Text()), ("latin", Latin()), (b"slow", Slow()), ("broken", Broken()):
    root.putChild(name, child)
for options in {}, {"requestFactory": Request}:
    endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(server.Site(root, **options))
reactor.run()
"""
"""A program on the asyncio reactor, as in tutorials: one site with twisted.web's request, one with a custom request."""


def finished(
    *command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1"} | dict(environment or {}),
        input="of the standard input\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Served:
    """A running program that serves."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said = ""
        """The log line with the address on which the program listens."""
        self.url = ""

    def wait(self) -> None:
        """Wait until the program logs that it listens."""
        assert self.process.stderr is not None
        lines = ""
        for line in self.process.stderr:
            lines += line
            if line.startswith("Serving "):
                self.said = line
                self.url = line.split()[1]
                return
        raise AssertionError(f"It ended with {self.process.wait()}:\n{lines}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        self.output, self.errors = self.process.communicate(timeout=SECONDS_TO_STOP)
        return self.process.returncode


@contextmanager
def executing(*arguments: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """A program under `ropewalk exec` that listens."""
    process = subprocess.Popen(
        [*EXEC, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1"} | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    served = Served(process)
    try:
        served.wait()
        yield served
    finally:
        process.kill()
        process.communicate()


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
            (["sh"], "RW724 {which} is not a Python program.\n"),
            (["./shell"], "RW724 shell is not a Python program: its interpreter is /bin/sh.\n"),
        ],
    )
    def test_what_cannot_be(self, tmp_path: Path, arguments: list[str], message: str) -> None:
        (tmp_path / "serve.py").write_text("")
        (tmp_path / "folder").mkdir()
        (tmp_path / "runnable").mkdir()
        (tmp_path / "runnable" / "__main__.py").write_text("")
        (tmp_path / "shell").write_text("#!/bin/sh\nexit 0\n")
        ours = finished(*EXEC, *arguments, cwd=tmp_path, environment={"PATH": "/bin"})
        assert (ours.stderr, ours.returncode) == (message.format(which="/bin/sh", python=PYTHON[0]), 2)

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
        ],
    )
    def test_the_ways_in_which_commands_begin(self, tmp_path: Path, head: str) -> None:
        (tmp_path / "command").write_text(f"{head}print('ran')\n")
        assert finished(*EXEC, "./command", cwd=tmp_path).stdout == "ran\n"


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


class TestServing:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Path:
        (tmp_path / "hello.py").write_text(SITE)
        return tmp_path

    @pytest.mark.parametrize("program", [["hello.py"], ["-m", "hello"], ["./hello"]], ids=" ".join)
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_plain_program(self, site: Path, program: list[str], number: signal.Signals) -> None:
        (site / "hello").write_text(SITE)
        with executing(*program, cwd=site) as served:
            assert re.fullmatch(r"Serving http://127\.0\.0\.1:[1-9]\d* on the engine\n", served.said)
            response = httpx.get(served.url)
            assert response.text == OURS
            assert response.headers["Server"].startswith("TwistedWeb/")
            assert served.stop(number) == 0
            assert served.errors == ""

    def test_a_tutorial(self, tmp_path: Path) -> None:
        (tmp_path / "tutorial.py").write_text(TUTORIAL)
        with executing("tutorial.py", cwd=tmp_path) as served:
            text = httpx.get(f"{served.url}/text?size=3")
            assert text.text == "<p>Größe: 3</p>"
            assert text.headers["Content-Type"] == "text/html; charset=utf-8"
            assert httpx.get(f"{served.url}/latin").content == b"Gr\xf6\xdfe"
            assert httpx.get(f"{served.url}/slow").text == "slow"
            assert httpx.head(f"{served.url}/slow").headers["Content-Length"] == "4"
            assert "Request did not return bytes" in httpx.get(f"{served.url}/broken").text
            served.wait()
            assert httpx.get(f"{served.url}/slow").text == "SLOW"

    @pytest.mark.parametrize("prefix", ["", "ropewalk:"])
    def test_twist_web(self, tmp_path: Path, prefix: str) -> None:
        (tmp_path / "page.txt").write_text("of a file\n" * 10_000)
        arguments = ("twist", "web", f"--listen={prefix}tcp:0:interface=127.0.0.1", "--path", ".")
        with executing(*arguments, cwd=tmp_path) as served:
            assert httpx.get(f"{served.url}/page.txt").text == "of a file\n" * 10_000
            part = httpx.get(f"{served.url}/page.txt", headers={"Range": "bytes=0-8"})
            assert (part.status_code, part.text) == (206, "of a file")
            assert served.stop() == -signal.SIGTERM  # `twist` ends itself by the signal

    def test_tls_and_unix_sockets_and_what_is_no_http(self, tmp_path: Path) -> None:
        write_certificate(tmp_path)
        (tmp_path / "several.py").write_text(
            "import warnings; warnings.simplefilter('ignore')\n"
            f"{SITE.partition('if __name__')[0]}"
            "from twisted.internet import ssl\n"
            "from twisted.internet.protocol import ServerFactory\n"
            "from twisted.protocols.wire import Echo\n"
            "tls = ssl.DefaultOpenSSLContextFactory('key.pem', 'certificate.pem')\n"
            "echo = reactor.listenTCP(0, ServerFactory.forProtocol(Echo), interface='127.0.0.1')\n"
            "print(echo.getHost().port, type(echo).__module__, flush=True)\n"
            "reactor.listenSSL(0, Site(Hello()), tls, interface='::1')\n"
            "reactor.listenUNIX('a.sock', Site(Hello()), wantPID=True)\n"
            "reactor.run()\n"
        )
        with executing("several.py", cwd=tmp_path) as served:
            assert served.said.startswith("Serving https://[::1]:")
            assert httpx.get(served.url, verify=False).text == OURS
            served.wait()
            assert served.url == "unix:a.sock"
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(tmp_path / "a.sock"))) as client:
                assert client.get("http://localhost/").text == OURS
            assert served.process.stdout is not None
            port, module = served.process.stdout.readline().split()
            assert module == "twisted.internet.tcp"
            with socket.create_connection(("127.0.0.1", int(port))) as echo:
                echo.sendall(b"hello")
                assert echo.recv(5) == b"hello"
            assert served.stop() == 0
            assert not (tmp_path / "a.sock.lock").is_symlink()

    @pytest.mark.parametrize("origin", ["flag", "environment", "toml"])
    def test_limits(self, site: Path, origin: str) -> None:
        given = ["--limit", "body_size=10"] if origin == "flag" else []
        environment = {"ROPEWALK_LIMIT": "body_size=10"} if origin == "environment" else {}
        if origin == "toml":
            (site / "ropewalk.toml").write_text("target = 'of another command'\n[limits]\nbody_size = 10\n")
        with executing(*given, "hello.py", cwd=site, environment=environment) as served:
            assert httpx.post(served.url, content=b"0123456789").text == "10"
            assert httpx.post(served.url, content=b"0123456789a").status_code == 413

    @pytest.mark.parametrize(
        ("protocol", "said"),
        [
            ("Lines", "RW740 Connections of __main__.Lines stay on Twisted's own channel: lineReceived is overridden."),
            (
                "Foreign",
                "RW743 Connections of __main__.Foreign stay Twisted's: it is not a ropewalk.dropin.HTTPChannel.",
            ),
        ],
    )
    @pytest.mark.parametrize("known", [True, False], ids=["when it listens", "at the first connection"])
    def test_connections_that_stay_twisted_s(self, tmp_path: Path, protocol: str, said: str, known: bool) -> None:
        (tmp_path / "kept.py").write_text(
            f"{SITE.partition('if __name__')[0]}"
            "from twisted.internet.protocol import Protocol\n"
            "from twisted.web.http import HTTPChannel\n"
            "class Lines(HTTPChannel):\n"
            "    def lineReceived(self, line):\n"
            "        super().lineReceived(line)\n"
            "class Foreign(Protocol):\n"
            "    site = factory = requestFactory = timeOut = callLater = None\n"
            "    def dataReceived(self, data):\n"
            "        self.transport.write(b'HTTP/1.0 200 OK\\r\\n\\r\\n')\n"
            "        self.transport.loseConnection()\n"
            "site = Site(Hello())\n"
            f"site.protocol = {protocol if known else f'lambda: {protocol}()'}\n"
            "reactor.listenTCP(0, site, interface='127.0.0.1')\n"
            "reactor.run()\n"
        )
        with executing("kept.py", cwd=tmp_path) as served:
            if known:
                expected = f"Serving {served.url} on Twisted's own channel, without the engine's limits: {said}\n"
            else:
                expected = f"Serving {served.url} on the engine\n"
            assert served.said == expected
            for _ in range(2):
                assert httpx.get(served.url).status_code == 200
            served.stop()
            assert served.errors == ("" if known else f"{said} The engine's limits do not apply there.\n")

    def test_a_limit_that_is_none(self, site: Path) -> None:
        ended = finished(*EXEC, "--limit", "body_siz=10", "hello.py", cwd=site)
        assert ended.returncode == 2
        assert ended.stderr == "RW423 --limit: there is no limit body_siz. Did you mean body_size?\n"

    def test_what_is_run_is_no_setting(self, site: Path) -> None:
        (site / "ropewalk.toml").write_text("name = 'hello.py'\n")
        ended = finished(*EXEC, "hello.py", cwd=site)
        assert ended.returncode == 2
        assert "there is no setting name." in ended.stderr

    def test_quiet(self, site: Path) -> None:
        command = [*EXEC, "--quiet", "hello.py"]
        with subprocess.Popen(command, cwd=site, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert httpx.get(f"http://127.0.0.1:{process.stdout.readline().strip()}").text == OURS
                process.terminate()
                assert process.communicate(timeout=SECONDS_TO_STOP) == ("", "")
            finally:
                process.kill()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_what_runs_is_finished(self, tmp_path: Path, number: signal.Signals) -> None:
        (tmp_path / "slow.py").write_text(
            f"import os\n{SITE.partition('if __name__')[0]}"
            "from twisted.web.server import NOT_DONE_YET\n"
            "class Slow(Hello):\n"
            "    def render_GET(self, request):\n"
            f"        os.kill(os.getpid(), {int(number)})\n"
            "        reactor.callLater(0.3, request.write, b'finished')\n"
            "        reactor.callLater(0.4, request.finish)\n"
            "        return NOT_DONE_YET\n"
            "reactor.listenTCP(0, Site(Slow()), interface='127.0.0.1')\nreactor.run()\nprint('the end')\n"
        )
        with executing("slow.py", cwd=tmp_path) as served:
            assert httpx.get(served.url).text == "finished"
            output, errors = served.process.communicate(timeout=SECONDS_TO_STOP)
            assert (output, errors, served.process.returncode) == ("the end\n", "", 0)

    def test_a_second_signal_cuts_off_what_runs(self, tmp_path: Path) -> None:
        (tmp_path / "hanging.py").write_text(
            f"import os\n{SITE.partition('if __name__')[0]}"
            "from twisted.web.server import NOT_DONE_YET\n"
            "class Hanging(Hello):\n"
            "    def render_GET(self, request):\n"
            "        request.write(b'begun')\n"
            "        for seconds in 0, 0.2:\n"
            f"            reactor.callLater(seconds, os.kill, os.getpid(), {int(signal.SIGINT)})\n"
            "        return NOT_DONE_YET\n"
            "reactor.listenTCP(0, Site(Hanging()), interface='127.0.0.1')\nreactor.run()\nprint('the end')\n"
        )
        with executing("hanging.py", cwd=tmp_path) as served:
            with pytest.raises(httpx.TransportError):
                httpx.get(served.url)
            output, errors = served.process.communicate(timeout=10)
            assert (output, served.process.returncode) == ("the end\n", 0)
            assert "Can't stop reactor" not in errors
