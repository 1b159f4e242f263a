"""The requests that the clients send: parameters, bodies, forms, files, cookies and credentials; and redirects."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import flask
import pytest

from ropewalk import App, Request, Response, wsgi
from ropewalk.errors import InvalidField
from ropewalk.testing import AsyncClient, Client, RedirectError


def make() -> App:
    app = App()

    @app.route("/echo", ["GET", "POST", "PUT"])
    async def echo(request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "target": request.target.decode("latin-1"),
            "scheme": request.scheme,
            "headers": request.headers.lines(),
            "body": (await request.body()).decode("latin-1"),
        }

    @app.route("/to", ["GET", "POST", "PUT"])
    async def redirect(request: Request) -> Response:
        await request.body()
        response = Response("", int(request.query.get("status", "302")))
        response.headers["location"] = request.query["at"]
        if "cookie" in request.query:
            response.headers.add("set-cookie", request.query["cookie"])
        return response

    @app.get("/loop")
    def loop(request: Request) -> Response:
        return Response.redirect("/loop")

    @app.get("/times/{n:int}")
    def times(request: Request, n: int) -> Response:
        return Response.redirect(f"/times/{n - 1}" if n > 1 else "/echo")

    return app


def echoed(response: Any) -> dict[str, Any]:
    assert response.status == 200, response.text
    content: dict[str, Any] = response.json()
    content["headers"] = dict(content["headers"])
    return content


class TestTargets:
    @pytest.mark.parametrize(
        ("params", "query"),
        [
            ({"a": 1, "b": ["x y", "é"]}, "?a=1&b=x+y&b=%C3%A9"),
            ([("a", 1), ("a", 2)], "?a=1&a=2"),
            ({"a": True, "b": False, "c": None}, "?a=true&b=false"),
            ("a=%20", "?a=%20"),
            (None, ""),
        ],
    )
    def test_parameters(self, params: Any, query: str) -> None:
        assert echoed(Client(make()).get("/echo", params=params))["target"] == f"/echo{query}"

    def test_parameters_after_a_query(self) -> None:
        client = Client(make())
        assert echoed(client.get("/echo?x=1", params={"a": 1}))["target"] == "/echo?x=1&a=1"
        assert echoed(client.get("/echo?x=1", query={"a": 1}))["target"] == "/echo?x=1&a=1"
        with pytest.raises(TypeError, match="params= and query= mean the same"):
            client.get("/echo", query={"a": 1}, params={"a": 1})

    @pytest.mark.parametrize("base", ["https://api.example.com:8443/v1", "https://api.example.com:8443/v1/"])
    def test_a_base_url(self, base: str) -> None:
        app = App()
        app.mount("/v1", make())
        client = Client(app, base_url=base, headers={"X-Version": "2"})
        for path in ("/echo", "echo", "https://api.example.com:8443/v1/echo#part"):
            response = client.get(path)
            seen = echoed(response)
            assert (seen["target"], seen["scheme"]) == ("/v1/echo", "https")
            assert (seen["headers"]["host"], seen["headers"]["x-version"]) == ("api.example.com:8443", "2")
            assert response.url == "https://api.example.com:8443/v1/echo"

    @pytest.mark.parametrize("base", ["", "example.com", "ftp://example.com", "http://", "http://a/?b=1"])
    def test_a_wrong_base_url(self, base: str) -> None:
        with pytest.raises(ValueError, match="base_url must be like https://example.com"):
            Client(make(), base_url=base)

    def test_a_base_url_that_is_not_secure(self) -> None:
        assert echoed(Client(make(), secure=True).get("/echo"))["scheme"] == "https"
        with pytest.raises(ValueError, match="secure is True"):
            Client(make(), base_url="http://example.com", secure=True)

    @pytest.mark.parametrize("path", ["/\u65e5", "/\ud800", 5, None])
    def test_paths_that_cannot_be_sent(self, path: Any) -> None:
        with pytest.raises(ValueError, match="Percent-encode it with"):
            Client(make()).get(path)

    def test_a_query_that_cannot_be_sent(self) -> None:
        with pytest.raises(ValueError, match="Percent-encode it with"):
            Client(make()).get("/", params="a=\u65e5")


class TestForms:
    def test_a_form(self) -> None:
        seen = echoed(Client(make()).post("/echo", data={"name": "A b", "tags": ["x", "é"], "on": True, "no": None}))
        assert seen["body"] == "name=A+b&tags=x&tags=%C3%A9&on=true"
        assert seen["headers"]["content-type"] == "application/x-www-form-urlencoded"
        assert echoed(Client(make()).post("/echo", data=[("a", 1), ("a", b"\xff")]))["body"] == "a=1&a=%FF"

    def test_files(self, tmp_path: Path) -> None:
        (tmp_path / "large.bin").write_bytes(bytes(200_000))
        opened = io.BytesIO(b"skipped-from here")
        opened.seek(8)
        files: Any = {
            "text": "words",
            "path": tmp_path / "large.bin",
            "named": ('a"b.json', b"{}"),
            "typed": ("é.x", opened, "text/x-special"),
            "unnamed": (None, b"part", "application/json"),
            "several": [b"1", ("2.txt", "2")],
        }
        seen = echoed(Client(make()).post("/echo", data={"field": "väl"}, files=files))
        assert int(seen["headers"]["content-length"]) == len(seen["body"])
        parts = read_multipart(seen)
        assert [(part[0], part[1]) for part in parts] == [
            ('form-data; name="field"', None),
            ('form-data; name="text"; filename="text"', "application/octet-stream"),
            ('form-data; name="path"; filename="large.bin"', "application/octet-stream"),
            ('form-data; name="named"; filename="a%22b.json"', "application/json"),
            ('form-data; name="typed"; filename="é.x"', "text/x-special"),
            ('form-data; name="unnamed"', "application/json"),
            ('form-data; name="several"; filename="several"', "application/octet-stream"),
            ('form-data; name="several"; filename="2.txt"', "text/plain"),
        ]
        contents = ["väl".encode(), b"words", bytes(200_000), b"{}", b"from here", b"part", b"1", b"2"]
        assert [part[2] for part in parts] == contents

    def test_a_file_of_unknown_length_is_sent_in_chunks(self) -> None:
        class Unseekable(io.BytesIO):
            def seekable(self) -> bool:
                return False

        seen = echoed(Client(make()).post("/echo", files=[("a", Unseekable(b"x" * 100_000))]))
        assert seen["headers"]["transfer-encoding"] == "chunked"
        assert read_multipart(seen)[0][2] == b"x" * 100_000

    def test_files_are_read_in_parts(self) -> None:
        sizes: list[int | None] = []

        class Recorded(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                sizes.append(size)
                return super().read(size)

        seen = echoed(Client(make()).post("/echo", files={"a": Recorded(bytes(200_000))}))
        assert len(read_multipart(seen)[0][2]) == 200_000
        assert sizes == [1 << 16] * 5

    def test_flask_reads_them(self) -> None:
        application = flask.Flask(__name__)

        @application.post("/")
        def upload() -> Any:
            file = flask.request.files["a"]
            return [flask.request.form.getlist("b"), file.filename, file.mimetype, len(file.read())]

        class Unseekable(io.BytesIO):
            def seekable(self) -> bool:
                return False

        app = App()
        app.mount("/", wsgi(application))
        for opened in (io.BytesIO(bytes(100_000)), Unseekable(bytes(100_000))):
            response = Client(app).post("/", data={"b": ["1", "ö"]}, files={"a": ("ä.txt", opened)})
            assert response.json() == [["1", "ö"], "ä.txt", "text/plain", 100_000]
        assert Client(app).post("/", files={"b": b""}).status == 400

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"json": 1, "body": b"a"}, "A request has one body, not body= and json=."),
            ({"data": {}, "body": b"a"}, "A request has one body, not body= and data= or files=."),
            ({"data": "a=1"}, "data= is of type str. It must be a form"),
            ({"files": {"a": 1}}, "The file 'a' of files= is of type int"),
            ({"files": {"a": io.StringIO("a")}}, "A file of files= yields str, not bytes. Open it with mode"),
        ],
    )
    def test_wrong_bodies(self, arguments: Any, message: str) -> None:
        with pytest.raises(TypeError) as caught:
            Client(make()).post("/echo", **arguments)
        assert message in str(caught.value)

    def test_a_content_type_with_a_line_break(self) -> None:
        with pytest.raises(InvalidField):
            Client(make()).post("/echo", files={"a": ("a", b"a", "text/plain\r\nx: y")})

    def test_an_iterable_with_a_content_length(self) -> None:
        seen = echoed(Client(make()).post("/echo", body=iter([b"a", b"bc"]), headers={"Content-Length": "3"}))
        assert (seen["headers"]["content-length"], seen["body"]) == ("3", "abc")
        assert "transfer-encoding" not in seen["headers"]


class TestCookies:
    def test_cookies_are_kept_and_sent(self) -> None:
        app = make()

        @app.get("/in")
        def enter(request: Request) -> Response:
            response = Response("in")
            response.set_cookie("session", "abc")
            response.set_cookie("part", "1", path="/part")
            response.set_cookie("safe", "1", secure=True)
            return response

        @app.get("/out")
        def leave(request: Request) -> Response:
            response = Response("out")
            response.delete_cookie("session")
            return response

        client = Client(app, cookies={"theme": "dark"})
        client.get("/in")
        assert dict(client.cookies) == {"part": "1", "theme": "dark", "session": "abc", "safe": "1"}
        with pytest.warns(UserWarning, match="RW256"):
            assert echoed(client.get("/echo"))["headers"]["cookie"] == "theme=dark; session=abc"
        assert echoed(client.get("https://localhost/echo"))["headers"]["cookie"] == "theme=dark; session=abc; safe=1"
        assert "cookie" not in echoed(client.get("/echo", headers={"Host": "other.example"}))["headers"]
        client.get("/out")
        assert echoed(client.get("/echo"))["headers"]["cookie"] == "theme=dark"
        assert "cookie" not in echoed(Client(app).get("/echo"))["headers"]

    def test_cookies_of_one_request(self) -> None:
        client = Client(make(), cookies={"a": "1", "b": "2"})
        assert echoed(client.get("/echo", cookies={"b": "3", "c": "4"}))["headers"]["cookie"] == "a=1; b=3; c=4"
        assert echoed(client.get("/echo"))["headers"]["cookie"] == "a=1; b=2"
        given = client.get("/echo", headers={"Cookie": "x=1"}, cookies={"c": "4"})
        assert echoed(given)["headers"]["cookie"] == "x=1; c=4"
        with pytest.raises(InvalidField):
            client.get("/echo", cookies={"a": "1; b=2"})


class TestSecureCookies:
    def make(self) -> App:
        app = make()

        @app.post("/login")
        def log_in(request: Request) -> Response:
            response = Response("in")
            response.set_cookie("session", "abc", secure=True)
            return response

        return app

    def test_a_warning_names_the_requests_and_the_line_of_the_test(self) -> None:
        client = Client(self.make())
        client.post("/login")
        with pytest.warns(UserWarning, match="RW256") as caught:
            client.get("/echo?a=1")
        (warning,) = caught
        assert str(warning.message) == (
            "RW256: POST /login has set the Secure cookie session over http, so GET /echo is sent without it, as by a "
            "browser. Use HTTPS in the test: Client(app, secure=True)."
        )
        assert warning.filename == __file__
        client.get("/echo")  # a second request gives no second warning

    def test_coroutines(self) -> None:
        async def call() -> None:
            async with AsyncClient(self.make()) as client:
                await client.post("/login")
                await client.get("/echo")

        with pytest.warns(UserWarning, match="RW256") as caught:
            asyncio.run(call())
        assert [each.filename for each in caught] == [__file__]

    def test_the_memory_has_a_bound(self) -> None:
        app = App()

        @app.get("/{name}")
        def show(request: Request, name: str) -> Response:
            response = Response(name)
            response.set_cookie(name, "1", secure=True)
            return response

        client = AsyncClient(app)

        async def calls() -> None:
            for number in range(105):
                await client.get(f"/{number}")
                client.cookies.clear()

        asyncio.run(calls())
        assert len(client._secure_cookies._unsent) == 100

    def test_no_warning(self) -> None:
        secure = Client(self.make(), secure=True)
        secure.post("/login")
        assert echoed(secure.get("/echo"))["headers"]["cookie"] == "session=abc"
        # No warning, because the cookie was set over HTTPS and HTTP correctly lacks it.
        secure.get("http://localhost/echo")
        plain = Client(self.make())
        plain.post("/login")
        plain.get("/echo", headers={"Host": "other.example"})
        plain.get("/echo", headers={"Cookie": "session=abc"})
        plain.get("/echo", cookies={"session": "abc"})


class TestRedirects:
    def test_they_are_followed_if_you_ask(self) -> None:
        client = Client(make())
        assert client.get("/times/2").status == 302
        response = client.get("/times/2", follow_redirects=True)
        assert echoed(response)["target"] == "/echo"
        assert [(each.status, each.url) for each in response.history] == [
            (302, "http://localhost/times/2"),
            (302, "http://localhost/times/1"),
        ]
        assert response.url == "http://localhost/echo"
        following = Client(make(), follow_redirects=True)
        assert following.get("/times/1").status == 200
        assert following.get("/times/1", follow_redirects=False).status == 302
        assert following.get("/echo").history == []

    @pytest.mark.parametrize(
        ("status", "method", "becomes"),
        [
            (301, "POST", "GET"),
            (302, "POST", "GET"),
            (303, "POST", "GET"),
            (303, "PUT", "GET"),
            (301, "PUT", "PUT"),
            (302, "PUT", "PUT"),
            (307, "POST", "POST"),
            (308, "POST", "POST"),
            (307, "GET", "GET"),
        ],
    )
    def test_methods_and_bodies(self, status: int, method: str, becomes: str) -> None:
        client = Client(make(), follow_redirects=True)
        json = None if method == "GET" else {"a": 1}
        seen = echoed(client.request(method, "/to", params={"at": "/echo", "status": status}, json=json))
        assert seen["method"] == becomes
        kept = becomes == method != "GET"
        assert seen["body"] == ('{"a":1}' if kept else "")
        assert ("content-type" in seen["headers"], "content-length" in seen["headers"]) == (kept, kept)

    def test_files_are_sent_again(self) -> None:
        client = Client(make(), follow_redirects=True)
        response = client.post("/to?at=/echo&status=307", files={"a": io.BytesIO(b"again")})
        assert read_multipart(echoed(response))[0][2] == b"again"

    def test_a_body_that_can_be_read_once(self) -> None:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a"

        client = Client(make(), follow_redirects=True)
        for body in (iter([b"a"]), parts()):
            with pytest.raises(RedirectError, match="RW224 POST .*redirected 307: its body .* can be read once"):
                client.post("/to?at=/echo&status=307", body=body)
        assert echoed(client.post("/to?at=/echo&status=303", body=iter([b"a"])))["method"] == "GET"

    @pytest.mark.parametrize(
        ("at", "url"),
        [
            ("echo?a=1#b", "http://localhost/echo?a=1"),
            ("//localhost:80/echo", "http://localhost:80/echo"),
            ("HTTP://LOCALHOST/echo", "http://LOCALHOST/echo"),
        ],
    )
    def test_of_the_same_origin(self, at: str, url: str) -> None:
        client = Client(make(), follow_redirects=True)
        client.login(token="secret")
        response = client.get("/to", params={"at": at}, cookies={"a": "1"})
        assert response.url == url
        headers = echoed(response)["headers"]
        assert (headers["authorization"], headers["cookie"]) == ("Bearer secret", "a=1")

    @pytest.mark.parametrize("at", ["http://other.example/echo", "https://localhost/echo", "http://localhost:81/echo"])
    def test_of_another_origin(self, at: str) -> None:
        client = Client(make(), follow_redirects=True)
        client.login("ada", "secret")
        response = client.get("/to", params={"at": at}, cookies={"a": "1"}, headers={"Cookie": "b=2", "X-A": "1"})
        assert response.url == at
        seen = echoed(response)
        assert f"{seen['scheme']}://{seen['headers']['host']}/echo" == at
        assert not {"authorization", "cookie"} & set(seen["headers"])
        assert seen["headers"]["x-a"] == "1"
        assert "authorization" in echoed(client.get("/echo"))["headers"]

    def test_a_host_field_is_the_origin(self) -> None:
        client = Client(make(), follow_redirects=True)
        client.login(token="secret")
        response = client.get("/to", params={"at": "http://api.example/echo"}, headers={"Host": "api.example"})
        assert echoed(response)["headers"]["authorization"] == "Bearer secret"

    def test_cookies_of_redirects(self) -> None:
        client = Client(make(), follow_redirects=True)
        response = client.get("/to", params={"at": "/echo", "cookie": "a=1; Path=/"})
        assert echoed(response)["headers"]["cookie"] == "a=1"

    def test_a_bound(self) -> None:
        client = Client(make(), follow_redirects=True)
        assert len(client.get("/times/20").history) == 20
        with pytest.raises(RedirectError, match="RW224 http://localhost/loop was redirected 21 times") as caught:
            client.get("/loop")
        assert caught.value.response.status == 302

    @pytest.mark.parametrize("at", ["mailto:a@example.com", "app://callback", "http://[x"])
    def test_a_target_that_is_not_http(self, at: str) -> None:
        with pytest.raises(RedirectError, match="which is not a URL of HTTP"):
            Client(make(), follow_redirects=True).get("/to", params={"at": at})

    @pytest.mark.parametrize(("status", "at"), [(304, "/echo"), (201, "/echo")])
    def test_what_is_not_a_redirect(self, status: int, at: str) -> None:
        response = Client(make(), follow_redirects=True).get("/to", params={"at": at, "status": status})
        assert (response.status, response.history) == (status, [])

    def test_in_a_stream(self) -> None:
        async def run() -> tuple[int, int, bytes]:
            async with (
                AsyncClient(make(), follow_redirects=True) as client,
                await client.stream("GET", "/times/3") as response,
            ):
                body = b"".join([part async for part in response])
                return response.status, len(response.history), body[:10]

        assert asyncio.run(run()) == (200, 3, b'{"method":')


class TestLogin:
    def test_credentials(self) -> None:
        client = Client(make())
        client.login("Aladdin", "open sesame")
        basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        assert echoed(client.get("/echo"))["headers"]["authorization"] == basic
        given = client.get("/echo", headers={"Authorization": "other"})
        assert echoed(given)["headers"]["authorization"] == "other"
        client.login(token="abc")
        assert echoed(client.get("/echo"))["headers"]["authorization"] == "Bearer abc"
        client.logout()
        client.logout()
        assert "authorization" not in echoed(client.get("/echo"))["headers"]

    def test_text_outside_ascii(self) -> None:
        client = Client(make())
        client.login("test", "123£")
        assert client.headers["authorization"] == "Basic dGVzdDoxMjPCow=="

    def test_of_one_request(self) -> None:
        client = Client(make())
        client.login(token="abc")
        basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        found = echoed(client.get("/echo", auth=("Aladdin", "open sesame")))["headers"]["authorization"]
        assert (found, client.headers["authorization"]) == (basic, "Bearer abc")
        with client.stream("GET", "/echo", auth=("Aladdin", "open sesame")) as response:
            assert echoed(response.whole())["headers"]["authorization"] == basic
        with pytest.raises(TypeError, match=r"auth= takes a user and a password, \(user, password\), not 'abc'"):
            client.get("/echo", auth="abc")  # type: ignore[arg-type]

    @pytest.mark.parametrize("arguments", [(), ("ada",), (None, "secret")])
    def test_wrong_arguments(self, arguments: tuple[Any, ...]) -> None:
        with pytest.raises(TypeError, match="login takes a user and a password, or token="):
            Client(make()).login(*arguments)
        with pytest.raises(TypeError, match="login takes"):
            Client(make()).login("a", "b", token="c")
        with pytest.raises(ValueError, match="must not have a colon"):
            Client(make()).login("a:b", "c")
        with pytest.raises(InvalidField):
            Client(make()).login(token="a\r\nb: c")


def read_multipart(seen: dict[str, Any]) -> list[tuple[str, str | None, bytes]]:
    """The Content-Disposition, Content-Type and content of each part."""
    boundary = seen["headers"]["content-type"].partition("boundary=")[2]
    first, *parts, last = seen["body"].encode("latin-1").split(f"--{boundary}".encode())
    assert (first, last) == (b"", b"--\r\n")
    read = []
    for part in parts:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        read.append((lines["Content-Disposition"], lines.get("Content-Type"), content.removesuffix(b"\r\n")))
    return read
