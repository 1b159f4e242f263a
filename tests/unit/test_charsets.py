"""The charsets in which text is read and sent."""

import codecs
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log

from ropewalk import NOT_DONE_YET, App, HTTPError, Request, Resource, Response, Site
from ropewalk.charsets import _LABELS, codec_for, encode, encoder, find_codec, is_utf_8
from ropewalk.errors import HandlerError
from ropewalk.request import PENDING
from ropewalk.testing import Client, ClientResponse, ProtocolError

LATIN = "text/plain; charset=iso-8859-1"
UNKNOWN = "text/plain; charset=klingon"
JAPANESE = "text/plain; charset=iso-2022-jp"
UTF_16 = "text/plain; charset=utf-16"
HERE = "tests/unit/test_charsets.py:"


class TestNames:
    def test_a_name_stands_for_one_codec(self) -> None:
        labels = [label for labels in _LABELS.values() for label in labels.split()]
        assert len(labels) == len(set(labels))
        assert labels == [label.lower() for label in labels]

    @pytest.mark.parametrize("codec", _LABELS)
    def test_python_has_the_codec(self, codec: str) -> None:
        assert codecs.lookup(codec)._is_text_encoding
        assert "a".encode(codec).decode(codec) == "a"

    @pytest.mark.parametrize(
        ("charset", "codec"),
        [
            ("UTF-8", "utf-8"),
            (" Utf8 ", "utf-8"),
            ("latin-1", "iso8859-1"),
            ("windows-1252", "cp1252"),
            ("GB2312", "gbk"),
            ("Shift_JIS", "cp932"),
            ("punycode", None),
            ("", None),
            ("utf-7", None),
        ],
    )
    def test_names(self, charset: str, codec: str | None) -> None:
        assert find_codec(charset) == codec

    def test_of_a_content_type(self) -> None:
        assert codec_for(None) == codec_for("text/html") == codec_for('a/b; Charset="UTF-8"') == "utf-8"
        assert codec_for(LATIN) == "iso8859-1"
        assert (is_utf_8("text/html"), is_utf_8(LATIN), is_utf_8(UNKNOWN)) == (True, False, False)
        what = "RW213 Text cannot be sent as 'text/plain; charset=klingon': the charset 'klingon' is not supported"
        with pytest.raises(HandlerError, match=what):
            codec_for(UNKNOWN)

    def test_what_a_codec_cannot_express(self) -> None:
        what = "RW213 Text with '€' cannot be sent as iso8859-1, which does not have that character. Name utf-8 or no "
        with pytest.raises(HandlerError, match=what):
            encode("1 €", "iso8859-1")
        with pytest.raises(HandlerError, match=what):
            encoder("iso8859-1")("1 €")

    @pytest.mark.parametrize("written", ["iso-8859-1", "ISO-8859-1", "l1", "us-ascii"])
    def test_the_charset_is_named_as_it_was_written(self, written: str) -> None:
        codec = codec_for(f"text/plain; charset={written}")
        what = f"RW213 Text with '€' cannot be sent as {written}, which does not have that character."
        with pytest.raises(HandlerError, match=what):
            encode("1 €", codec)
        with pytest.raises(HandlerError, match=what):
            encoder(codec)("1 €")


def make() -> App:
    """An app that sends text with a charset in every way."""
    app = App()

    def said(path: str, field: str = LATIN) -> Any:
        return app.get(path, content_type=field)

    @said("/route")
    def route(request: Request) -> str:
        return "café"

    @said("/coroutine")
    async def coroutine(request: Request) -> str:
        return "café"

    @said("/waiting")
    async def waiting(request: Request) -> str:
        import asyncio

        await asyncio.sleep(0)
        return "café"

    @said("/generator")
    def generator(request: Request) -> Iterator[str]:
        yield "ca"
        yield "fé"

    @said("/async-generator")
    async def async_generator(request: Request) -> AsyncIterator[str | bytes]:
        yield b"ca"
        yield "fé"

    @app.get("/response")
    def response(request: Request) -> Response:
        return Response("café", content_type=LATIN)

    @app.get("/headers")
    def headers(request: Request) -> Response:
        return Response("café", headers={"Content-Type": LATIN})

    @app.get("/later")
    def later(request: Request) -> Response:
        made = Response("")
        made.headers["content-type"] = LATIN
        made.body = "café"
        return made

    @app.get("/html")
    def html(request: Request) -> Response:
        made = Response.html("café")
        made.headers["content-type"] = LATIN
        return made

    @app.get("/stream")
    def stream(request: Request) -> Response:
        return Response(iter(["ca", "fé"]), content_type=LATIN)

    @app.get("/set-header")
    def set_header(request: Request) -> str:
        request.setHeader("content-type", LATIN)
        return "café"

    @app.get("/set-header-and-stream")
    def set_header_and_stream(request: Request) -> Iterator[str]:
        request.setHeader("content-type", LATIN)
        return iter(["ca", "fé"])

    @app.get("/write")
    def write(request: Request) -> object:
        request.setHeader("content-type", LATIN)
        request.write("ca")
        request.write("fé")
        request.finish()
        return PENDING

    @app.get("/error")
    def error(request: Request) -> None:
        raise HTTPError(404, "café", headers={"content-type": LATIN})

    @app.get("/handled")
    def handled(request: Request) -> None:
        raise LookupError

    @app.error(LookupError)
    def handle(request: Request, error: LookupError) -> Response:
        return Response("café", 404, content_type=LATIN)

    class Plain(Resource):
        content_type = LATIN
        isLeaf = True

        def render_GET(self, request: Request) -> str:
            return "café"

    class Written(Resource):
        isLeaf = True

        def render_GET(self, request: Request) -> int:
            request.setHeader(b"content-type", LATIN.encode())
            request.write("café")
            request.finish()
            return NOT_DONE_YET

    class Dynamic(Resource):
        def getChild(self, name: str, request: Request) -> Resource:
            return Plain()

    app.mount("/resource", Plain())
    app.mount("/written", Written())
    app.mount("/dynamic", Dynamic())
    return app


WAYS = "route coroutine waiting generator async-generator response headers later html stream set-header "
WAYS += "set-header-and-stream write error handled resource written dynamic/x"


class TestSending:
    @pytest.mark.parametrize("way", WAYS.split())
    def test_text_is_what_its_content_type_says(self, way: str, log: Log) -> None:
        response = Client(make()).get(f"/{way}")
        assert (response.headers["content-type"], response.body) == (LATIN, b"caf\xe9")
        assert response.text == "café"
        assert log == []

    @pytest.mark.parametrize("way", ["route", "coroutine", "response", "set-header", "resource", "dynamic/x"])
    def test_the_length_for_HEAD(self, way: str) -> None:
        assert Client(make()).head(f"/{way}").headers["content-length"] == "4"

    @pytest.mark.parametrize("way", ["resource", "written", "dynamic/x"])
    def test_below_a_site(self, way: str) -> None:
        assert Client(Site(make().resource)).get(f"/{way}").body == b"caf\xe9"

    @pytest.mark.parametrize("way", WAYS.split())
    def test_with_middleware(self, way: str) -> None:
        async def passing(request: Request, next: Any) -> Any:
            return await next(request)

        app = make()
        app.middleware(passing)
        assert Client(app).get(f"/{way}").body == b"caf\xe9"

    def test_a_middleware_may_name_the_charset(self) -> None:
        async def latin(request: Request, next: Any) -> Any:
            response = await next(request)
            response.headers["content-type"] = LATIN
            return response

        app = App(middleware=[latin])
        app.get("/")(lambda request: "café")
        assert Client(app).get("/").body == b"caf\xe9"

    def test_bytes_are_sent_as_they_are(self) -> None:
        app = App()
        app.get("/", content_type=UNKNOWN)(lambda request: b"\xff")
        app.get("/response")(lambda request: Response(b"\xff", content_type=UNKNOWN))
        app.get("/stream")(lambda request: Response(iter([b"\xff"]), content_type=UNKNOWN))
        app.get("/file")(lambda request: Response(Path(__file__), content_type=UNKNOWN))
        assert [Client(app).get(path).body for path in ("/", "/response", "/stream")] == [b"\xff"] * 3
        assert Client(app).get("/file").body == Path(__file__).read_bytes()

    @pytest.mark.parametrize(
        ("field", "expected"), [(UTF_16, "é日".encode("utf-16")), (JAPANESE, b"\x1b$BF|K\\\x1b(B")]
    )
    @pytest.mark.parametrize("way", ["whole", "parts", "written"])
    def test_parts_are_one_text(self, field: str, expected: bytes, way: str) -> None:
        """A codec's prefix and suffix are sent once for the whole text."""
        text = "日本" if field == JAPANESE else "é日"
        app = App()

        @app.get("/")
        async def handler(request: Request) -> Any:
            if way == "whole":
                return Response(text, content_type=field)
            if way == "parts":
                return Response(iter(text), content_type=field)
            request.setHeader("content-type", field)
            for part in text:
                request.write(part)
            request.finish()
            return PENDING

        if way == "written":
            app = App()

            class Written(Resource):
                isLeaf = True

                def render_GET(self, request: Request) -> int:
                    request.setHeader("content-type", field)
                    for part in text:
                        request.write(part)
                    request.finish()
                    return NOT_DONE_YET

            app.mount("/", Written())
        assert Client(app).get("/").body == expected

    @pytest.mark.parametrize("status", [200, 204])
    def test_an_empty_text_has_no_byte_order_mark(self, status: int, log: Log) -> None:
        app = App()
        app.get("/whole")(lambda request: Response("", status, content_type=UTF_16))
        app.get("/parts")(lambda request: Response(iter(["", ""]), content_type=UTF_16))

        @app.get("/written")
        def written(request: Request) -> object:
            request.setResponseCode(status)
            request.setHeader("content-type", UTF_16)
            request.write("")
            request.finish()
            return PENDING

        assert [Client(app).get(path).body for path in ("/whole", "/parts", "/written")] == [b"", b"", b""]
        assert log == []

    def test_json_is_utf8(self) -> None:
        app = App()
        app.get("/", content_type=LATIN)(lambda request: {"name": "é"})
        app.get("/said")(lambda request: Response({"name": "é"}, content_type="application/json; charset=UTF-8"))
        response = Client(app).get("/")
        assert (response.headers["content-type"], response.body) == ("application/json", '{"name":"é"}'.encode())
        assert Client(app).get("/said").body == '{"name":"é"}'.encode()


def response_to(value: Any) -> ClientResponse:
    app = App()
    app.get("/")(value)
    return Client(app, raise_errors=False).get("/")


class TestRefusing:
    @pytest.mark.parametrize("field", [UNKNOWN, "text/plain; charset=punycode", "text/html; charset="])
    def test_a_charset_that_is_not_known(self, field: str) -> None:
        """The error names the line that sets the charset."""
        with pytest.raises(HandlerError, match="RW213 Text cannot be sent as"):
            Response("x", content_type=field)
        with pytest.raises(HandlerError, match="RW213 Text cannot be sent as"):
            Response("x", headers={"content-type": field})

    @pytest.mark.parametrize("field", [LATIN, "text/plain; charset=ascii"])
    def test_text_that_does_not_fit(self, field: str) -> None:
        with pytest.raises(HandlerError, match="RW213 Text with '€' cannot be sent as"):
            Response("€", content_type=field)

    @pytest.mark.parametrize("field", ["application/json; charset=iso-8859-1", "text/plain; charset=utf-16", UNKNOWN])
    def test_json_in_another_charset(self, field: str) -> None:
        """JSON is sent as UTF-8 (RFC 8259, section 8.1), so a Content-Type with another charset is refused."""
        with pytest.raises(HandlerError, match="RW213"):
            Response({"name": "é"}, content_type=field)

    def test_json_in_another_charset_by_a_header(self, log: Log) -> None:
        def handler(request: Request) -> Any:
            request.setHeader("content-type", "application/json; charset=iso-8859-1")
            return {"name": "é"}

        assert response_to(handler).status == 500
        assert "JSON cannot be sent as 'application/json; charset=iso-8859-1'. Leave out the charset: JSON" in log.text

    def test_json_in_another_charset_later(self, log: Log) -> None:
        def handler(request: Request) -> Any:
            response = Response.json({"name": "é"})
            response.headers["content-type"] = "application/json; charset=iso-8859-1"
            return response

        assert response_to(handler).status == 500
        assert "RW213 GET /: TestRefusing.test_json_in_another_charset_later" in log.text

    @pytest.mark.parametrize("text", ["x", "€"])
    @pytest.mark.parametrize("way", ["whole", "parts", "written"])
    def test_what_is_known_too_late_is_a_500(self, text: str, way: str, log: Log) -> None:
        def handler(request: Request) -> Any:
            request.setHeader("content-type", UNKNOWN if text == "x" else LATIN)
            if way == "written":
                request.write(text)
            return text if way == "whole" else iter([text])

        response = response_to(handler)
        assert (response.status, response.headers["content-type"]) == (500, "application/problem+json")
        assert len(log) == 1
        assert "RW213 GET /: TestRefusing.test_what_is_known_too_late_is_a_500" in log.text
        assert HERE in log.text

    def test_a_route_whose_charset_is_not_known(self, log: Log) -> None:
        app = App()
        app.get("/", content_type=UNKNOWN)(lambda request: "x")
        assert Client(app, raise_errors=False).get("/").status == 500
        assert (
            f"RW213 GET /: TestRefusing.test_a_route_whose_charset_is_not_known.<locals>.<lambda> at {HERE}" in log.text
        )

    def test_a_later_part_that_does_not_fit_cuts_the_connection(self, log: Log) -> None:
        with pytest.raises(ProtocolError):
            response_to(lambda request: Response(iter(["é", "€"]), content_type=LATIN))
        assert "RW213" in log.text

    def test_an_error_handler_starts_again(self) -> None:
        """The response of the error handler does not keep the charset of the response that failed."""
        app = App()

        @app.get("/")
        def failing(request: Request) -> Any:
            request.setHeader("content-type", LATIN)
            request.write("€")

        @app.error(HandlerError)
        def handle(request: Request, error: HandlerError) -> str:
            return "€"

        response = Client(app, raise_errors=False).get("/")
        assert (response.status, response.text) == (500, "€")

    def test_the_client_of_tests(self) -> None:
        app = App()
        app.get("/")(lambda request: Response(b"x", content_type=UNKNOWN))
        with pytest.raises(LookupError, match="The charset 'klingon' of the response is not known."):
            Client(app).get("/").text  # noqa: B018 - it raises
