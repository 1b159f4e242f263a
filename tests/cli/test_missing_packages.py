"""What the start and `ropewalk check` say if an app needs packages that are not installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.packaging.installations import HIDING
from tests.processes import ropewalk

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
    """They can never be served, so the app does not start."""
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
