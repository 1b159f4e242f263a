"""The forms of the log and of the access log of a real process, and the libraries that write to the log."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.standalone import QUIET, standalone
from tests.processes import SECONDS_TO_STOP, Server, ropewalk

pytestmark = pytest.mark.slow

APP = """
import logging
import warnings
import structlog
from twisted.logger import Logger
from ropewalk import App
from ropewalk.auth import APIKey, authenticate
from ropewalk.middleware import request_id

twisted, standard, struct = Logger(namespace="by.twisted"), logging.getLogger("by.logging"), structlog.get_logger()
key = authenticate(APIKey("x-api-key", check=lambda given: {"sub": "ada"}), optional=True)
app = App(middleware=[request_id(), key])

@app.get("/rooms/{id}")
async def room(request, id: int):
    request.log(room=id, pin_token="1234")
    twisted.info("a {number}", number=1)
    standard.info("b\\nforged", extra={"password": "hunter2"})
    struct.info("c", floor=2)
    warnings.warn("d")
    return "room"

@app.get("/fail")
def fail(request):
    raise ValueError("bad")

def by_wsgi(environ, start_response):
    standard.info("in a thread")
    start_response("200 OK", [])
    return [b"wsgi"]

async def by_asgi(scope, receive, send):
    standard.info("in a task")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"asgi"})

if __name__ == "__main__":
    import sys
    from ropewalk.logs import LogOptions
    from ropewalk.server import run
    logs = LogOptions(format="json", access_template="{path} {status} {room}", redact=("floor",))
    run(app, listen=[sys.argv[1]], logs=logs)
"""

WARNINGS = {"PYTHONWARNINGS": "default"}
KEY = {"x-api-key": "k"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "served.py").write_text(APP)
    return tmp_path


def get(server: Server, *paths: str) -> list[httpx.Response]:
    with httpx.Client(base_url=server.url) as client:
        return [client.get(path, headers=KEY) for path in paths]


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json(folder: Path) -> None:
    fields = "time,method,path,query,route,user,request_id,status,seconds,room,pin_token,header:x-api-key"
    flags = ("--log-format", "json", "--access-log-fields", fields)
    with ropewalk("run", "served.py:app", *flags, cwd=folder, environment=WARNINGS) as server:
        room, _ = get(server, "/rooms/5?token=x&a=1", "/fail")
    assert [line["message"] for line in objects(server.banner)] == [f"Serving on {server.url}"]
    a, b, c, d, failed = objects(server.errors)
    for line in (a, b, c, d):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["time"])
        assert (line["method"], line["path"], line["route"], line["user"]) == ("GET", "/rooms/5", "/rooms/{id}", "ada")
        assert line["request_id"] == room.headers["x-request-id"]
        assert (line["room"], line["pin_token"]) == (5, "[redacted]")
        assert 0 <= line["duration"] < SECONDS_TO_STOP
    assert (a["logger"], a["message"], a["number"]) == ("by.twisted", "a 1", 1)
    assert (b["logger"], b["message"], b["password"]) == ("by.logging", "b\nforged", "[redacted]")
    assert (c["logger"], c["message"], c["floor"]) == ("served", "c", 2)
    assert (d["logger"], d["level"]) == ("py.warnings", "warn")
    assert failed["path"] == "/fail"
    assert failed["exception"]["type"] == "ValueError"
    assert "raise ValueError" in failed["exception"]["traceback"]
    first, second = objects(server.output)
    assert list(first) == fields.replace("header:", "").split(",")
    assert (first["query"], first["user"], first["room"], first["status"]) == ("token=[redacted]&a=1", "ada", 5, 200)
    assert (first["pin_token"], first["x-api-key"]) == ("[redacted]", "[redacted]")
    assert first["request_id"] == room.headers["x-request-id"]
    assert (second["route"], second["room"], second["status"]) == ("/fail", None, 500)


def test_the_console_and_a_template(folder: Path) -> None:
    template = "{method} {target} {{{route}}} {status} {room}"
    flags = ("--log-format", "console", "--access-log-template", template, "--log-redact", "none")
    with ropewalk("run", "served.py:app", *flags, cwd=folder, environment=WARNINGS) as server:
        get(server, "/rooms/5?token=x", "/rooms/x")
    line = next(line for line in server.errors.splitlines() if " a 1 " in line)
    assert re.search(r"^[\d:.]{12} info     a 1 request_id=[0-9a-f]{32} method=GET path=/rooms/5 ", line)
    assert "pin_token=1234" in line
    assert "\x1b" not in server.errors
    assert "b\\nforged" in server.errors
    assert server.output.splitlines() == ["GET /rooms/5?token=x {/rooms/{id}} 200 5", "GET /rooms/x {-} 404 -"]


def test_the_default_forms(folder: Path) -> None:
    with ropewalk("run", "served.py:app", cwd=folder, environment=WARNINGS) as server:
        get(server, "/rooms/5?token=x")
    assert re.search(r"^\S+ \[by.logging#info\] b\n\tforged$", server.errors, re.MULTILINE)
    assert '"GET /rooms/5?token=[redacted] HTTP/1.1" 200 4 ' in server.output


def test_json_of_the_access_log_has_the_fields_of_handlers(folder: Path) -> None:
    with ropewalk("run", "served.py:app", "--access-log", "json", cwd=folder) as server:
        get(server, "/rooms/5")
    (line,) = objects(server.output)
    assert line["request"] == "GET /rooms/5 HTTP/1.1"
    assert list(line)[-2:] == ["room", "pin_token"]
    assert line["room"] == 5


@pytest.mark.parametrize(("interface", "message"), [("wsgi", "in a thread"), ("asgi", "in a task")])
def test_hosted_applications(folder: Path, interface: str, message: str) -> None:
    flags = (f"--{interface}", "--log-format", "json", "--log-level", "info")
    with ropewalk("run", f"served.py:by_{interface}", *flags, cwd=folder) as server:
        assert get(server, "/some/path")[0].text == interface
    line = next(each for each in objects(server.errors) if each["message"] == message)
    assert (line["method"], line["path"]) == ("GET", "/some/path")


def test_app_run(folder: Path) -> None:
    command = (sys.executable, "-W", "error", "served.py", "{listen}")
    with standalone(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert b"500 " in server.get("/rooms/5")  # the warning is an error
        assert b"500 " in server.get("/fail")
        server.process.terminate()
        output, errors = server.process.communicate(timeout=SECONDS_TO_STOP)
    assert output.splitlines() == ["/rooms/5 500 5", "/fail 500 -"]
    lines = {line["message"]: line for line in objects(errors)}
    assert lines["b\nforged"]["password"] == "hunter2"
    assert lines["c"]["floor"] == "[redacted]"


def test_a_wrong_template_of_app_run(folder: Path) -> None:
    (folder / "served.py").write_text(APP.replace("{path} {status}", "{path {status"))
    command = (sys.executable, "served.py", "tcp:0")
    failed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_TO_STOP, check=False)
    assert "RW331 The template of the access log is wrong" in failed.stderr


def test_remarks_at_the_start_are_objects_too(folder: Path) -> None:
    command = (*QUIET, "run", "served.py:app", "--log-format", "json", "--listen", "{listen}")
    environment = os.environ | {"ROPEWALK_LOG": "x"}
    with standalone(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
        server.get("/fail")
        server.process.terminate()
        _, errors = server.process.communicate(timeout=SECONDS_TO_STOP)
    warnings = [line["message"] for line in objects(errors.decode()) if line["level"] == "warn"]
    (warning,) = warnings
    assert warning.startswith("ROPEWALK_LOG is not a setting of Ropewalk, and is ignored.")


def test_both_a_template_and_fields(folder: Path) -> None:
    flags = ("--access-log-template", "{path}", "--access-log-fields", "path")
    command = (*QUIET, "run", "served.py:app", *flags)
    failed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_TO_STOP, check=False)
    assert failed.returncode == 2
    assert "--access-log-template and --access-log-fields are set. Leave out one of them." in failed.stderr


SITE = """
import logging
import sys
from twisted.internet import endpoints, reactor
from twisted.python import log
from twisted.web.resource import Resource
from twisted.web.server import Site

CONFIGURE
logging.info("early")
logging.warning("careful")
if BEGIN:
    log.startLogging(open("twisted.log", "w"), setStdout=False)
endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(Site(Resource()))

def end():
    logging.info("late")
    reactor.stop()

reactor.callWhenRunning(end)
reactor.run()
"""


class TestExec:
    def run(self, folder: Path, *flags: str, begins: bool, configure: str = "") -> str:
        (folder / "site.py").write_text(SITE.replace("BEGIN", f"{begins}").replace("CONFIGURE", configure))
        command = (*QUIET, "exec", "--quiet", *flags, "./site.py")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_TO_STOP, check=True)
        assert done.stdout == ""
        return done.stderr

    def test_records_go_to_the_log_of_the_program(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, begins=True) == "careful\n"
        logged = (tmp_path / "twisted.log").read_text()
        assert logged.count("late") == 1
        assert "early" not in logged  # `startLogging` discards earlier events, also those of Twisted

    def test_without_a_log_warnings_are_shown_as_under_python(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, begins=False) == "careful\n"

    def test_a_form_shows_the_log(self, tmp_path: Path) -> None:
        errors = self.run(tmp_path, "--log-format", "json", begins=False)
        shown, _, lines = errors.partition("\n")
        assert shown == "careful"
        messages = [line["message"] for line in objects(lines)]
        assert [text for text in messages if text in ("early", "careful", "late")] == ["early", "careful", "late"]

    def test_a_configuration_of_the_program_stays(self, tmp_path: Path) -> None:
        configure = 'logging.basicConfig(format="own %(message)s")'
        assert self.run(tmp_path, begins=True, configure=configure) == "own careful\n"
        assert "careful" not in (tmp_path / "twisted.log").read_text()
