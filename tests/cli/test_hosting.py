"""`--wsgi` and `--asgi`."""

import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from tests.processes import SECONDS_TO_STOP, Server, ropewalk

from ropewalk.asgi import ASGIResource
from ropewalk.cli import main
from ropewalk.cli.application_kind import AN_APPLICATION
from ropewalk.cli.error import CLIError
from ropewalk.cli.hosting import Hosting
from ropewalk.cli.target import load_target
from ropewalk.wsgi import WSGIResource

PROGRAM = """
from ropewalk import App

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    size = len(environ["wsgi.input"].read())
    return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']} {size}".encode()]

async def by_asgi(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})

def make_application():
    return application

def with_options(options=None):
    return application

ours = App()
number = 7
"""

Check = Callable[..., Result]


@pytest.fixture
def program(project: Path) -> Path:
    """A folder with applications of every kind in hello.py."""
    (project / "hello.py").write_text(PROGRAM)
    return project


@pytest.fixture
def check(program: Path) -> Check:
    """Run `ropewalk check` in the folder of the applications."""

    def run(*arguments: str, environment: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(main, ["check", *arguments], env={"COLUMNS": "200"} | (environment or {}))

    return run


def failure(target: str, hosting: Hosting) -> str:
    with pytest.raises(CLIError) as caught:
        load_target(target, hosting)
    return f"{caught.value.code} {caught.value.message}"


@pytest.mark.usefixtures("program")
class TestTarget:
    def test_by_wsgi(self) -> None:
        target = load_target("hello.py:application", Hosting(wsgi=True, wsgi_threads=3))
        assert isinstance(target.value, WSGIResource)
        assert target.value.options.threads == 3
        assert target.name == "hello.py:application"

    def test_by_asgi(self) -> None:
        assert isinstance(load_target("hello:by_asgi", Hosting(asgi=True)).value, ASGIResource)

    def test_without_a_name(self, program: Path) -> None:
        assert load_target("hello.py", Hosting(wsgi=True)).name == "hello.py:application"
        (program / "other.py").write_text(PROGRAM + "app = application\n")
        assert load_target("other.py", Hosting(wsgi=True)).name == "other.py:app"

    def test_without_a_name_where_there_is_none(self, program: Path) -> None:
        (program / "empty.py").write_text("")
        said = failure("empty.py", Hosting(wsgi=True))
        assert said == "RW413 empty.py has no app and no application. Name the WSGI application: empty.py:NAME"

    def test_a_name_that_is_not_there(self) -> None:
        said = failure("hello.py:aplication", Hosting(wsgi=True))
        assert said == "RW413 hello.py has no aplication. Did you mean application?"

    def test_a_limit_for_bodies_that_was_set(self) -> None:
        for limits_body, limit in ((False, 100 << 20), (True, None)):
            target = load_target("hello.py:application", Hosting(wsgi=True, limits_body=limits_body))
            assert isinstance(target.value, WSGIResource)
            assert target.value.options.body_limit == limit


@pytest.mark.usefixtures("program")
class TestNotOfThatKind:
    def test_of_the_other(self) -> None:
        assert failure("hello.py:by_asgi", Hosting(wsgi=True)) == (
            "RW707 hello.py:by_asgi looks like an ASGI application. Set --asgi instead of --wsgi."
        )
        assert failure("hello.py:application", Hosting(asgi=True)) == (
            "RW715 hello.py:application looks like a WSGI application. Set --wsgi instead of --asgi."
        )

    def test_of_neither(self) -> None:
        assert failure("hello.py:number", Hosting(wsgi=True)).startswith("RW707 hello.py:number: 7 cannot be called.")
        assert failure("hello.py:number", Hosting(asgi=True)).startswith("RW715 hello.py:number: 7 cannot be called.")

    def test_what_makes_one(self) -> None:
        said = failure("hello.py:make_application", Hosting(wsgi=True))
        assert said == (
            "RW707 hello.py:make_application takes no arguments. "
            "If it makes the application, call it at the top level: application = make_application()"
        )
        assert failure("hello.py:with_options", Hosting(wsgi=True)).endswith("application = with_options()")
        assert failure("hello.py:with_options", Hosting(asgi=True)).endswith("application = with_options()")

    def test_of_ropewalks_own(self) -> None:
        said = failure("hello.py:ours", Hosting(wsgi=True))
        assert said == "RW414 hello.py:ours is an App, Resource or Site of Ropewalk. Leave out --wsgi."

    @pytest.mark.parametrize(("name", "interface"), [("application", "wsgi"), ("by_asgi", "asgi")])
    def test_without_the_flag(self, name: str, interface: str) -> None:
        with pytest.raises(CLIError) as caught:
            load_target(f"hello.py:{name}")
        assert caught.value.code == "RW414"
        assert caught.value.message.endswith(f"If it is {AN_APPLICATION[interface]}, use --{interface}.")


@pytest.mark.usefixtures("program")
class TestWhereToGoFromThere:
    """An error message names the existing applications, and the command that it suggests works."""

    @pytest.mark.parametrize(
        ("program_text", "hosting", "message"),
        [
            (
                "def create_app(x=1): ...",
                Hosting(wsgi=True),
                "If create_app creates one, call it there: application = cre",
            ),
            ("def create_app(x=1): ...", Hosting(), "If create_app creates one, call it there: app = create_app()"),
            ("def served(environ, start): ...", Hosting(wsgi=True), "Name it: other.py:served"),
            (
                "def wsgi_app(environ, start): ...",
                Hosting(),
                "a WSGI application: serve it with --wsgi other.py:wsgi_app",
            ),
            (
                "async def application(a, b, c): ...",
                Hosting(),
                "an ASGI application: serve it with --asgi other.py:application",
            ),
        ],
    )
    def test_without_a_name(self, program: Path, program_text: str, hosting: Hosting, message: str) -> None:
        (program / "other.py").write_text(program_text)
        said = failure("other.py", hosting)
        assert said.startswith("RW413 other.py has no ")
        assert message in said

    @pytest.mark.parametrize(
        ("program_text", "message"),
        [
            (
                "from ropewalk import App\napp = App",
                "is the class ropewalk.app.App. Create an instance at the top level, and name that: app = App(",
            ),
            (
                "def app(): ...",
                "is a function. If it creates the object to serve, call it at the top level: app = app()",
            ),
            ("app = 5", "is of type int. Name an App, a Site, or a resource derived from ropewalk.Resource."),
        ],
    )
    def test_what_cannot_be_served(self, program: Path, program_text: str, message: str) -> None:
        (program / "other.py").write_text(program_text)
        with pytest.raises(CLIError) as caught:
            load_target("other.py:app")
        assert caught.value.code == "RW414"
        assert message in caught.value.message


LIFESPANS = """
async def serve(scope, receive, send, failing="", stopping=""):
    assert scope["type"] == "lifespan"
    assert (await receive())["type"] == "lifespan.startup"
    if failing:
        await send({"type": "lifespan.startup.failed", "message": failing})
        return
    print("started")
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    if stopping == "raise":
        raise ValueError("at the end")
    if stopping:
        await send({"type": "lifespan.shutdown.failed", "message": stopping})
        return
    print("stopped")
    await send({"type": "lifespan.shutdown.complete"})

async def good(scope, receive, send):
    await serve(scope, receive, send)

async def does_not_start(scope, receive, send):
    await serve(scope, receive, send, failing="no database")

async def does_not_stop(scope, receive, send):
    await serve(scope, receive, send, stopping="no end")

async def raises(scope, receive, send):
    await serve(scope, receive, send, stopping="raise")

async def without(scope, receive, send):
    assert scope["type"] == "http"
"""


class TestLifespan:
    """`check --asgi` starts and stops the application that it checks."""

    def test_both_ends(self, check: Check, project: Path) -> None:
        (project / "life.py").write_text(LIFESPANS)
        for _ in range(2):
            result = check("--asgi", "life.py:good")
            assert result.exit_code == 0, result.output
            assert result.output.index("started\nstopped\n") < result.output.index("life.py:good can be served")

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("does_not_start", "RW711 does_not_start at life.py:22 did not start: no database. Fix the cause"),
            ("does_not_stop", "RW712 does_not_stop at life.py:25 did not stop cleanly: no end."),
            ("raises", "RW712 The lifespan of raises at life.py:28 ended with ValueError('at the end').\nTraceback"),
        ],
    )
    def test_what_goes_wrong(self, check: Check, project: Path, name: str, message: str) -> None:
        (project / "life.py").write_text(LIFESPANS)
        result = check("--asgi", f"life.py:{name}")
        assert result.exit_code == 2
        assert f"\n{message}" in result.output
        assert "can be served" not in result.output

    def test_one_that_has_none(self, check: Check, project: Path) -> None:
        (project / "life.py").write_text(LIFESPANS)
        result = check("--asgi", "life.py:without")
        assert result.exit_code == 0, result.output
        assert "without at life.py:31 is served without a lifespan: it raised AssertionError()" in result.output


class TestSettings:
    def test_by_flag(self, check: Check) -> None:
        result = check("--wsgi", "--wsgi-threads", "20", "hello.py")
        assert result.exit_code == 0, result.output
        assert [line.split() for line in result.output.splitlines() if line.startswith("wsgi")] == [
            ["wsgi", "true", "flag"],
            ["wsgi_threads", "20", "flag"],
        ]
        assert "hello.py:application can be served: 1 route.\n" in result.output

    def test_by_the_environment(self, check: Check) -> None:
        result = check("hello.py", environment={"ROPEWALK_WSGI": "1"})
        assert "can be served" in result.output

    def test_by_toml(self, check: Check, program: Path) -> None:
        (program / "ropewalk.toml").write_text('target = "hello:by_asgi"\nasgi = true\n')
        result = check()
        assert "hello:by_asgi can be served" in result.output

    def test_nothing_is_said_of_it_where_nothing_is_hosted(self, check: Check) -> None:
        result = check("hello.py:ours")
        assert result.exit_code == 0
        assert "sgi" not in result.output

    @pytest.mark.parametrize(
        ("flags", "said"),
        [
            (
                ["--wsgi", "--asgi"],
                "An application uses WSGI or ASGI, but --wsgi and --asgi are set. Leave out one of them.",
            ),
            (["--wsgi-threads", "3"], "--wsgi-threads is for WSGI applications. Leave it out, or set --wsgi too."),
            (["--wsgi", "--wsgi-threads", "0"], "0 is not in the range x>=1."),
        ],
    )
    def test_what_does_not_fit(self, check: Check, flags: list[str], said: str) -> None:
        result = check(*flags, "hello.py")
        assert result.exit_code == 2
        assert said in result.output

    def test_routes(self, program: Path) -> None:
        result = CliRunner().invoke(main, ["routes", "--wsgi", "hello.py"], env={"COLUMNS": "200"})
        assert "/{...}" in result.output
        assert "application   hello.py:4" in result.output


@pytest.mark.slow
class TestServed:
    def test_by_wsgi(self, program: Path) -> None:
        with ropewalk("run", "--wsgi", "hello.py", cwd=program) as server:
            assert "hello.py:application" in server.banner
            assert httpx.get(f"{server.url}/a/b").text == " /a/b 0"
            assert httpx.request("M-SEARCH", f"{server.url}/a").text == " /a 0"
            body = bytes(2 << 20)
            assert httpx.post(f"{server.url}/", content=body).text == f" / {len(body)}"
            assert server.stop() == 0
        assert server.errors == ""

    def test_on_threads_of_its_own(self, program: Path) -> None:
        with ropewalk("run", "--wsgi", "--wsgi-threads", "2", "hello.py", cwd=program) as server:
            assert [httpx.get(f"{server.url}/{number}").text for number in range(20)] == [
                f" /{number} 0" for number in range(20)
            ]

    def test_with_a_limit_for_bodies(self, program: Path) -> None:
        with ropewalk("run", "--wsgi", "hello.py", "--limit", "body_size=10", cwd=program) as server:
            assert httpx.post(f"{server.url}/", content=b"x" * 10).text == " / 10"
            assert httpx.post(f"{server.url}/", content=b"x" * 11).status_code == 413

    def test_by_asgi(self, program: Path) -> None:
        with ropewalk("run", "--asgi", "hello:by_asgi", cwd=program) as server:
            assert httpx.get(f"{server.url}/a/b").text == "/a/b"
            assert httpx.request("SUBSCRIBE", f"{server.url}/a").text == "/a"


STOPPED = """
import os, signal, sys, threading

def slow(environ, start_response):
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(0.3)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Body()

class Body:
    def __iter__(self):
        yield b"finished"

    def close(self):
        sys.stderr.write("closed\\n")

def endless(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    os.kill(os.getpid(), signal.SIGTERM)
    try:
        while True:
            write(bytes(65536))
    except Exception as error:
        sys.stderr.write(f"let go by {type(error).__name__}\\n")  # at once, also where streams are not buffered
        raise

def stuck(environ, start_response):
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait()
"""


@pytest.mark.slow
class TestStop:
    @pytest.fixture
    def program(self, project: Path) -> Path:
        """Applications that shut the server down."""
        (project / "stopped.py").write_text(STOPPED)
        return project

    @pytest.mark.parametrize("threads", [[], ["--wsgi-threads", "1"]])
    def test_a_running_call_is_finished(self, program: Path, threads: list[str]) -> None:
        with ropewalk("run", "--wsgi", "stopped:slow", *threads, cwd=program) as server:
            assert httpx.get(server.url).text == "finished"
            ended(server)
        assert server.errors.endswith("closed\n")

    @pytest.mark.parametrize("threads", [[], ["--wsgi-threads", "1"]])
    def test_one_whose_client_takes_nothing_is_let_go_at_the_deadline(self, program: Path, threads: list[str]) -> None:
        limit = ["--limit", "drain_timeout=0.2"]
        with (
            ropewalk("run", "--wsgi", "stopped:endless", *threads, *limit, cwd=program) as server,
            socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0)) as client,
        ):
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            ended(server)
        assert "1 request was cut off at the deadline of the drain." in server.errors
        assert "let go by Disconnected\n" in server.errors
        assert "RW706" not in server.errors

    def test_one_that_never_ends_does_not_block_the_stop(self, program: Path) -> None:
        options = ["--wsgi-threads", "1", "--limit", "drain_timeout=0.2"]
        with ropewalk("run", "--wsgi", "stopped:stuck", *options, cwd=program) as server:
            with pytest.raises(httpx.TransportError):
                httpx.get(server.url)
            ended(server)
        assert "RW706 1 call of stuck at stopped.py:27 still runs." in server.errors


def ended(server: Server) -> None:
    """Wait for a server that stops by itself."""
    server.output, server.errors = server.process.communicate(timeout=SECONDS_TO_STOP)
    assert server.process.returncode == 0, server.errors
