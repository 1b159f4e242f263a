"""The responses of twisted.web programs that `ropewalk exec` runs."""

import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from tests.cli.exec_program import EXEC, executing, finished
from tests.processes import SECONDS_TO_STOP, read_line
from tests.unit.server.program import write_certificate

pytestmark = pytest.mark.slow

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
"""A program on the asyncio reactor, with two sites: one has twisted.web's request class, the other its own."""


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
            port, module = read_line(served.process.stdout).split()
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
        assert ended.stderr == (
            "RW423 --limit: there is no limit body_siz. Did you mean body_size?\nMore: ropewalk explain RW423\n"
        )

    def test_what_is_run_is_no_setting(self, site: Path) -> None:
        (site / "ropewalk.toml").write_text("name = 'hello.py'\n")
        ended = finished(*EXEC, "hello.py", cwd=site)
        assert ended.returncode == 2
        assert "there is no setting name." in ended.stderr

    def test_quiet(self, site: Path) -> None:
        command = [*EXEC, "--quiet", "hello.py"]
        with subprocess.Popen(command, cwd=site, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert httpx.get(f"http://127.0.0.1:{read_line(process.stdout).strip()}").text == OURS
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
