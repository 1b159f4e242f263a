"""Heads of responses, as `start_response` takes them."""

import sys
from collections.abc import Iterator

import pytest
from tests.unit.conftest import Log
from tests.unit.wsgi.applications import TEXT, Wrap, client, plain, responding
from tests.unit.wsgi.responses import begun

from ropewalk.testing import ProtocolError
from ropewalk.wsgi import Environ, StartResponse, thread_response


class TestHead:
    def test_status_and_reason(self, wrap: Wrap) -> None:
        response = client(responding(b"", status="404 Nobody Here"), wrap=wrap).get("/")
        assert (response.status, response.reason) == (404, "Nobody Here")

    def test_lines_of_one_name_stay_apart_and_in_order(self, wrap: Wrap) -> None:
        headers = [TEXT, ("Set-Cookie", "a=1"), ("X-Other", "x"), ("Set-Cookie", "b=2")]
        response = client(responding(b"", headers=headers), wrap=wrap).get("/")
        assert response.headers.all("set-cookie") == ["a=1", "b=2"]

    @pytest.mark.parametrize("lazily", [False, True])
    def test_nothing_is_added(self, *, lazily: bool) -> None:
        application = responding(b"Hello, ", b"World!", headers=[], lazily=lazily)
        assert set(client(application, wrap=plain).get("/").headers) <= {
            "content-length",
            "date",
            "transfer-encoding",
        }

    def test_nothing_is_added_to_a_stream(self) -> None:
        """A response that is not complete when the reactor handles its first part gets no Content-Type. The part is so
        large that the thread waits after it."""
        application = responding(b"x" * (thread_response.AHEAD + 1), b"end", headers=[], lazily=True)
        response = client(application, wrap=plain).get("/")
        assert (len(response.body), "content-type" in response.headers) == (thread_response.AHEAD + 4, False)

    @pytest.mark.parametrize("lazily", [False, True])
    def test_beyond_ascii(self, wrap: Wrap, *, lazily: bool) -> None:
        application = responding(b"Hello", headers=[TEXT, ("X-Name", "caf\xe9")], lazily=lazily)
        assert client(application, wrap=wrap).get("/").headers["x-name"] == "caf\xe9"

    def test_the_list_may_change_after_the_call(self) -> None:
        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            headers = [TEXT]
            start_response("200 OK", headers)
            headers.append(("Connection", "close"))
            return [b""]

        assert "connection" not in client(application, wrap=plain).get("/").headers

    def test_it_may_come_with_the_first_part(self, wrap: Wrap) -> None:
        def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
            start_response("201 Created", [TEXT])
            yield b"Hello"

        assert client(application, wrap=wrap).get("/").status == 201

    def test_another_one_after_an_error(self, wrap: Wrap) -> None:
        def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
            start_response("200 OK", [TEXT, ("X-First", "1")])
            try:
                raise ValueError("too late")
            except ValueError:
                start_response("503 Sorry", [TEXT], sys.exc_info())
            return [b"sorry"]

        response = client(application, wrap=wrap).get("/")
        assert (response.status, response.reason, response.text) == (503, "Sorry", "sorry")
        assert "x-first" not in response.headers

    def test_the_error_where_the_first_one_is_on_its_way(self, wrap: Wrap, log: Log) -> None:
        def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
            start_response("200 OK", [TEXT])
            yield b"Hello"
            try:
                raise ValueError("too late")
            except ValueError:
                start_response("503 Sorry", [TEXT], sys.exc_info())

        with pytest.raises(ProtocolError):
            begun(application, wrap)
        assert "RW208 GET /" in log.text
        assert "ValueError('too late')" in log.text
