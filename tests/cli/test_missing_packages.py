"""If an app needs packages that are not installed, its start and `ropewalk check` name them and the extra."""

import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from tests.packaging.installations import HIDING
from tests.processes import read_line, ropewalk

HEAD = """
from typing import Annotated
import msgspec
from ropewalk import App, Request
from ropewalk.auth import hash_password, verify_password
from ropewalk.forms import FormData, UploadFile
from ropewalk.typed import Form

class Login(msgspec.Struct):
    name: str

class Picture(msgspec.Struct):
    title: str
    image: UploadFile

app = App()
"""
PLACE = f"handle at app.py:{HEAD.count(chr(10)) + 3}"
"""The line of the decorator."""

FORMS = {
    "a model": "def handle(login: Annotated[Login, Form()]) -> str: return login.name",
    "a field": "def handle(name: Annotated[str, Form()]) -> str: return name",
    "the whole form": "def handle(form: FormData) -> str: return form['name']",
    "a method": "async def handle(request): return (await request.form())['name']",
    "a method of an annotated request": "async def handle(asked: Request) -> str: return (await asked.form())['name']",
    "a stream": "async def handle(request): return str([part.name async for part in request.multipart()])",
}

FILES = {
    "a file": "def handle(image: UploadFile) -> str: return image.filename",
    "files": "def handle(images: list[UploadFile]) -> str: return str(len(images))",
    "an optional file": "def handle(image: UploadFile | None = None) -> str: return str(image)",
    "a model with a file": "def handle(picture: Annotated[Picture, Form()]) -> str: return picture.title",
}

PASSWORDS = {
    "verify": "async def handle(request): return str(await verify_password('a', None))",
    "hash": "async def handle(name: str) -> str: return await hash_password(name)",
}

NONE = {
    "no form": "def handle(request): return 'form, multipart, verify_password'",
    "an attribute of another object": "def handle(name: str) -> str: return app.form.multipart",
}


def write_app(folder: Path, handler: str) -> None:
    (folder / "app.py").write_text(f"{HEAD}\n\n@app.post('/')\n{handler}\n")


def check(folder: Path, handler: str, *hidden: str) -> "subprocess.CompletedProcess[str]":
    write_app(folder, handler)
    return check_written(folder, *hidden)


def check_written(folder: Path, *hidden: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PYTHONPATH": str(HIDING), "ROPEWALK_TEST_HIDDEN": " ".join(hidden), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "ropewalk", "check", "app.py"]
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str, tmp_path: Path) -> None:
    result = check(tmp_path, FORMS[name], "multipart")
    assert result.returncode == 0, result.stderr
    line = f"{PLACE} needs the package multipart, which is not installed: some requests will get 500."
    assert f"{line} Run `pip install '/path/to/ropewalk[forms]'`" in result.stdout


@pytest.mark.parametrize("name", FILES)
def test_forms_with_files(name: str, tmp_path: Path) -> None:
    """The app does not start, because without the package its handler could read no form with a file."""
    result = check(tmp_path, FILES[name], "multipart")
    assert result.returncode == 2, result.stdout
    assert "RW278 handle at app.py:" in result.stderr
    assert "has a file. Forms with files need multipart 2, which is not installed." in result.stderr
    assert "/path/to/ropewalk[forms]" in result.stderr


@pytest.mark.parametrize("name", PASSWORDS)
def test_passwords(name: str, tmp_path: Path) -> None:
    result = check(tmp_path, PASSWORDS[name], "argon2")
    assert result.returncode == 0, result.stderr
    assert f"{PLACE} needs the package argon2, which is not installed" in result.stdout
    assert "/path/to/ropewalk[auth]" in result.stdout


@pytest.mark.parametrize("handler", [*NONE.values(), FORMS["a model"], FILES["a file"]])
def test_nothing_is_missing(handler: str, tmp_path: Path) -> None:
    hidden = ("multipart", "argon2") if handler in NONE.values() else ()
    result = check(tmp_path, handler, *hidden)
    assert result.returncode == 0, result.stderr
    assert "not installed" not in result.stdout


def test_the_start_says_it_too(tmp_path: Path) -> None:
    write_app(tmp_path, FORMS["a model"])
    environment = {"PYTHONPATH": str(HIDING), "ROPEWALK_TEST_HIDDEN": "multipart"}
    with ropewalk("run", "app.py", cwd=tmp_path, environment=environment) as server:
        assert "needs the package multipart, which is not installed" in server.banner


def test_the_start_with_json_lines_says_it_too(tmp_path: Path) -> None:
    write_app(tmp_path, FORMS["a model"])
    environment = {"PYTHONPATH": str(HIDING), "ROPEWALK_TEST_HIDDEN": "multipart"}
    with Popen(
        [sys.executable, "-m", "ropewalk", "run", "app.py", "--port", "0", "--log-format", "json"],
        cwd=tmp_path,
        env=os.environ | environment,
        stderr=PIPE,
        text=True,
    ) as server:
        try:
            lines = [json.loads(read_line(server.stderr)) for _ in range(3)]
        finally:
            server.kill()
    assert [line["level"] for line in lines] == ["info", "warn", "warn"]
    assert "needs the package multipart, which is not installed" in lines[-1]["message"]


TEMPLATES = "\nfrom ropewalk.templating import Templates\napp.templates = Templates('.')"
SESSIONS = "\nfrom ropewalk.sessions import *\napp.middleware(sessions(SessionsOptions(secret='s' * 32)))"
REDIS = "\nfrom ropewalk.stores import *\nRedisSessions(RedisServer('redis://127.0.0.1'))"


@pytest.mark.parametrize(
    ("code", "package", "error"),
    [(TEMPLATES, "jinja2", "RW290"), (SESSIONS, "itsdangerous", "RW255"), (REDIS, "redis", "RW237")],
)
def test_what_is_made_with_the_app(code: str, package: str, error: str, tmp_path: Path) -> None:
    result = check(tmp_path, f"{FORMS['a model']}{code}", package)
    assert result.returncode == 2, result.stdout
    assert error in result.stderr


@pytest.mark.parametrize(
    ("code", "package", "remedy"),
    [(TEMPLATES, "jinja2", "templates"), (SESSIONS, "itsdangerous", "sessions"), (REDIS, "redis", "redis")],
)
def test_the_error_has_no_traceback(code: str, package: str, remedy: str, tmp_path: Path) -> None:
    result = check(tmp_path, f"{FORMS['a model']}{code}", package)
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") == 2  # the message, and the command that explains its code
    assert f"/path/to/ropewalk[{remedy}]'`" in result.stderr


def test_all_that_is_missing_at_once(tmp_path: Path) -> None:
    """One message names all missing packages: also those for modules that were not imported yet, and for code after the
    line that fails."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__init__.py").write_text("")
    (tmp_path / "app/web.py").write_text(
        "from ropewalk import App\nfrom ropewalk.templating import Templates\napp = App()\n"
        "app.templates = Templates('.')\nfrom . import login\nimport app.calls\n"
    )
    (tmp_path / "app/login.py").write_text(
        "from ropewalk import auth\nfrom ropewalk.sessions import SessionsOptions as Options\n"
        "def hashed(word): return auth.hash_password(word)\noptions = Options(secret='s' * 32)\n"
    )
    (tmp_path / "app/calls.py").write_text("import ropewalk.client\nclient = ropewalk.client.HTTPClient()\n")
    (tmp_path / "app.py").unlink(missing_ok=True)
    environment = {"PYTHONPATH": str(HIDING), "ROPEWALK_TEST_HIDDEN": "jinja2 argon2 itsdangerous httpx2"}
    command = [sys.executable, "-m", "ropewalk", "check", "app/web.py"]
    result = subprocess.run(
        command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 2, result.stdout
    assert "RW415 app/web.py cannot be imported (app/web.py:4): RW290 " in result.stderr
    for use in (
        "Templates at app/web.py:4 needs the package jinja2",
        "hash_password at app/login.py:3 needs the package argon2",
        "SessionsOptions at app/login.py:4 needs the package itsdangerous",
        "HTTPClient at app/calls.py:2 needs the package httpx2",
    ):
        assert use in result.stderr
    assert result.stderr.count("pip install") == 1
    assert "Run `pip install '/path/to/ropewalk[auth,client,sessions,templates]'`" in result.stderr


CLIENT = "from ropewalk import App\nfrom ropewalk.client import HTTPClient, HTTPClientOptions\napp = App()\n"


@pytest.mark.parametrize(
    "code", ["client = HTTPClient()", "def client(): return HTTPClient(HTTPClientOptions(base_url='http://a'))"]
)
def test_the_client(code: str, tmp_path: Path) -> None:
    """`HTTPClient` imports its package at the first call, so the app starts without the package, with a caution."""
    (tmp_path / "app.py").write_text(f"{CLIENT}{code}\n")
    result = check_written(tmp_path, "httpx2")
    assert result.returncode == 0, result.stderr
    line = "HTTPClient at app.py:4 needs the package httpx2, which is not installed: some requests will get 500."
    assert f"{line} Run `pip install '/path/to/ropewalk[client]'`" in result.stdout


def test_warnings_of_the_program_are_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "always")
    (tmp_path / "app.py").write_text(f"{CLIENT}client = HTTPClient()\npattern = '\\d'\n")
    result = check_written(tmp_path, "httpx2")
    assert "HTTPClient at app.py:4 needs" in result.stdout
    assert "<unknown>" not in result.stderr


@pytest.mark.parametrize(
    ("code", "hidden"),
    [
        ("client = HTTPClient()", ""),
        ("client = HTTPClient(app=App())", "httpx2"),
        ("client = HTTPClient(HTTPClientOptions(back_end='twisted'))", "httpx2"),
        ("def call(client: HTTPClient): pass", "httpx2"),
    ],
)
def test_clients_that_need_no_package(code: str, hidden: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(f"{CLIENT}{code}\n")
    result = check_written(tmp_path, hidden)
    assert result.returncode == 0, result.stderr
    assert "not installed" not in result.stdout


def test_one_command_for_all_packages_that_requests_need(tmp_path: Path) -> None:
    handler = "async def handle(request): return str(await verify_password((await request.form())['a'], None))"
    result = check(tmp_path, handler, "multipart", "argon2")
    assert (
        f"{PLACE} needs the package multipart, which is not installed: some requests will get 500.\n" in result.stdout
    )
    assert result.stdout.count("pip install") == 1
    assert "Run `pip install '/path/to/ropewalk[auth,forms]'`" in result.stdout
