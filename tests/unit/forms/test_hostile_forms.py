"""Hostile forms over HTTP: each gets a clear 4xx, however it is read; nothing is logged, and memory is bounded."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from tests.unit.conftest import Log
from tests.unit.forms.bodies import TYPE, body, field, file, part
from tests.unit.forms.test_costs import HOSTILE, MEBIBYTE, peak_of
from tests.unit.forms.test_multipart import MALFORMED, SAMPLE

from ropewalk import App, Request
from ropewalk.forms import UploadFile
from ropewalk.testing import Client, ClientResponse
from ropewalk.typed import Form

WAYS = ("/form", "/stream", "/model", "/plain", "/session")


class Model(msgspec.Struct):
    a: str = ""
    file: UploadFile | None = None


@pytest.fixture(scope="module")
def client() -> Client:
    """An app that reads forms in every way."""
    from ropewalk.sessions import SessionsOptions, sessions

    app = App()

    @app.post("/form")
    async def form(request: Request) -> str:
        read = await request.form()
        return f"{len(read)} {len(read.files)}"

    @app.post("/stream")
    async def stream(request: Request) -> str:
        return str(sum([len(await each.read()) async for each in request.multipart()]))

    @app.post("/model")
    def model(model: Annotated[Model, Form()]) -> str:
        return model.a

    @app.post("/plain")
    async def plain(request: Request) -> str:
        await request.body(64 * MEBIBYTE)
        return str(len(await request.form()))

    inner = App(middleware=[sessions(SessionsOptions(secret="s" * 32))])
    inner.post("/")(lambda request: "not called")
    app.mount("/session", inner)
    return Client(app, secure=True)


def send(client: Client, path: str, data: bytes, kind: str = TYPE) -> ClientResponse:
    """Send a form. At /session, only the middleware reads it, to find the token."""
    headers = {"content-type": kind, "accept": "application/json"}
    if path == "/session":
        headers["cookie"] = "__Host-session=x"
    return client.post(path, headers=headers, body=data)


def assert_refused(response: ClientResponse, statuses: tuple[int, ...] = (400,)) -> None:
    assert response.status in statuses, response.text
    problem = response.json()
    assert problem["status"] == response.status
    assert problem["detail"].endswith(".")
    assert "Traceback" not in response.text


@pytest.mark.parametrize("path", WAYS)
@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_forms(name: str, path: str, client: Client, log: Log) -> None:
    response = send(client, path, MALFORMED[name])
    if path == "/stream" and name.startswith("text that is not"):
        assert response.status == 200  # the content of a part is bytes
    else:
        assert_refused(response)
    assert log == []


@pytest.mark.parametrize("path", WAYS)
def test_a_form_that_ends_at_any_byte(path: str, client: Client, log: Log) -> None:
    whole = SAMPLE.removesuffix(b"\r\n")
    for length in range(len(whole)):
        assert_refused(send(client, path, whole[:length]))
    assert log == []


BOUNDARIES = [
    "",
    "; boundary=",
    "; boundary=a; boundary=b",
    f"; boundary={'a' * 71}",
    "; boundary=a*b",
    "; boundary=%00",
]


@pytest.mark.parametrize("path", WAYS)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_malformed_boundaries(boundary: str, path: str, client: Client, log: Log) -> None:
    assert_refused(send(client, path, SAMPLE, f"multipart/form-data{boundary}"))
    assert log == []


LARGE = {
    "10,000 fields": body(*[field("a", "")] * 10_000),
    "10,000 files": body(*[file("a", "a", b"")] * 10_000),
    "a long name": body(field("a" * 5000, "")),
    "a long file name": body(file("a", "a" * 1000, b"x")),
    "many header lines": body(part('; name="a"', b"x", *[f"A{number}: b" for number in range(100)])),
}


@pytest.mark.parametrize("path", WAYS)
@pytest.mark.parametrize("name", LARGE)
def test_forms_over_a_limit(name: str, path: str, client: Client, log: Log) -> None:
    assert_refused(send(client, path, LARGE[name]), (413,))
    assert log == []


@pytest.mark.parametrize("path", [path for path in WAYS if path != "/plain"])  # it allows large bodies
@pytest.mark.parametrize("name", HOSTILE)
def test_memory(name: str, path: str, client: Client, log: Log) -> None:
    """The body exceeds the limit of the engine, so only a small part of it is kept in memory."""
    data = HOSTILE[name]

    def ask() -> None:
        response = send(client, path, data)
        assert response.status in (400, 403, 413), response.text

    assert peak_of(ask) < len(data) + 6 * MEBIBYTE  # the client has a copy of the body
    assert log == []


NESTED = "".join(f'--{level}\r\nContent-Type: multipart/mixed; boundary="{level + 1}"\r\n\r\n' for level in range(200))


@pytest.mark.parametrize("path", WAYS)
def test_nested_forms(path: str, client: Client, log: Log) -> None:
    data = body(part('; name="a"', NESTED.encode(), 'Content-Type: multipart/mixed; boundary="0"'))
    assert_refused(send(client, path, data))
    assert log == []


NAMES = [
    *("../../etc/passwd", "/etc/passwd", "..", ".", "a/..", "....//....//etc/passwd", "..;/x", "~/.ssh/id_rsa"),
    *(r"..\..\boot.ini", r"C:\windows\win.ini", r"\\host\share\x", "C:x", "file:///etc/passwd", "a.png/../../x"),
    *("CON", "NUL", "aux.txt", "COM1", "LPT1.png", "a.txt::$DATA", "a.txt.", "a.txt ", " a", "-rf", ".htaccess"),
    *(
        "%2e%2e%2fx",
        "..%2fx",
        "%00",
        "..%c0%afx",
        "\u2025/x",
        "\uff0e\uff0e\uff0fx",
        "a\u202egpj.exe",
        "é" * 120,
        "x" * 250,
    ),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_name_does_not_leave_its_folder(name: str, client: Client, tmp_path: Path, log: Log) -> None:
    """The file is saved in its folder even if the program makes the mistake of using the name as a path."""
    app = App()
    folder = tmp_path / "uploads"
    folder.mkdir()

    @app.post("/")
    async def save(file: UploadFile) -> str:
        if not file.filename:
            return "none"
        await file.save(folder / file.filename)
        return file.filename

    escaped = name.replace('"', "%22")
    response = Client(app).post("/", headers={"content-type": TYPE}, body=body(_file_of(escaped)))
    assert response.status == 200, response.text
    assert {each.parent for each in tmp_path.rglob("*") if each.is_file()} <= {folder}
    assert "/" not in response.text
    assert "\\" not in response.text
    assert response.text not in (".", "..")
    assert log == []


@pytest.mark.parametrize("name", ["a\0b", "\0", "a\nb", "a\rb", "a%0Ab", "a%0D%0Ab", "a\x7fb", "a\x1b[2Jb"])
def test_a_file_name_with_control_characters_is_refused(name: str, client: Client, log: Log) -> None:
    for path in WAYS:
        assert_refused(send(client, path, body(_file_of(name))))
    assert log == []


def _file_of(name: str) -> bytes:
    return part(f'; name="file"; filename="{name}"', b"content")


def test_the_ways_work(client: Client, log: Log) -> None:
    """The paths accept a valid form, so the tests above get refusals because of the form. At /session, the token is
    missing.
    """
    data = body(field("a", "1"), file("file", "a", b"x"))
    found: list[Any] = [send(client, path, data).status for path in WAYS]
    assert found == [200, 200, 200, 200, 403]
    assert log == []
