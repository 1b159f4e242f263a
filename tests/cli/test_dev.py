"""`ropewalk dev` in real processes: restarts, errors, and how everything ends."""

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from tests.processes import EXAMPLES, Server, ropewalk

from ropewalk.cli.dev import FLAGS_OF_RUN_ONLY, dev
from ropewalk.cli.run import run as run_command

if TYPE_CHECKING:
    from tests.certificates import Files

pytest.importorskip("watchfiles")
pytestmark = pytest.mark.slow

HELLO = """\
from ropewalk import App

app = App()


@app.get("/")
def hello() -> str:
    return "VERSION"
"""

DEADLINE = 60.0
"""Seconds after which a test gives up."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hello.py").write_text(HELLO, encoding="utf-8")
    return tmp_path


@contextmanager
def developing(folder: Path, *arguments: str, target: str = "hello.py") -> Iterator[Server]:
    with ropewalk("dev", target, *arguments, cwd=folder) as server:
        yield server
    assert group_of(server) == []


def group_of(server: Server) -> list[int]:
    """The ids of the supervisor's child processes that still run. These include orphans, which the supervisor has
    adopted."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text(encoding="utf-8")
        except OSError:
            continue
        if f"PPid:\t{server.process.pid}\n" in text and "State:\tZ" not in text:
            found.append(int(status.parent.name))
    return found


def get(server: Server, path: str = "/", accept: str = "text/plain") -> tuple[int, str]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=DEADLINE)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def until(check: Callable[[], bool]) -> None:
    """Repeat requests until one has the expected response."""
    waiting = Event()
    for _ in range(int(DEADLINE / 0.05)):
        if check():
            return
        waiting.wait(0.05)
    raise AssertionError("The expected response has not come.")


def save(folder: Path, text: str, name: str = "hello.py") -> None:
    """Save as editors do: write another file, then rename it."""
    (folder / f".{name}.tmp").write_text(text, encoding="utf-8")
    (folder / f".{name}.tmp").replace(folder / name)


def test_new_code_is_served_and_no_request_is_lost(folder: Path) -> None:
    with developing(folder) as server:
        assert "hello.py:app" in server.banner
        assert f"Watches {folder}" in server.banner
        outcomes: list[object] = []
        done = Event()

        def request() -> None:
            while not done.is_set():
                try:
                    outcomes.append(get(server)[0])
                except OSError as error:
                    outcomes.append(error)

        client = Thread(target=request)
        client.start()
        for number in range(10):
            save(folder, HELLO.replace("VERSION", f"version {number}"))
            until(lambda text=f"version {number}": get(server)[1] == text)  # type: ignore[misc]
        done.set()
        client.join()
        assert set(outcomes) == {200}


def test_an_error_is_a_page_until_the_next_save(folder: Path) -> None:
    with developing(folder) as server:
        save(folder, HELLO + "def broken(:\n")
        until(lambda: get(server)[0] == 500)
        status, page = get(server, "/any", "text/html")
        assert status == 500
        assert "SyntaxError" in page
        assert "<mark>" in page
        save(folder, HELLO.replace("VERSION", "again"))
        until(lambda: get(server) == (200, "again"))
    assert "RW415 hello.py cannot be imported" in server.errors


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("import os\nos._exit(3)\n", "exited with status 3"),
        ("import sys\nsys.exit('enough')\n", "SystemExit"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
        ("import nothing_of_this_name\n", "nothing_of_this_name"),
        (HELLO + "@app.on_start\ndef start():\n    raise LookupError('no database')\n", "no database"),
    ],
)
def test_a_program_that_does_not_start(folder: Path, code: str, part: str) -> None:
    with developing(folder) as server:
        save(folder, code)
        until(lambda: get(server)[0] == 500)
        assert part in get(server)[1]
        save(folder, HELLO)
        until(lambda: get(server) == (200, "VERSION"))


def test_a_program_that_blocks_at_its_import(folder: Path) -> None:
    with developing(folder) as server:
        save(folder, "import threading\nthreading.Event().wait()\n")
        save(folder, HELLO.replace("VERSION", "after"))
        until(lambda: get(server) == (200, "after"))
        save(folder, "import threading\nthreading.Event().wait()\n")
        get(server)


def test_a_killed_worker_is_replaced(folder: Path) -> None:
    (folder / "hello.py").write_text(HELLO.replace('"VERSION"', "str(__import__('os').getpid())"), encoding="utf-8")
    with developing(folder) as server:
        first = get(server)[1]
        os.kill(int(first), signal.SIGKILL)
        until(lambda: get(server)[1] != first)
    assert "RW313 The worker was killed by SIGKILL. Another one starts in 0.5 s." in server.errors


def test_workers_end_with_a_killed_supervisor(folder: Path) -> None:
    (folder / "hello.py").write_text(HELLO.replace('"VERSION"', "str(__import__('os').getpid())"), encoding="utf-8")
    with ropewalk("dev", "hello.py", cwd=folder) as server:
        worker = Path("/proc") / get(server)[1]
        server.process.kill()
        server.process.wait()
        until(lambda: not worker.exists() or "State:\tZ" in (worker / "status").read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(folder: Path, number: signal.Signals) -> None:
    with developing(folder) as server:
        get(server)
        workers = group_of(server)
        assert workers
        assert server.stop(number) == 0
        assert not any((Path("/proc") / str(each)).exists() for each in workers)
        assert "Traceback" not in server.errors


def test_settings_are_read_again(folder: Path) -> None:
    (folder / "ropewalk.toml").write_text("[limits]\nbody_size = 1000\n", encoding="utf-8")
    with developing(folder) as server:
        (folder / "ropewalk.toml").write_text("[limits]\nbody_siz = 1000\n", encoding="utf-8")
        until(lambda: get(server)[0] == 500)
        assert "body_siz" in get(server)[1]
        (folder / "ropewalk.toml").write_text("[limits]\nbody_size = 2000\n", encoding="utf-8")
        until(lambda: get(server)[0] == 200)


LOGGING = (
    HELLO
    + """

@app.get("/rooms/{id}")
def room(request, id: str) -> str:
    import logging
    import time

    logging.getLogger("hotel").warning("shown", extra={"token": "hush", "iban": "DE02"})
    time.sleep(0.5)
    return ""
"""
)


def log_of(folder: Path, *arguments: str) -> tuple[str, str]:
    """Return the standard output and error of a server after one request. The request has secrets in its target, and
    its handler blocks the event loop."""
    (folder / "hello.py").write_text(LOGGING, encoding="utf-8")
    with developing(folder, *arguments) as server:
        assert get(server, "/rooms/5?token=hush&iban=DE02&a=1")[0] == 200
        assert server.stop() == 0
    return server.output, server.errors


def test_the_log_has_the_fields_of_the_request_and_the_watchdog_is_on(folder: Path) -> None:
    output, errors = log_of(folder)
    assert "/rooms/5?token=[redacted]&iban=DE02&a=1" in output
    shown = next(line for line in errors.splitlines() if "shown" in line)
    assert all(part in shown for part in ("warn ", "method=GET", "path=/rooms/5", "token=[redacted]", "[hotel]"))
    assert "RW306 GET /rooms/{id}, room at hello.py:11, has blocked the reactor for " in errors


def test_the_flags_for_logs(folder: Path) -> None:
    template = "--access-log-template={method} {target} {status}"
    output, errors = log_of(folder, "--log-format=json", "--log-redact=iban", "--watchdog=0", template)
    assert output == "GET /rooms/5?token=[redacted]&iban=[redacted]&a=1 200\n"
    shown = next(line for line in errors.splitlines() if '"shown"' in line)
    assert '"path":"/rooms/5"' in shown
    assert '"iban":"[redacted]"' in shown
    assert "now runs" not in errors


def test_more_names_of_secrets(folder: Path) -> None:
    output, errors = log_of(folder, "--log-redact=iban")
    assert "/rooms/5?token=[redacted]&iban=[redacted]&a=1" in output
    assert "DE02" not in output + errors


def test_fields_of_the_access_log_and_a_log_of_errors(folder: Path) -> None:
    output, errors = log_of(folder, "--access-log-fields=path,status", "--log-level=error")
    assert output == '{"path":"/rooms/5","status":200}\n'
    assert "shown" not in errors


def test_many_files_at_once_and_a_folder_that_is_removed(folder: Path) -> None:
    package = folder / "project"
    package.mkdir()
    (package / "hello.py").write_text(HELLO, encoding="utf-8")
    with developing(folder, "--reload-dir", "project", target="project/hello.py") as server:
        for number in range(1000):
            (package / f"module_{number}.py").touch()
        (package / "hello.py").write_text(HELLO.replace("VERSION", "many"), encoding="utf-8")
        until(lambda: get(server)[1] == "many")
        shutil.rmtree(package)
        until(lambda: get(server)[0] in (200, 500))
        package.mkdir()
        (package / "hello.py").write_text(HELLO.replace("VERSION", "back"), encoding="utf-8")
        until(lambda: get(server)[1] == "back")


def test_the_hotel(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "hotel", tmp_path / "hotel", ignore=shutil.ignore_patterns("__pycache__"))
    with developing(tmp_path, target="hotel") as server:
        file = tmp_path / "hotel" / "service.py"
        file.write_text(file.read_text(encoding="utf-8").replace('"1.0"', '"1.0.1"'), encoding="utf-8")
        until(lambda: '"1.0.1"' in get(server, "/openapi.json")[1])


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ropewalk", "dev", *arguments]
    environment = os.environ | {"NO_COLOR": "1", "PYTHONWARNINGS": "error"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=DEADLINE)


def test_a_port_in_use(folder: Path) -> None:
    with developing(folder) as server:
        port = server.url.rpartition(":")[2]
        ended = run(folder, "hello.py", "--port", port)
        assert ended.returncode == 2
        assert re.match(rf"RW502 tcp:{port}:.*cannot be listened on: Address already in use", ended.stderr)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["none.py", "--port", "0"], "RW411 There is no file none.py."),
        (["hello.py:none", "--port", "0"], "RW413"),
        (["hello.py", "--editor", "vscod"], "RW310"),
        (["hello.py", "--listen", "unix:/tmp/x.sock"], "RW311"),
        (["hello.py", "--access-log", "json"], "No such option"),
        (["hello.py", "--redirect-target-port", "443"], "No such option"),
        (["hello.py", "--reload-dir", "none"], "none"),
    ],
)
def test_wrong_arguments(folder: Path, arguments: list[str], part: str) -> None:
    ended = run(folder, *arguments)
    assert ended.returncode == 2
    assert part in ended.stderr
    assert "Traceback" not in ended.stderr


def test_https_with_one_certificate_for_all_workers(folder: Path) -> None:
    pytest.importorskip("OpenSSL")
    import ssl

    with ropewalk("dev", "hello.py", "--tls-self-signed", cwd=folder) as server:
        host, _, port = server.url.removeprefix("https://").rpartition(":")
        first = ssl.get_server_certificate((host, int(port)))
        with developing(folder):  # a second `ropewalk dev` must not replace the certificate of the first
            pass
        save(folder, HELLO.replace("VERSION", "new"))
        assert ssl.get_server_certificate((host, int(port))) == first


def tls_get(server: Server, trusted: Path | None, client: "Files | None" = None) -> int:
    """The status of a response over HTTPS. Any certificate is accepted if none is trusted."""
    import ssl

    context = ssl.create_default_context(cafile=trusted)
    if trusted is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default since Python 3.13
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    connection = http.client.HTTPSConnection(server.url.removeprefix("https://"), context=context, timeout=DEADLINE)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def test_certificates_of_clients(folder: Path) -> None:
    pytest.importorskip("OpenSSL")
    from tests.certificates import make_authority, make_files

    authority = make_authority("Partners")
    (folder / "partners.pem").write_text(authority.pem, encoding="utf-8")
    client = make_files(folder, authority=authority, name="client")
    with developing(folder, "--tls-self-signed", "--tls-client-ca", "partners.pem") as server:
        assert "a self-signed certificate" in server.banner
        with pytest.raises(OSError, match="(?i)certificate|reset|closed"):
            tls_get(server, None)
        assert tls_get(server, None, client) == 200
    optional = ("--tls-client-ca", "partners.pem", "--tls-client-certificates", "optional")
    with developing(folder, "--tls-self-signed", *optional) as server:
        assert tls_get(server, None) == 200


def test_the_local_authority(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("OpenSSL")
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "share"))
    with developing(folder, "--tls-local-authority") as server:
        authority = folder / "share" / "ropewalk" / "authority.pem"
        assert f"the local authority {authority}" in server.banner
        assert tls_get(server, authority) == 200


REACHING_WORKERS = {
    *("target", "config", "host", "port", "listen", "half_close", "limits", "watchdog"),
    *("trusted_proxy", "proxy_headers", "proxy_host", "proxy_protocol", "compress"),
    *("log_level", "log_format", "log_redact", "access_log_template", "access_log_fields"),
    *("tls_certificate", "tls_key", "tls_minimum_version", "tls_self_signed", "tls_local_authority"),
    *("tls_client_ca", "tls_client_certificates"),
    *("wsgi", "asgi", "wsgi_threads"),
}
"""The parameters of `ropewalk run` that have an effect in workers of `ropewalk dev`. A worker reads the command line
itself, except that the supervisor opens the sockets, and makes or finds the certificates."""


def test_each_flag_of_run_works_or_is_refused() -> None:
    of_run, of_dev = ({each.name for each in command.params} for command in (run_command, dev))
    assert of_run == REACHING_WORKERS | {*FLAGS_OF_RUN_ONLY}
    assert REACHING_WORKERS.isdisjoint(FLAGS_OF_RUN_ONLY)
    own = {"reload_dir", "reload_include", "reload_exclude", "refresh", "editor"}
    assert of_dev == REACHING_WORKERS | own


def test_run_does_not_import_the_development_server(folder: Path) -> None:
    code = "import sys, ropewalk.cli; print([name for name in sys.modules if name.startswith('ropewalk.dev')])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=DEADLINE)
    assert ended.stdout == "[]\n"
