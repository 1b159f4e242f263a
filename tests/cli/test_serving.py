"""`ropewalk run`, `static` and `routes` as processes."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from tests.processes import EXAMPLES, ROOT, ropewalk

pytestmark = pytest.mark.slow


def finished(*arguments: str | Path, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    command = [sys.executable, "-W", "error", "-m", "ropewalk", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


class TestRun:
    def test_serves_a_file(self) -> None:
        with ropewalk("run", "examples/hello.py") as server:
            assert httpx.get(f"{server.url}/").text == "Hello, World!"

    def test_serves_a_module(self) -> None:
        with ropewalk("run", "hello:app", cwd=EXAMPLES) as server:
            assert httpx.get(f"{server.url}/hello/Ada").json() == {"hello": "Ada"}

    def test_compresses_responses(self) -> None:
        with ropewalk("run", "examples/streaming.py", "--compress") as server:
            response = httpx.get(f"{server.url}/countdown/2", headers={"accept-encoding": "gzip"})
            assert (response.headers["content-encoding"], response.text) == ("gzip", "2\n1\nLift-off\n")
            assert response.headers["vary"] == "Accept-Encoding"

    def test_serves_a_tree_of_resources(self) -> None:
        with ropewalk("run", "examples/hello_resource.py:root") as server:
            assert httpx.get(f"{server.url}/hello/Ada").text == "Hello, Ada!"

    def test_says_what_is_served_where(self) -> None:
        with ropewalk("run", "examples/hello.py") as server:
            assert "examples/hello.py:app" in server.banner
            assert re.search(r"GET +/ +hello +examples/hello.py:\d+", server.banner)
            assert re.search(r"GET +/hello/\{name\} +greet +examples/hello.py:\d+", server.banner)
            assert re.search(r"http://127\.0\.0\.1:[1-9]\d*", server.banner)

    def test_warns_of_an_app_without_routes(self, tmp_path: Path) -> None:
        (tmp_path / "empty.py").write_text("from ropewalk import App\napp = App()\n")
        with ropewalk("run", "empty.py", cwd=tmp_path) as server:
            assert "It has no routes: every response will be 404.\n" in server.banner

    def test_says_what_to_be_careful_of(self) -> None:
        given = ("--limit", "idle_timeout=0", "--trusted-proxy", "::/0", "--proxy-headers", "forwarded")
        with ropewalk("run", "examples/hello.py", *given) as server:
            assert "idle_timeout is off, because it is 0: it cuts off no client.\n" in server.banner
            assert "Every address is trusted as a proxy (::/0): clients can forge their address.\n" in server.banner

    def test_a_program_says_so_too(self, tmp_path: Path) -> None:
        program = tmp_path / "program.py"
        program.write_text(
            "import os, signal\nfrom ropewalk import App, Limits\napp = App(limits=Limits(head_timeout=0))\n"
            "@app.on_start\ndef soon():\n    from twisted.internet import reactor\n"
            "    reactor.callLater(0, os.kill, os.getpid(), signal.SIGTERM)\n"
            "app.run(port=0)\n"
        )
        ended = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60, check=True)
        assert "head_timeout is off, because it is 0: it cuts off no client.\n" in ended.stderr

    @pytest.mark.parametrize("how", ["run", "app.run"])
    def test_the_start_up_lines_warn_of_tracebacks_for_clients(self, tmp_path: Path, how: str) -> None:
        line = "The app has debug=True: clients see the traceback of every error, with paths and code."
        (tmp_path / "shown.py").write_text("from ropewalk import App\napp = App(debug=True)\n")
        if how == "run":
            with ropewalk("run", "shown.py", cwd=tmp_path) as server:
                assert line in server.banner
            return
        (tmp_path / "program.py").write_text(
            "import os, signal\n"
            "from ropewalk.server import install_reactor, run\n"
            "install_reactor()\n"
            "from twisted.internet import reactor\n"
            "from shown import app\n"
            "app.on_start(lambda: reactor.callLater(0, os.kill, os.getpid(), signal.SIGTERM) and None)\n"
            "run(app, listen='tcp:0:interface=127.0.0.1')\n"
        )
        command = [sys.executable, "program.py"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
        assert line in ended.stderr

    def test_debug_shows_what_is_refused(self) -> None:
        with ropewalk("run", "examples/hello.py", "--log-level", "debug") as server:
            with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0)) as connection:
                connection.sendall(b"nonsense\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
            server.stop()
        assert "RW510" in server.errors

    def test_installs_the_asyncio_reactor_before_it_imports(self, tmp_path: Path) -> None:
        (tmp_path / "which.py").write_text(
            "from twisted.internet import reactor\nfrom ropewalk import App\napp = App()\n"
            "@app.get('/')\ndef which(request):\n    return type(reactor).__name__\n"
        )
        with ropewalk("run", "which.py", cwd=tmp_path) as server:
            assert httpx.get(f"{server.url}/").text == "AsyncioSelectorReactor"

    def test_listens_on_a_unix_socket(self, tmp_path: Path) -> None:
        path = tmp_path / "app.sock"
        with (
            ropewalk("run", "examples/hello.py", "--listen", f"unix:{path}") as server,
            httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client,
        ):
            assert client.get("http://localhost/").text == "Hello, World!"
            assert str(path) in server.banner

    def test_an_address_in_use(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            ended = finished("run", "examples/hello.py", "--port", str(port))
        assert ended.returncode == 2
        assert "RW502" in ended.stderr
        assert str(port) in ended.stderr
        assert "Traceback" not in ended.stderr

    def test_a_target_that_is_not_there(self) -> None:
        ended = finished("run", "examples/helo.py")
        assert ended.returncode == 2
        assert ended.stderr == (
            "RW411 There is no file examples/helo.py. Did you mean examples/hello.py?\nMore: ropewalk explain RW411\n"
        )

    def test_a_command_that_is_not_there(self) -> None:
        ended = finished("serve", "examples/hello.py")
        assert ended.returncode == 2
        assert "No such command" in ended.stderr


class TestStop:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_running_request_is_finished(self, tmp_path: Path, number: signal.Signals) -> None:
        (tmp_path / "slow.py").write_text(
            "import os, signal\nfrom twisted.internet.defer import Deferred\nfrom ropewalk import App\napp = App()\n"
            "@app.get('/')\nasync def slow(request):\n"
            "    from twisted.internet import reactor\n"
            f"    os.kill(os.getpid(), {int(number)})\n"
            "    later = Deferred()\n    reactor.callLater(0.3, later.callback, 'finished')\n    return await later\n"
        )
        with ropewalk("run", "slow.py", cwd=tmp_path) as server:
            response = httpx.get(f"{server.url}/")
            assert response.text == "finished"
            assert response.headers["connection"] == "close"
            assert server.process.wait(timeout=30) == 0
            assert server.process.stderr is not None
            errors = server.process.stderr.read()
        assert "Stopping: 1 request is running, up to 30 s; repeat the signal to stop now." in errors

    def test_the_hooks_of_the_app_are_called(self, tmp_path: Path) -> None:
        (tmp_path / "hooks.py").write_text(
            "import asyncio\nfrom ropewalk import App\napp = App()\n"
            "@app.on_start\nasync def start():\n    await asyncio.sleep(0)\n    print('begun', flush=True)\n"
            "@app.on_stop\ndef stop():\n    print('ended', flush=True)\n"
        )
        with ropewalk("run", "hooks.py", cwd=tmp_path) as server:
            assert server.stop() == 0
        assert server.output == "begun\nended\n"

    def test_while_the_app_starts(self, tmp_path: Path) -> None:
        (tmp_path / "hanging.py").write_text(
            "import asyncio, os, signal\nfrom ropewalk import App\napp = App()\n"
            "@app.on_start\nasync def start():\n"
            "    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)\n"
            "    await asyncio.sleep(60)\n"
        )
        ended = finished("run", "hanging.py", "--port", "0", cwd=tmp_path)
        assert ended.returncode == 0
        assert "RW403" not in ended.stderr


class TestAccessLog:
    def test_combined_on_the_standard_output(self) -> None:
        with ropewalk("run", "examples/hello.py") as server:
            httpx.get(f"{server.url}/", headers={"User-Agent": "a test", "Referer": "http://example.org/"})
            server.stop()
        line = r'127\.0\.0\.1 - - \[[^\]]+\] "GET / HTTP/1\.1" 200 13 "http://example\.org/" "a test"\n'
        assert re.fullmatch(line, server.output)

    def test_json(self) -> None:
        with ropewalk("run", "examples/hello.py", "--access-log", "json") as server:
            httpx.get(f"{server.url}/hello/Ada?x=1")
            server.stop()
        entry = json.loads(server.output)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry["time"])
        assert entry["request"] == "GET /hello/Ada?x=1 HTTP/1.1"
        assert entry["status"] == 200

    @pytest.mark.parametrize("given", ["flag", "environment", "TOML"])
    def test_timed(self, given: str, tmp_path: Path) -> None:
        """The combined format, then the time and the duration."""
        (tmp_path / "ropewalk.toml").write_text('access_log = "timed"' if given == "TOML" else "")
        flags = ("--access-log", "timed") if given == "flag" else ()
        environment = {"ROPEWALK_ACCESS_LOG": "timed"} if given == "environment" else {}
        before = time.time()
        with ropewalk("run", EXAMPLES / "hello.py", *flags, cwd=tmp_path, environment=environment) as server:
            httpx.get(f"{server.url}/", headers={"User-Agent": "a test"})
            server.stop()
        line = r'127\.0\.0\.1 - - \[(.+)\] "GET / HTTP/1\.1" 200 13 "-" "a test" (\d+\.\d{6}) (\d+\.\d{6})\n'
        found = re.fullmatch(line, server.output)
        assert found is not None
        stamp, moment, duration = found.groups()
        assert before <= float(moment) <= time.time()
        assert datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").timestamp() == int(float(moment))
        assert float(duration) >= 0

    def test_into_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "access.log"
        file.write_text("a line from before\n")
        with ropewalk("run", "examples/hello.py", "--access-log-file", file) as server:
            httpx.get(f"{server.url}/")
            server.stop()
        before, line = file.read_text().splitlines()
        assert before == "a line from before"
        assert '"GET / HTTP/1.1" 200 13' in line
        assert server.output == ""

    def test_off(self) -> None:
        with ropewalk("run", "examples/hello.py", "--access-log", "off") as server:
            httpx.get(f"{server.url}/")
            server.stop()
        assert server.output == ""

    def test_a_file_that_cannot_be_opened(self, tmp_path: Path) -> None:
        file = tmp_path / "nowhere" / "access.log"
        ended = finished("run", "examples/hello.py", "--port", "0", "--access-log-file", file)
        assert ended.returncode == 2
        assert ended.stderr == (
            f"RW424 {file} cannot be opened: No such file or directory.\nMore: ropewalk explain RW424\n"
        )


class TestLimits:
    def test_from_a_flag(self) -> None:
        with ropewalk("run", "examples/streaming.py", "--limit", "head_size=1024") as server:
            assert httpx.get(f"{server.url}/", headers={"X-Long": "x" * 2000}).status_code == 431

    def test_of_the_app(self, tmp_path: Path) -> None:
        (tmp_path / "small.py").write_text("from ropewalk import App, Limits\napp = App(limits=Limits(head_size=1024))")
        with ropewalk("run", "small.py", cwd=tmp_path) as server:
            assert httpx.get(f"{server.url}/", headers={"X-Long": "x" * 2000}).status_code == 431

    def test_of_a_site(self, tmp_path: Path) -> None:
        (tmp_path / "small.py").write_text(
            "from ropewalk import Limits, Resource, Site\nsite = Site(Resource(), limits=Limits(head_size=1024))"
        )
        with ropewalk("run", "small.py", cwd=tmp_path) as server:
            assert httpx.get(f"{server.url}/", headers={"X-Long": "x" * 2000}).status_code == 431

    def test_from_toml(self, tmp_path: Path) -> None:
        (tmp_path / "ropewalk.toml").write_text(
            f'target = "{EXAMPLES / "hello.py"}"\naccess_log = "off"\n[limits]\nhead_size = 1024'
        )
        with ropewalk("run", cwd=tmp_path) as server:
            assert httpx.get(f"{server.url}/", headers={"X-Long": "x" * 2000}).status_code == 431


class TestStatic:
    def test_serves_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("a note")
        with ropewalk("static", ".", cwd=tmp_path) as server:
            assert httpx.get(f"{server.url}/notes.txt").text == "a note"

    def test_the_options(self, tmp_path: Path) -> None:
        for name in ("app.js", "app.js.gz", "app.3f2a9c81.js", "page.html", "a.pdf", "home.htm", "error.html"):
            (tmp_path / name).write_text(name)
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs" / "a.txt").write_text("a")
        flags = (
            *("--listing", "--precompressed", "--hashed-names", "--fallback", "home.htm", "--index", "home.htm"),
            *("--error-page", "error.html", "--download", "*.pdf", "--cache-control", "*.html=max-age=5, public"),
        )
        with ropewalk("static", ".", *flags, cwd=tmp_path) as server, httpx.Client(base_url=server.url) as client:
            assert client.get("/").text == "home.htm"
            assert client.get("/rooms/7").text == "home.htm"
            assert client.get("/docs/", headers={"accept": "application/json"}).json()["path"] == "docs/"
            assert client.get("/none.js").text == "error.html"
            assert client.get("/page.html").headers["cache-control"] == "max-age=5, public"
            assert "immutable" in client.get("/app.3f2a9c81.js").headers["cache-control"]
            assert client.head("/app.js").headers["content-encoding"] == "gzip"
            assert client.head("/a.pdf").headers["content-disposition"].startswith("attachment")
            assert client.get("/page.html", headers={"range": "bytes=0-3"}).text == "page"

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (("--cache-control", "no-cache"), "--cache-control: 'no-cache' is not PATTERN=VALUE"),
            (("--cache-control", "*=é"), "cache_control cannot be 'é'"),
            (("--fallback", "/index.html"), "fallback cannot be '/index.html'"),
        ],
    )
    def test_wrong_options(self, tmp_path: Path, flags: tuple[str, str], message: str) -> None:
        ended = finished("static", ".", *flags, cwd=tmp_path)
        assert ended.returncode == 2
        assert message in ended.stderr

    def test_a_folder_that_is_not_there(self) -> None:
        ended = finished("static", "nowhere")
        assert ended.returncode == 2
        assert "nowhere" in ended.stderr


class TestRoutes:
    def test_of_an_app(self) -> None:
        ended = finished("routes", "examples/hello.py")
        assert ended.returncode == 0
        lines = [line.split() for line in ended.stdout.splitlines()]
        assert [line[:3] for line in lines] == [["GET", "/", "hello"], ["GET", "/hello/{name}", "greet"]]
        assert all(re.fullmatch(r"examples/hello\.py:\d+", line[3]) for line in lines)

    def test_of_a_tree(self) -> None:
        ended = finished("routes", "examples/hello_resource.py")
        lines = [line.split() for line in ended.stdout.splitlines()]
        assert [line[:3] for line in lines] == [
            ["GET", "/", "Hello.render_GET"],
            ["*", "/hello/{...}", "Greetings.getChild"],
        ]

    def test_methods_of_one_handler_share_a_line(self) -> None:
        ended = finished("routes", "examples/hotel")
        paths = [line.split()[:2] for line in ended.stdout.splitlines()]
        assert ["DELETE", "/rooms/{room:int}"] in paths
        assert len(paths) == 19


class TestHelp:
    @pytest.mark.parametrize("command", ["run", "static", "check"])
    def test_every_flag_names_its_variable(self, command: str) -> None:
        ended = finished(command, "--help")
        for flag in ("host", "port", "listen", "limit", "access-log", "access-log-file", "log-level", "config"):
            assert f"--{flag}" in ended.stdout
            assert "ROPEWALK_" + flag.replace("-", "_").upper() in ended.stdout

    def test_version(self) -> None:
        assert re.fullmatch(r"ropewalk, version \d+\.\d+\.\d+\n", finished("--version").stdout)
