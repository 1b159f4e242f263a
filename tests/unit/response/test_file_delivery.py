"""Files by condition and by range (RFC 9110, sections 13 to 15), however a handler returns them."""

import os
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from ropewalk import App, Request, Response
from ropewalk.errors import ExchangeError
from ropewalk.middleware import CORSOptions, conditional, cors
from ropewalk.open_files import open_file
from ropewalk.response import ExactResponse
from ropewalk.testing import Client, ClientResponse

TEXT = bytes(range(256)) * 40
SIZE = len(TEXT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(TEXT)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


def serve(value: Any, *middleware: Any) -> Client:
    app = App(middleware=middleware)

    @app.get("/")
    @app.post("/")
    def handler(request: Request) -> Any:
        return value

    return Client(app)


def get(value: Any, **fields: str) -> ClientResponse:
    return serve(value).get("/", headers={name.replace("_", "-"): each for name, each in fields.items()})


def parts_of(response: ClientResponse) -> list[tuple[str, str, bytes]]:
    """The type, the range and the bytes of each part of a multipart body."""
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message: Any = message_from_bytes(head + response.body)
    assert not message.defects
    return [(each["content-type"], each["content-range"], each.get_payload(decode=True)) for each in message.walk()][1:]


class TestConditions:
    def test_the_validators(self, file: Path) -> None:
        response = get(file)
        assert response.headers["last-modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
        assert response.headers["accept-ranges"] == "bytes"
        tag = response.headers["etag"]
        assert tag.startswith('"')
        assert get(Response.file(file)).headers["etag"] == tag

    def test_the_tag_changes_with_the_file(self, file: Path) -> None:
        tags = [get(file).headers["etag"]]
        os.utime(file, ns=(1, 1_000_000_000_000_000_001))
        tags.append(get(file).headers["etag"])
        file.write_bytes(TEXT[1:])
        os.utime(file, (1_000_000_000, 1_000_000_000))
        tags.append(get(file).headers["etag"])
        other = file.with_name("other")
        other.write_bytes(TEXT)
        os.utime(other, (1_000_000_000, 1_000_000_000))
        other.rename(file)  # of the same size and time
        tags.append(get(file).headers["etag"])
        file.write_bytes(TEXT[2:] + b"x")  # in the same inode, of the same size and time
        os.utime(file, (1_000_000_000, 1_000_000_000))
        tags.append(get(file).headers["etag"])
        assert len(set(tags)) == 5

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_304(self, file: Path, method: str) -> None:
        client = serve(Response.file(file, headers={"cache-control": "no-cache", "vary": "accept"}))
        tag = client.get("/").headers["etag"]
        response = client.request(method, "/", headers={"if-none-match": tag})
        assert (response.status, response.body, response.headers["etag"]) == (304, b"", tag)
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["vary"] == "accept"
        assert {"content-type", "content-length", "accept-ranges"}.isdisjoint(response.headers)

    def test_412_keeps_the_fields_of_middleware(self, file: Path) -> None:
        options = CORSOptions(origins=["https://a.example"])
        fields = {"if-match": '"x"', "origin": "https://a.example"}
        value = Response.file(file, headers={"cache-control": "max-age=9"}, download="a.bin")
        response = serve(value, cors(options)).get("/", headers=fields)
        assert response.status == 412
        assert response.headers["access-control-allow-origin"] == "https://a.example"
        kept = {"cache-control", "etag", "last-modified", "content-disposition", "accept-ranges"}
        assert kept.isdisjoint(response.headers)
        assert response.headers["content-type"] == "text/plain; charset=utf-8"

    def test_fields_of_the_handler_are_kept(self, file: Path) -> None:
        response = get(Response.file(file, headers={"etag": '"own"', "last-modified": "x"}), if_none_match='"own"')
        assert (response.status, response.headers["etag"], response.headers["last-modified"]) == (304, '"own"', "x")

    def test_other_statuses_and_methods_have_no_conditions(self, file: Path) -> None:
        fields = {"if-none-match": "*", "range": "bytes=0-1", "if-match": '"x"'}
        response = serve(Response(file, 404)).get("/", headers=fields)
        assert (response.status, response.body) == (404, TEXT)
        response = serve(file).post("/", headers=fields)
        assert (response.status, response.body) == (200, TEXT)
        assert "accept-ranges" not in response.headers

    def test_a_hosted_application_handles_them_itself(self, file: Path) -> None:
        response = get(ExactResponse(file), if_match='"x"', range="bytes=0-1")
        assert (response.status, response.body) == (200, TEXT)
        assert {"etag", "last-modified", "accept-ranges"}.isdisjoint(response.headers)

    def test_with_the_middleware(self, file: Path) -> None:
        client = serve(file, conditional())
        tag = client.get("/").headers["etag"]
        assert client.get("/", headers={"if-none-match": tag}).status == 304
        assert client.get("/", headers={"range": "bytes=0-1"}).body == TEXT[:2]
        # The middleware makes weak tags, which If-Range never matches.
        assert client.get("/", headers={"range": "bytes=0-1", "if-range": tag}).status == 200


class TestRanges:
    @pytest.mark.parametrize(
        ("value", "start", "stop"),
        [("bytes=0-0", 0, 1), ("bytes=5-99", 5, 100), ("bytes=10000-", 10000, SIZE), ("bytes=-7", SIZE - 7, SIZE)],
    )
    def test_one(self, file: Path, value: str, start: int, stop: int) -> None:
        response = get(Response.file(file, content_type="a/b"), range=value)
        assert (response.status, response.body) == (206, TEXT[start:stop])
        assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{SIZE}"
        assert response.headers["content-length"] == str(stop - start)
        assert response.headers["content-type"] == "a/b"
        assert {"etag", "last-modified", "accept-ranges"} <= set(response.headers)

    def test_several(self, file: Path) -> None:
        response = get(Response.file(file, content_type="a/b"), range="bytes=9000-9004, 0-1, -2")
        assert response.status == 206
        assert response.headers["content-type"].startswith("multipart/byteranges; boundary=")
        assert response.headers["content-length"] == str(len(response.body))
        assert "content-range" not in response.headers
        assert parts_of(response) == [
            ("a/b", f"bytes 9000-9004/{SIZE}", TEXT[9000:9005]),
            ("a/b", f"bytes 0-1/{SIZE}", TEXT[:2]),
            ("a/b", f"bytes {SIZE - 2}-{SIZE - 1}/{SIZE}", TEXT[-2:]),
        ]

    def test_several_large_ones(self, file: Path) -> None:
        data = os.urandom(3_000_000)
        file.write_bytes(data)
        response = get(file, range="bytes=1-1000000,2000000-2900000")
        parts = [part for _, _, part in parts_of(response)]
        assert b"".join(parts) == data[1:1_000_001] + data[2_000_000:2_900_001]

    def test_unsatisfiable(self, file: Path) -> None:
        response = get(file, range=f"bytes={SIZE}-")
        assert (response.status, response.headers["content-range"]) == (416, f"bytes */{SIZE}")
        assert {"etag", "last-modified", "accept-ranges"}.isdisjoint(response.headers)

    def test_of_an_empty_file(self, file: Path) -> None:
        file.write_bytes(b"")
        for value in ("bytes=0-", "bytes=-5"):
            response = get(file, range=value)
            assert (response.status, response.headers["content-length"]) == (200, "0")

    @pytest.mark.parametrize("value", ["items=0-1", "bytes=5-4", "bytes=0-," * 200, "x"])
    def test_ignored(self, file: Path, value: str) -> None:
        response = get(file, range=value)
        assert (response.status, response.body) == (200, TEXT)

    def test_head_has_no_ranges(self, file: Path) -> None:
        """RFC 9110, section 14.2: a Range counts for GET only."""
        response = serve(file).head("/", headers={"range": "bytes=0-1"})
        assert (response.status, response.headers["content-length"]) == (200, str(SIZE))

    def test_if_range(self, file: Path) -> None:
        response = get(file)
        for name in ("etag", "last-modified"):
            assert get(file, range="bytes=0-1", if_range=response.headers[name]).status == 206
        for value in ('"x"', f"W/{response.headers['etag']}", "Sun, 09 Sep 2001 01:46:41 GMT", "x"):
            assert get(file, range="bytes=0-1", if_range=value).status == 200

    def test_conditions_come_first(self, file: Path) -> None:
        tag = get(file).headers["etag"]
        assert get(file, range="bytes=0-1", if_none_match=tag).status == 304
        assert get(file, range=f"bytes={SIZE}-", if_none_match=tag).status == 304
        assert get(file, range="bytes=0-1", if_match='"x"').status == 412
        assert get(file, range=f"bytes={SIZE}-", if_range='"x"').status == 200

    def test_a_length_of_the_handler(self, file: Path) -> None:
        value = Response.file(file, headers={"content-length": str(SIZE)})
        assert get(value, range="bytes=0-1").headers["content-length"] == "2"
        assert len(parts_of(get(value, range="bytes=0-1,9000-9001"))) == 2

    @pytest.mark.parametrize("value", ["bytes=0-1,9000-9500", "bytes=9000-9500", "bytes=9100-9500"])
    def test_a_file_that_becomes_shorter(self, file: Path, value: str) -> None:
        opened = open_file(file)
        os.truncate(file, 9001)
        with pytest.raises(ExchangeError, match=r"RW307 .*: A file became shorter while it was sent. Replace files by"):
            get(Response(opened), range=value)

    def test_refused_by_the_handler(self, file: Path) -> None:
        assert get(Response.file(file, headers={"accept-ranges": "none"}), range="bytes=0-1").status == 200

    def test_the_same_response_again(self, file: Path) -> None:
        value = Response.file(file)
        for _ in range(2):
            assert get(value, range="bytes=0-1").body == TEXT[:2]
            assert get(value, range="bytes=0-1,9000-9001").status == 206
            assert get(value).body == TEXT
