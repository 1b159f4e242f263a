"""Responses that a handler writes by itself."""

import pytest
from tests.unit.conftest import Log

from ropewalk import App, HTTPError, Request
from ropewalk.testing import Client


class TestWriting:
    def test_a_write_after_the_end_is_a_clear_error(self, log: Log) -> None:
        app = App()

        @app.get("/")
        async def handler(request: Request) -> None:
            request.write("all")
            request.finish()
            request.write("more")

        assert Client(app, raise_errors=False).get("/").text == "all"
        assert "RW301" in log.text
        assert ": The response is complete already." in log.text

    def test_finish_twice(self, log: Log) -> None:
        app = App()

        @app.get("/")
        async def handler(request: Request) -> None:
            request.finish()
            request.finish()

        assert Client(app, raise_errors=False).get("/").status == 200
        assert ": `finish` was called after the end of the response." in log.text

    def test_an_error_when_the_head_is_out_cuts_the_connection(self, log: Log) -> None:
        from ropewalk.testing import ProtocolError

        app = App()

        @app.get("/")
        async def handler(request: Request) -> None:
            request.write("begun")
            raise HTTPError(404)

        with pytest.raises(ProtocolError):
            Client(app, raise_errors=False).get("/")
        assert "RW208 GET /: " in log.text

    def test_early_hints(self) -> None:
        """A handler can send 103 Early Hints (RFC 8297) before its response."""
        app = App()

        @app.get("/")
        async def handler(request: Request) -> str:
            request.interim(103, [("link", "</style.css>; rel=preload")])
            return "page"

        response = Client(app).get("/")
        assert response.text == "page"
        assert [(status, headers["link"]) for status, headers in response.interim] == [
            (103, "</style.css>; rel=preload")
        ]
