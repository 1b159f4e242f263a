"""A Flask application, as users write it."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import flask
import pytest
from tests.unit.conftest import Log

from ropewalk import App
from ropewalk.testing import Client
from ropewalk.wsgi import wsgi

CONTENT = bytes(range(256)) * 10_000


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A Flask site, mounted at /site."""
    (tmp_path / "large").write_bytes(CONTENT)
    site = flask.Flask(__name__, static_folder=str(tmp_path))
    site.secret_key = "secret"

    @site.get("/count")
    def count() -> str:
        flask.session["count"] = flask.session.get("count", 0) + 1
        return f"{flask.session['count']}"

    @site.post("/upload")
    def upload() -> dict[str, str | int]:
        file = flask.request.files["file"]
        content = file.read()
        return {"name": file.filename or "", "note": flask.request.form["note"], "bytes": len(content)}

    @site.post("/digest")
    def digest() -> str:
        return hashlib.sha256(flask.request.stream.read()).hexdigest()

    @site.get("/stream")
    @flask.stream_with_context
    def stream() -> Iterator[str]:
        for number in range(3):
            yield f"{number} {flask.request.path}\n"
            time.sleep(0)

    @site.get("/where")
    def where() -> str:
        return f"{flask.url_for('count')} {flask.url_for('count', _external=True)} {flask.request.url}"

    @site.get("/broken")
    def broken() -> str:
        print("Oh dear", file=flask.request.environ["wsgi.errors"])
        raise LookupError("no such guest")

    app = App()
    app.mount("/site", wsgi(site))
    with Client(app) as client:
        yield client


def test_sessions(client: Client) -> None:
    first = client.get("/site/count")
    cookie = first.headers["set-cookie"].partition(";")[0]
    assert (first.text, client.get("/site/count", headers={"Cookie": cookie}).text) == ("1", "2")


def test_uploads(client: Client) -> None:
    lines = [
        "--rope",
        'Content-Disposition: form-data; name="note"',
        "",
        "café",
        "--rope",
        'Content-Disposition: form-data; name="file"; filename="large"',
        "Content-Type: application/octet-stream",
        "",
        "",
    ]
    body = "\r\n".join(lines).encode() + CONTENT + b"\r\n--rope--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=rope"}
    wanted = {"name": "large", "note": "café", "bytes": len(CONTENT)}
    assert client.post("/site/upload", body=body, headers=headers).json() == wanted
    parts = [body[at : at + 50_000] for at in range(0, len(body), 50_000)]
    assert client.post("/site/upload", body=parts, headers=headers).json() == wanted


@pytest.mark.parametrize("body", [CONTENT, [CONTENT[:1000], CONTENT[1000:]]], ids=["sized", "chunked"])
def test_the_stream_of_a_body(client: Client, body: bytes | list[bytes]) -> None:
    assert client.post("/site/digest", body=body).text == hashlib.sha256(CONTENT).hexdigest()


def test_streams(client: Client) -> None:
    assert client.get("/site/stream").text == "0 /stream\n1 /stream\n2 /stream\n"


def test_files(client: Client, tmp_path: Path) -> None:
    path = f"/site/{tmp_path.name}/large"
    whole = client.get(path)
    assert whole.body == CONTENT
    part = client.get(path, headers={"Range": "bytes=100-199"})
    assert (part.status, part.body) == (206, CONTENT[100:200])
    again = client.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert client.head(path).headers["content-length"] == str(len(CONTENT))


def test_it_knows_where_it_is(client: Client) -> None:
    assert (
        client.get("/site/where?a=%20b").text
        == "/site/count http://localhost/site/count http://localhost/site/where?a=%20b"
    )


def test_what_it_complains_of(client: Client, log: Log) -> None:
    assert client.get("/site/broken").status == 500
    assert [event["text"] for event in log] == ["Oh dear"]


def test_what_is_not_there(client: Client) -> None:
    assert client.get("/site/nowhere").status == 404
    assert client.post("/site/count").status == 405
    assert sorted(client.options("/site/count").headers["allow"].split(", ")) == ["GET", "HEAD", "OPTIONS"]
