"""Bodies of a wrong length (RFC 9112, section 6.3), of a wrong type, or where none is allowed (RFC 9110, 6.4.1)."""

import re

import pytest
from tests.problems import problem
from tests.wire.output import bodies
from tests.wire.output.conftest import Careless, assert_logged, request

WHOLE = {
    "whole": "whole",
    "whole-bytes": "whole_bytes",
    "json": "json",
    "prepared": "prepared",
    "http-error": "http_error",
    "by-the-engine": "by_the_engine",
}
"""Handlers that return the whole response, by path."""

STREAMED = {
    "parts": "parts",
    "one-part": "one_part",
    "async-parts": "async_parts",
    "begun": "begun",
    "written": "Written.render_GET",
}
"""Handlers whose head is sent before the wrong length is detected."""

SIZES = (0, bodies.SAID - 1, bodies.SAID + 1, 100)


class TestLengths:
    @pytest.mark.parametrize("path", WHOLE)
    def test_of_whole_responses(self, careless: Careless, path: str) -> None:
        """No head was sent: the client gets a 500, and the connection is kept."""
        sizes = [size for size in SIZES if size or path not in ("json", "http-error")]
        answers = careless.responses(*(request(f"/bodies/{path}?size={size}") for size in sizes))
        assert [(response.status, response.text) for response in answers] == [(500, problem(500))] * len(sizes)
        logged = careless.log()
        assert len(logged) == len(sizes)
        for entry in logged:
            assert_logged(entry, "RW303", f"/bodies/{path}", WHOLE[path])

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_of_a_file(self, careless: Careless, method: str) -> None:
        (response,) = careless.responses(request("/bodies/file", method))
        assert response.status == 500
        (entry,) = careless.log()
        assert_logged(entry, "RW303", "/bodies/file", "file")

    def test_of_a_response_that_is_finished_unwritten(self, careless: Careless) -> None:
        (response,) = careless.responses(request("/bodies/finished-only"))
        assert response.status == 500
        (entry,) = careless.log()
        assert_logged(entry, "RW303", "/bodies/finished-only", "FinishedOnly.render_GET")

    @pytest.mark.parametrize("version", ["1.0", "1.1"])
    @pytest.mark.parametrize("size", SIZES[1:])
    @pytest.mark.parametrize("path", STREAMED)
    def test_of_streams(self, careless: Careless, path: str, size: int, version: str) -> None:
        """The head was sent: the connection is closed, and no later response is read as the rest of the body."""
        head, _, body = careless.cut(request(f"/bodies/{path}?size={size}", version=version)).partition(b"\r\n\r\n")
        assert head == b"" or re.search(rb"\r\ncontent-length: 4(\r\n|$)", head.lower())
        assert len(body) <= bodies.SAID
        assert body.strip(b"x") == b""
        (entry,) = careless.log()
        assert_logged(entry, "RW303", f"/bodies/{path}", STREAMED[path])

    @pytest.mark.parametrize("size", SIZES)
    def test_of_what_is_written_when_the_handler_has_returned(self, careless: Careless, size: int) -> None:
        """Twisted logs uncaught exceptions; the exception names the handler that made the mistake."""
        received = careless.cut_or_500(request(f"/bodies/written-later?size={size}"))
        assert received.partition(b"\r\n\r\n")[2].strip(b"x") == b""
        entries = [entry for entry in careless.logged() if "RW303" in entry]
        assert len(entries) == 1
        assert "RW303 WrittenLater.render_GET at tests/wire/output/bodies.py:" in entries[0]
        assert "Leave Content-Length to the engine, or correct it." in entries[0]

    @pytest.mark.parametrize("path", ["parts", "one-part", "async-parts", "written", "written-later", "finished-only"])
    def test_of_responses_to_head(self, careless: Careless, path: str) -> None:
        """RFC 9110, section 9.3.2: no body is sent, and the Content-Length is kept."""
        (response,) = careless.responses(request(f"/bodies/{path}?size=3", "HEAD"))
        assert (response.status, response.field("content-length")) == (200, "4")

    @pytest.mark.parametrize(
        "path",
        [
            "whole",
            "whole-bytes",
            "prepared",
            "http-error",
            "parts",
            "one-part",
            "async-parts",
            "written",
            "written-later",
        ],
    )
    def test_right_ones(self, careless: Careless, path: str) -> None:
        (response,) = careless.responses(request(f"/bodies/{path}?size={bodies.SAID}"))
        assert response.status in (200, 404)
        assert len(response.body) == bodies.SAID


class TestNoBody:
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("way", ["whole", "json", "file", "parts", "prepared", "written"])
    @pytest.mark.parametrize("status", [204, 205, 304])
    def test_where_there_can_be_none(self, careless: Careless, status: int, way: str, method: str) -> None:
        path = f"/bodies/none/{status}/{way}"
        (response,) = careless.responses(request(path, method))
        assert response.status == 500
        (entry,) = careless.log()
        handler = "NoneWritten.render_GET" if way == "written" else f"none_{way}"
        assert_logged(entry, "RW201", path, handler, f"status {status}", "Leave it out, or choose another status.")


class TestWhatIsNoBody:
    @pytest.mark.parametrize("name", [name for name in bodies.no_bodies if name != "NUL in a path"])
    def test_before_the_head(self, careless: Careless, name: str) -> None:
        path = f"/bodies/no-body/{name.replace(' ', '%20')}"
        (response,) = careless.responses(request(path))
        assert (response.status, response.text) == (500, problem(500))
        (entry,) = careless.log()
        line = entry.partition("\n")[0]
        assert re.match(r"RW(201|208|210|212) ", line)
        assert f" {path}: " in line
        assert "no_body at tests/wire/output/bodies.py:" in line

    def test_a_path_with_a_nul(self, careless: Careless) -> None:
        """The path may come from the client, so the response is a 404."""
        (response,) = careless.responses(request("/bodies/no-body/NUL%20in%20a%20path"))
        assert response.status == 404

    @pytest.mark.parametrize("number", range(5))
    def test_what_is_written(self, careless: Careless, number: int) -> None:
        (response,) = careless.responses(request(f"/bodies/nothing-writable?number={number}"))
        assert response.status == 500
        (entry,) = careless.log()
        assert_logged(entry, "RW201", "/bodies/nothing-writable", "NothingWritable.render_GET", "Write ")

    @pytest.mark.parametrize("name", ["int", "None", "surrogate", "list"])
    def test_after_the_head(self, careless: Careless, name: str) -> None:
        received = careless.cut(request(f"/bodies/later-part/{name}"))
        assert not received.endswith(b"0\r\n\r\n")
        (entry,) = careless.log()
        assert_logged(entry, "RW201", f"/bodies/later-part/{name}", "later_part", "Write ")

    def test_a_response_takes_another_body(self, careless: Careless) -> None:
        responses = careless.responses(*(request(f"/bodies/changed-body/{number}") for number in (0, 1, 3)))
        assert [response.text for response in responses] == ['{"a":1}', "", "bytes"]
        (response,) = careless.responses(request("/bodies/changed-body/2"))
        assert response.status == 500
        (entry,) = careless.log()
        assert_logged(entry, "RW201", "/bodies/changed-body/2", "changed_body")
