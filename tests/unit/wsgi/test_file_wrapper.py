"""`wsgi.file_wrapper`."""

import gzip
import io
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from tests.unit.conftest import Log
from tests.unit.wsgi.applications import TEXT, client, plain
from tests.unit.wsgi.test_thread_response import middled

from ropewalk.testing import Client
from ropewalk.wsgi import Environ, FileWrapper, StartResponse

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of 256,000 bytes."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


class Sending:
    """An application that sends the file that `open_file` opens."""

    def __init__(self, open_file: Callable[[], Any], *headers: tuple[str, str], status: str = "200 OK") -> None:
        self.open_file = open_file
        self.headers = headers
        self.status = status
        self.file: Any = None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Any:
        self.file = self.open_file()
        start_response(self.status, [TEXT, *self.headers])
        wrapper = environ["wsgi.file_wrapper"](self.file, 1000)
        assert isinstance(wrapper, FileWrapper)
        return wrapper


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many blocks were read from a wrapper."""
    asked = [0]
    original = FileWrapper.__next__

    def count(self: FileWrapper) -> bytes:
        asked[0] += 1
        return original(self)

    monkeypatch.setattr(FileWrapper, "__next__", count)
    return lambda: asked[0]


class TestSentByTheEngine:
    def test_a_file(self, path: Path, blocks: Callable[[], int]) -> None:
        application = Sending(lambda: path.open("rb"))
        response = client(application, wrap=plain).get("/")
        assert response.body == CONTENT
        assert response.headers["content-length"] == str(len(CONTENT))
        assert "last-modified" not in response.headers
        assert blocks() == 0

    def test_the_rest_of_it(self, path: Path, blocks: Callable[[], int]) -> None:
        def rest() -> BinaryIO:
            file = path.open("rb")
            file.seek(1000)
            return file

        assert client(Sending(rest), wrap=plain).get("/").body == CONTENT[1000:]
        assert blocks() == 0

    def test_as_many_bytes_as_content_length_says(self, path: Path, blocks: Callable[[], int]) -> None:
        response = client(Sending(lambda: path.open("rb"), ("Content-Length", "10")), wrap=plain).get("/")
        assert response.body == CONTENT[:10]
        assert blocks() == 0

    def test_after_its_end(self, path: Path) -> None:
        def at_end() -> BinaryIO:
            file = path.open("rb")
            file.seek(len(CONTENT) + 5)
            return file

        assert client(Sending(at_end), wrap=plain).get("/").body == b""

    @pytest.mark.parametrize(
        "open_file",
        [
            lambda path: path.open("rb", buffering=0),
            lambda path: path.open("r+b"),
            lambda path: io.FileIO(path),
        ],
    )
    def test_of_every_plain_kind(self, path: Path, blocks: Callable[[], int], open_file: Any) -> None:
        assert client(Sending(lambda: open_file(path)), wrap=plain).get("/").body == CONTENT
        assert blocks() == 0

    def test_what_has_just_been_written(self, blocks: Callable[[], int]) -> None:
        def written() -> Any:
            file = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
            file.write(b"Hello, World!")
            file.seek(7)
            file.write(b"Space!")
            file.seek(0)
            return file

        assert client(Sending(written), wrap=plain).get("/").text == "Hello, Space!"

    def test_head(self, path: Path, blocks: Callable[[], int]) -> None:
        response = client(Sending(lambda: path.open("rb")), wrap=plain).head("/")
        assert (response.status, response.headers["content-length"]) == (200, str(len(CONTENT)))
        assert blocks() == 0

    def test_it_is_closed(self, path: Path) -> None:
        application = Sending(lambda: path.open("rb"))
        asked = client(application, wrap=plain)
        asked.get("/")
        with asked:
            pass
        assert application.file.closed

    def test_a_file_that_is_too_short(self, path: Path, log: Log) -> None:
        application = Sending(lambda: path.open("rb"), ("Content-Length", "999999"))
        assert client(application, wrap=plain).get("/").status == 500
        assert "RW303 GET /" in log.text
        assert "The file has 256000 bytes, and Content-Length says 999999." in log.text


class TestReadBlockByBlock:
    @pytest.mark.parametrize("size", [0, 1, 1000, 2500])
    def test_what_is_no_file_of_the_system(self, size: int) -> None:
        assert client(Sending(lambda: io.BytesIO(CONTENT[:size])), wrap=plain).get("/").body == CONTENT[:size]

    def test_what_reads_a_file_in_a_way_of_its_own(self, tmp_path: Path, blocks: Callable[[], int]) -> None:
        packed = tmp_path / "file.gz"
        packed.write_bytes(gzip.compress(CONTENT))
        assert client(Sending(partial(gzip.open, packed)), wrap=plain).get("/").body == CONTENT
        assert blocks() > 0

    def test_a_pipe(self) -> None:
        def pipe() -> BinaryIO:
            reading, writing = os.pipe()
            with os.fdopen(writing, "wb") as end:
                end.write(b"Hello")
            return os.fdopen(reading, "rb")

        assert client(Sending(pipe), wrap=plain).get("/").text == "Hello"

    def test_a_file_inside_another_iterable(self, path: Path) -> None:
        assert client(Sending(lambda: path.open("rb"))).get("/").body == CONTENT

    def test_within_middleware(self, path: Path) -> None:
        response = Client(middled(Sending(lambda: path.open("rb")), "middleware")).get("/")
        assert response.body == CONTENT

    def test_after_what_was_written(self, path: Path) -> None:
        def application(environ: Environ, start_response: StartResponse) -> Any:
            start_response("200 OK", [TEXT])(b"Hello")
            return environ["wsgi.file_wrapper"](path.open("rb"))

        assert client(application, wrap=plain).get("/").body == b"Hello" + CONTENT

    def test_a_text_file(self, path: Path, log: Log) -> None:
        path.write_text("Hello")
        assert client(Sending(path.open), wrap=plain).get("/").status == 500
        assert "A part of the body is 'Hello', not bytes." in log.text

    def test_where_there_is_no_body(self, path: Path, log: Log) -> None:
        application = Sending(lambda: path.open("rb"), status="304 Not Modified")
        assert client(application, wrap=plain).get("/").status == 304

    def test_something_without_close(self) -> None:
        class Reader:
            left = 3

            def read(self, size: int) -> bytes:
                self.left -= 1
                return b"x" * size if self.left else b""

        assert client(Sending(Reader), wrap=plain).get("/").body == b"x" * 2000
