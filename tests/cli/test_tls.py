"""HTTPS from the command line: servers in processes, and clients of the ssl module."""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from tests.certificates import Files, make_files
from tests.processes import SECONDS_TO_STOP, Server, read_line, ropewalk

pytestmark = pytest.mark.slow

APP = """
import os, threading
from ropewalk import App
from ropewalk.middleware import security_headers
from twisted.internet.defer import Deferred

app = App(middleware=[security_headers()])
waiting = []


@app.get("/")
def hello(request):
    return {"scheme": request.scheme, "secure": request.isSecure(), "client": request.client[0], "url": request.url}


@app.post("/echo", body_limit=10_000_000)
async def echo(request):
    return await request.body()


@app.get("/big")
def big(request):
    return (bytes(100_000) for _ in range(50))


@app.get("/wait")
def wait(request):
    waiting.append(Deferred())
    print("waiting", flush=True)
    return waiting[-1]


@app.post("/unread", body_limit=10_000_000)
async def unread(request):
    print("unread", flush=True)
    try:
        await Deferred()
    finally:
        print("cancelled", flush=True)


@app.on_stop
def stop():
    print("stopped", flush=True)


@app.on_stopping
def respond():
    for each in waiting:
        each.callback("late")


if __name__ == "__main__":
    import sys
    from ropewalk import TLSOptions
    tls = TLSOptions(certificate="certificate.pem", key="certificate-key.pem")
    app.run(port=0, tls=tls, redirect_http="0", access_log="combined")
"""

ASKED = ("GET /", "GET /big", "POST /echo")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "app.py").write_text(APP)
    return make_files(tmp_path)


@contextmanager
def serving(files: Files, *more: str, **options: Any) -> Iterator[Server]:
    with ropewalk("run", "app.py", *files.flags, *more, cwd=files.certificate.parent, **options) as server:
        yield server
    assert "Traceback" not in server.errors, server.errors


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def trusting(files: Files) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(files.certificate))


def connect(server: Server, context: ssl.SSLContext | None = None) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port_of(server)), 20)
    return plain if context is None else context.wrap_socket(plain, server_hostname="localhost")


def get(server: Server, files: Files, path: str = "/") -> httpx.Response:
    return httpx.get(f"{server.url}{path}", verify=trusting(files))


def read_all(connection: socket.socket) -> bytes:
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return received


class TestServing:
    @pytest.mark.parametrize("reactor", ["uvloop", "asyncio"])
    def test_requests(self, files: Files, reactor: str) -> None:
        folder = files.certificate.parent
        environment = {}
        if reactor == "asyncio":  # without uvloop
            (folder / "uvloop.py").write_text("raise ImportError\n")
            environment["PYTHONPATH"] = str(folder)
        with serving(files, environment=environment) as server:
            assert server.url.startswith("https://127.0.0.1:")
            assert ("uvloop" in server.banner) == (reactor == "uvloop")
            with httpx.Client(verify=trusting(files)) as client:
                response = client.get(f"{server.url}/")
                assert response.json() == {
                    "scheme": "https",
                    "secure": True,
                    "client": "127.0.0.1",
                    "url": f"{server.url}/",
                }
                assert response.headers["strict-transport-security"].startswith("max-age=")
                assert len(client.get(f"{server.url}/big").content) == 5_000_000
                body = os.urandom(3_000_000)
                assert client.post(f"{server.url}/echo", content=body).content == body
        logged = [line.partition('"')[2] for line in server.output.splitlines() if '"' in line]
        assert [line.partition('"')[0] for line in logged] == [f"{each} HTTP/1.1" for each in ASKED]
        assert logged[2].startswith('POST /echo HTTP/1.1" 200 3000000 ')

    def test_app_run(self, files: Files) -> None:
        """A program that calls `App.run` prints the addresses of its listeners, which have free ports."""
        with subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=files.certificate.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                found: list[str] = []
                while len(found) < 2:
                    found += re.findall(r"Serving on (\S+)", read_line(process.stderr))
                assert found[0].startswith("https://")
                context = trusting(files)
                assert httpx.get(found[0], verify=context).json()["secure"]
                response = httpx.get(f"{found[1]}/a?b=c", headers={"host": "localhost"})
                assert response.headers["location"] == f"{found[0].replace('127.0.0.1', 'localhost')}/a?b=c"
                process.send_signal(signal.SIGTERM)
                output, errors = process.communicate(timeout=SECONDS_TO_STOP)
            finally:
                process.kill()
        assert (process.returncode, "Traceback" in errors) == (0, False)
        logged = {line.split('"')[1] for line in output.splitlines() if '"' in line}
        assert logged == {"GET / HTTP/1.1", "GET /a?b=c HTTP/1.1"}

    def test_several_listeners(self, files: Files) -> None:
        with serving(files, "--listen", "tcp:0:interface=127.0.0.1", "--listen", r"tcp6:0:interface=\:\:1") as server:
            first, second = re.findall(r"https://\S+", server.banner)
            context = trusting(files)
            assert httpx.get(first, verify=context).status_code == 200
            assert httpx.get(second, verify=context).json()["client"] == "::1"

    def test_a_socket_of_the_parent(self, files: Files) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            number = listening.fileno()
            os.set_inheritable(number, True)
            command = [sys.executable, "-m", "ropewalk", "run", "app.py", *files.flags, "--listen", f"fd:{number}"]
            with subprocess.Popen(
                command,
                cwd=files.certificate.parent,
                env=os.environ | {"NO_COLOR": "1"},
                pass_fds=[number],
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as process:
                server = Server(process)
                try:
                    server.read_banner()
                    assert port_of(server) == listening.getsockname()[1]
                    assert get(server, files).status_code == 200
                    assert server.stop() == 0
                finally:
                    process.kill()

    def test_a_socket_of_systemd(self, files: Files) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            command = (
                "import os, sys\n"
                f"os.dup2({listening.fileno()}, 3)\n"
                "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'web'}\n"
                "os.execv(sys.executable, [sys.executable, '-m', 'ropewalk', 'run', 'app.py', *sys.argv[1:]])\n"
            )
            with subprocess.Popen(
                [sys.executable, "-c", command, *files.flags, "--listen", "systemd:domain=INET:name=web"],
                cwd=files.certificate.parent,
                env=os.environ | {"NO_COLOR": "1"},
                pass_fds=[listening.fileno(), 3],
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as process:
                server = Server(process)
                try:
                    server.read_banner()
                    assert port_of(server) == port
                    assert get(server, files).status_code == 200
                    assert server.stop() == 0
                finally:
                    process.kill()

    def test_static_files(self, files: Files, tmp_path: Path) -> None:
        (tmp_path / "public").mkdir()
        (tmp_path / "public" / "a.txt").write_text("x" * 1_000_000)
        with ropewalk("static", "public", *files.flags, cwd=tmp_path) as server:
            assert len(get(server, files, "/a.txt").text) == 1_000_000

    def test_settings_of_a_file(self, files: Files, tmp_path: Path) -> None:
        (tmp_path / "ropewalk.toml").write_text(
            'target = "app.py"\ntls_certificate = "certificate.pem"\ntls-key = "certificate-key.pem"\n'
            'redirect_http = "0"\ntls_minimum_version = "1.3"\n'
        )
        with ropewalk("run", cwd=tmp_path) as server:
            assert get(server, files).status_code == 200
            context = trusting(files)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises(ssl.SSLError):
                connect(server, context)

    def test_settings_of_the_environment(self, files: Files, tmp_path: Path) -> None:
        environment = {
            "ROPEWALK_TLS_CERTIFICATE": f"{files.certificate}",
            "ROPEWALK_TLS_KEY": f"{files.key}",
            "ROPEWALK_TARGET": "app.py",
        }
        with ropewalk("run", cwd=tmp_path, environment=environment) as server:
            assert get(server, files).status_code == 200

    def test_a_self_signed_certificate(self, files: Files, tmp_path: Path) -> None:
        with ropewalk("run", "app.py", "--tls-self-signed", cwd=tmp_path) as server:
            pem = ssl.get_server_certificate(("127.0.0.1", port_of(server)))
            context = ssl.create_default_context(cadata=pem)
            assert httpx.get(server.url, verify=context).status_code == 200
            assert "TLS uses a self-signed certificate, made at this start: browsers warn about it." in server.banner

    def test_a_renewed_certificate(self, files: Files, tmp_path: Path) -> None:
        """An open connection continues, and new ones have the new certificate."""
        with serving(files) as server, httpx.Client(verify=trusting(files)) as client:
            first = client.get(server.url).json()
            old = trusting(files)
            renewed = make_files(tmp_path)
            context = trusting(renewed)
            deadline = time.monotonic() + 30
            while True:
                try:
                    connect(server, context).close()
                    break
                except ssl.SSLCertVerificationError:
                    assert time.monotonic() < deadline
            assert client.get(server.url).json() == first
            with pytest.raises(ssl.SSLCertVerificationError):
                connect(server, old)
        assert "The TLS certificate is read again." in server.errors


class TestRedirects:
    def test_a_request(self, files: Files) -> None:
        with serving(files, "--redirect-http", "0") as server:
            (plain,) = re.findall(r"(http://\S+) \(redirects to HTTPS\)", server.banner)
            response = httpx.post(f"{plain}/a//b?c=%20", content=b"x" * 100_000)
            assert response.status_code == 308
            assert response.headers["location"] == f"{server.url}/a//b?c=%20"
            assert "strict-transport-security" not in response.headers
            assert httpx.get(plain, headers={"host": "evil.com"}).status_code == 421
            assert httpx.get(plain, follow_redirects=True, verify=trusting(files)).json()["secure"]
        assert '"POST /a//b?c=%20 HTTP/1.1" 308 0 ' in server.output

    def test_a_stop_waits_for_no_idle_client(self, files: Files) -> None:
        with serving(files, "--redirect-http", "0") as server, ExitStack() as stack:
            (plain,) = re.findall(r"(http://\S+) \(redirects", server.banner)
            client = stack.enter_context(httpx.Client())
            client.get(plain)
            assert server.stop() == 0

    def test_a_port_in_use(self, files: Files) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            ended = run_to_end(files, "--port", "0", "--redirect-http", f"{taken.getsockname()[1]}")
        assert (ended.returncode, "RW502" in ended.stderr, "Traceback" in ended.stderr) == (2, True, False)


class TestStops:
    def test_a_running_request_gets_its_response(self, files: Files) -> None:
        with serving(files) as server, connect(server, trusting(files)) as client:
            client.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_line(server.process.stdout) == "waiting\n"
            assert server.stop() == 0
            assert read_all(client).endswith(b"\r\n\r\nlate")
        assert "stopped" in server.output

    @pytest.mark.parametrize("state", ["plain", "shaking hands", "idle"])
    def test_connections_without_a_request_do_not_delay_it(self, files: Files, state: str) -> None:
        with serving(files) as server:
            client = connect(server, trusting(files) if state == "idle" else None)
            if state == "shaking hands":
                client.sendall(b"\x16\x03\x01\x02\x00\x01")
            get(server, files)
            assert server.stop() == 0
            assert read_all(client) == b""
            client.close()

    def test_clients_that_reset_in_a_body_do_not_delay_it(self, files: Files) -> None:
        with serving(files, "--limit", f"drain_timeout={2 * SECONDS_TO_STOP}") as server:
            for _ in range(4):
                with connect(server, trusting(files)) as client:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n"
                    client.sendall(head + b"x" * 1_000_000)
            get(server, files)
            assert server.stop() == 0
        assert "ignored" not in server.errors

    @pytest.mark.parametrize("field", [b"", b"Connection: close\r\n"])
    def test_clients_that_do_not_close_do_not_delay_it(self, files: Files, field: bytes) -> None:
        late = f"drain_timeout={2 * SECONDS_TO_STOP}"
        with serving(files, "--limit", late) as server, connect(server, trusting(files)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % field)
            assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
            assert server.stop() == 0

    def test_sighup(self, files: Files) -> None:
        with serving(files) as server:
            assert server.stop(signal.SIGHUP) == 0


class TestHostileClients:
    def test_clients_that_do_not_use_tls(self, files: Files) -> None:
        with serving(files, "--log-level", "debug") as server:
            plain = server.url.replace("https:", "http:")
            response = httpx.get(plain)
            assert (response.status_code, response.text) == (
                400,
                "This port speaks HTTPS. Use https:// in the URL.\n",
            )
            for data in (b"\x00" * 100, b"\x16\x03\x01\xff\xff" + bytes(70_000), b"\xff\xfe" * 10, os.urandom(1000)):
                with connect(server) as client:
                    client.sendall(b"\x01" + data if data[:1].isalpha() else data)
                    assert b"HTTP" not in read_all(client)
            assert get(server, files).status_code == 200
        assert "RW510" in server.errors
        assert "it uses plain HTTP on a port for HTTPS" in server.errors

    def test_clients_that_leave_in_the_handshake(self, files: Files) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trusting(files).wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        hello = outgoing.read()
        with serving(files) as server:
            for length in range(0, len(hello), 40):
                client = connect(server)
                client.sendall(hello[:length])
                if length % 80:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # reset
                client.close()
            client = connect(server)
            client.sendall(hello)
            assert client.recv(1)
            client.shutdown(socket.SHUT_WR)
            assert read_all(client)
            client.close()
            assert get(server, files).status_code == 200
        assert server.errors.count("\n") <= 1  # a line more would be an error; Twisted may log that the port is closed

    def test_a_slow_handshake_is_cut_off(self, files: Files) -> None:
        with serving(files, "--limit", "head_timeout=0.3") as server:
            clients = [connect(server) for _ in range(20)]
            for number, client in enumerate(clients):
                client.sendall(b"\x16\x03\x01\x02\x00\x01"[: number % 7])
            for client in clients:
                assert read_all(client) == b""
                client.close()
            assert get(server, files).status_code == 200

    def test_half_closed_connections(self, files: Files) -> None:
        """A client that has sent close_notify gets no further bytes, as with Twisted's TLS, and the server continues to
        serve others."""
        with serving(files) as server, connect(server, trusting(files)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
            client.shutdown(socket.SHUT_WR)
            read_all(client)
            assert get(server, files).status_code == 200

    @pytest.mark.parametrize("how", ["close", "reset"])
    def test_clients_that_leave_while_nothing_is_read(self, files: Files, how: str) -> None:
        """When the client leaves, the handler is cancelled, although the server reads nothing: the handler reads no
        body, and the buffers are full."""
        with serving(files) as server:
            client = connect(server, trusting(files))
            client.settimeout(1)
            client.sendall(b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n")
            assert read_line(server.process.stdout) == "unread\n"
            with contextlib.suppress(TimeoutError):
                client.sendall(b"x" * 8_000_000)
            if how == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            assert read_line(server.process.stdout) == "cancelled\n"

    def test_more_connections_than_allowed(self, files: Files) -> None:
        """Connections that have not sent a handshake count for the limit of connections, too."""
        with serving(files, "--limit", "connections=5") as server:
            clients = [connect(server) for _ in range(5)]
            assert get(server, files).status_code == 503
            for client in clients:
                client.close()
            while get(server, files).status_code == 503:
                pass

    def test_no_descriptors_are_left(self, files: Files) -> None:
        with serving(files, "--limit", "connections=1000") as server:
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (40, 40))
            clients = [connect(server) for _ in range(60)]
            for client in clients:
                client.close()
            while True:
                try:
                    assert get(server, files).status_code == 200
                    break
                except (httpx.ConnectError, httpx.ReadError):
                    pass

    def test_many_clients_at_once(self, files: Files) -> None:
        with serving(files) as server:
            context = trusting(files)
            found: list[int] = []

            def ask() -> None:
                with httpx.Client(verify=context, timeout=60) as client:
                    found.extend(client.get(f"{server.url}/").status_code for _ in range(20))

            threads = [Thread(target=ask) for _ in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert found == [200] * 200
        assert len(server.output.splitlines()) == 201  # one line for each request, and one from the stop hook


def run_to_end(files: Files, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ropewalk", "run", "app.py", *files.flags, *more]
    return subprocess.run(
        command, cwd=files.certificate.parent, capture_output=True, text=True, timeout=60, check=False
    )


def test_json_lines_of_the_access_log(files: Files) -> None:
    with serving(files, "--access-log", "json") as server:
        get(server, files)
    (line,) = map(json.loads, re.findall(r"\{.*\}", server.output))  # the app may print on the same line
    assert (line["client"], line["status"]) == ("127.0.0.1", 200)


def test_an_unusable_certificate(files: Files) -> None:
    files.key.write_text("x")
    ended = run_to_end(files, "--port", "0")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"RW425 {files.key}, the TLS key, is not in PEM format.")
