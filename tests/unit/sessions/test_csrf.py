"""Which requests are refused, because a page of another site may have sent them."""

from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.sessions.apps import site
from tests.unit.sessions.conftest import SECRET

from ropewalk import App, Request, Response, UploadFile
from ropewalk.asgi import asgi
from ropewalk.errors import HandlerError
from ropewalk.middleware import Next, idempotency
from ropewalk.sessions import CSRFOptions, SessionsOptions, csrf, csrf_token, sessions
from ropewalk.stores import MemorySessions
from ropewalk.testing import Client
from ropewalk.wsgi import wsgi

ORIGIN = "https://hotel.example"
DEFAULT = CSRFOptions()
FORM = {"content-type": "application/x-www-form-urlencoded"}


def client_of(csrf: CSRFOptions | None = DEFAULT, base_url: str = ORIGIN) -> Client:
    """A client with a session."""
    app = site(SessionsOptions(store=MemorySessions(), csrf=csrf))

    @app.get("/token")
    def token(request: Request) -> str:
        return csrf_token(request)

    client = Client(app, base_url=base_url)
    client.post("/login/guest", headers={"sec-fetch-site": "same-origin"})
    return client


def status(client: Client, headers: Any, path: str = "/set/a/1", **more: Any) -> int:
    return client.post(path, headers=headers, **more).status


def with_readers(client: Client) -> Client:
    """The client, with handlers that read the body in each way, and return its size."""
    app = client.app

    @app.post("/form")
    async def form(up: UploadFile) -> Response:
        return Response(str(up.size))

    @app.post("/multipart")
    async def multipart(request: Request) -> Response:
        size = 0
        async for part in request.multipart():
            async for data in part:
                size += len(data)
        return Response(str(size))

    @app.post("/body")
    async def body(request: Request) -> Response:
        return Response(str(len(await request.body())))

    @app.post("/keyed", middleware=[idempotency()])
    async def keyed(request: Request) -> Response:
        return Response(str(len(await request.body())))

    @app.post("/stream")
    async def stream(request: Request) -> Response:
        size = 0
        async for data in request.stream():
            size += len(data)
        return Response(str(size))

    @app.post("/content")
    def content(request: Request) -> Response:
        return Response(str(len(request.content.read())))

    async def for_asgi(scope: Any, receive: Any, send: Any) -> None:
        size, message = 0, {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            size += len(message.get("body", b""))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % size})

    def for_wsgi(environ: Any, start_response: Any) -> list[bytes]:
        size = len(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"%d" % size]

    app.mount("/asgi", asgi(for_asgi))
    app.mount("/wsgi", wsgi(for_wsgi))
    return client


MATRIX = [
    # (the fields that the browser sends, the status with a session, the status without a session)
    ({"sec-fetch-site": "same-origin", "origin": ORIGIN}, 200, 200),
    ({"sec-fetch-site": "same-origin"}, 200, 200),
    ({"sec-fetch-site": "none"}, 200, 200),
    ({"sec-fetch-site": "same-origin", "origin": "null"}, 200, 200),
    ({"sec-fetch-site": "same-site", "origin": "https://evil.hotel.example"}, 403, 403),
    ({"sec-fetch-site": "same-site"}, 403, 403),
    ({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, 403, 403),
    ({"sec-fetch-site": "cross-site", "origin": "null"}, 403, 403),
    ({"sec-fetch-site": "cross-site", "origin": ORIGIN}, 403, 403),
    ({"sec-fetch-site": "cross-site"}, 403, 403),
    ({"sec-fetch-site": ""}, 403, 403),
    ({"sec-fetch-site": "Same-Origin "}, 403, 403),
    ({"origin": ORIGIN}, 200, 200),
    ({"origin": ORIGIN.upper()}, 200, 200),
    ({"origin": f"{ORIGIN}:443"}, 200, 200),
    ({"origin": "null"}, 403, 200),
    ({"origin": "https://evil.hotel.example"}, 403, 403),
    ({"origin": "https://example"}, 403, 403),
    ({"origin": "https://hotel.example.evil.example"}, 403, 403),
    ({"origin": "https://hotel.example@evil.example"}, 403, 403),
    ({"origin": f"{ORIGIN}:8443"}, 403, 403),
    ({"origin": "http://hotel.example"}, 403, 403),
    ({"origin": "https://["}, 403, 403),
    ({"origin": "hotel.example"}, 403, 403),
    ({"origin": ""}, 403, 403),
    ({"origin": f"{ORIGIN}, https://evil.example"}, 403, 403),
    ([("origin", ORIGIN), ("origin", "https://evil.example")], 403, 403),
    ([("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], 403, 403),
    ({}, 403, 200),
    ({"referer": f"{ORIGIN}/"}, 403, 200),
]


@pytest.mark.parametrize(("headers", "with_session", "without"), MATRIX, ids=lambda each: str(each))
def test_the_matrix(headers: Any, with_session: int, without: int) -> None:
    client = client_of()
    assert status(client, headers) == with_session
    client.cookies.clear()
    assert status(client, headers) == without


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_are_not_checked(method: str) -> None:
    client = client_of()
    assert client.request(method, "/unread", headers={"sec-fetch-site": "cross-site"}).status in (200, 204)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_all_other_methods_are(method: str) -> None:
    client = client_of()
    getattr(client.app, method.lower())("/any")(lambda request: "any")
    assert client.request(method, "/any", headers={"sec-fetch-site": "cross-site"}).status == 403
    assert client.request(method, "/any", headers={"sec-fetch-site": "same-origin"}).status == 200


class TestWithoutACookie:
    """Without a session, a request of another site can do harm only by a login, which a form can send. So only forms
    are refused.
    """

    @pytest.mark.parametrize(
        "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "TEXT/PLAIN"]
    )
    def test_forms_of_other_sites(self, kind: str) -> None:
        client = client_of()
        client.cookies.clear()
        headers = {"sec-fetch-site": "cross-site", "content-type": kind}
        assert status(client, headers, "/login/attacker", body=b"a") == 403

    def test_what_a_form_cannot_send(self) -> None:
        client = client_of()
        client.cookies.clear()
        json = {"sec-fetch-site": "cross-site", "content-type": "application/json"}
        assert status(client, json, body=b"{}") == 200
        client.cookies.clear()
        assert status(client, {"sec-fetch-site": "cross-site", "authorization": "Bearer x"}) == 200

    def test_both_credentials(self) -> None:
        client = client_of()
        assert status(client, {"sec-fetch-site": "cross-site", "authorization": "Bearer x"}) == 403


class TestOptions:
    def test_trusted_origins(self) -> None:
        client = client_of(CSRFOptions(trusted_origins=["https://shop.example"]))
        assert status(client, {"origin": "https://shop.example"}) == 200
        assert status(client, {"origin": "https://shop.example", "sec-fetch-site": "cross-site"}) == 200
        assert status(client, {"origin": "https://a.shop.example"}) == 403
        assert status(client, {"origin": "http://shop.example"}) == 403

    def test_exempt(self) -> None:
        async def is_hook(request: Request) -> bool:
            return request.path == "/set/hook/1"

        client = client_of(CSRFOptions(exempt=is_hook))
        assert status(client, {}, "/set/hook/1") == 200
        assert status(client, {"origin": "https://other.example"}, "/set/hook/1") == 200
        assert status(client, {}) == 403

    def test_off(self) -> None:
        assert status(client_of(None), {"sec-fetch-site": "cross-site"}) == 200

    @pytest.mark.parametrize(
        "origin", ["https://a.example/", "a.example", "*", "https://*.a.example", "null", "https://A.example", ""]
    )
    def test_malformed_origins(self, origin: str) -> None:
        with pytest.raises(HandlerError, match="RW233"):
            CSRFOptions(trusted_origins=[origin])

    def test_a_proxy_that_speaks_https(self) -> None:
        client = client_of(base_url="http://hotel.example")
        client.cookies.set("__Host-session", "x" * 43, secure=True)
        session = {"cookie": "__Host-session=x"}
        assert status(client, {"origin": "https://hotel.example", **session}) == 200
        assert status(client, {"origin": "http://hotel.example", **session}) == 200
        assert status(client, {"origin": "https://other.example", **session}) == 403


class TestToken:
    def test_in_a_field(self) -> None:
        client = client_of()
        token = client.get("/token").text
        assert status(client, {"x-csrf-token": token}) == 200
        assert status(client, {"x-csrf-token": token, "origin": "null"}) == 200

    def test_each_call_returns_another(self) -> None:
        client = client_of()
        tokens = {client.get("/token").text for _ in range(5)}
        assert len(tokens) == 5
        assert {status(client, {"x-csrf-token": token}) for token in tokens} == {200}

    def test_it_does_not_help_another_site(self) -> None:
        client = client_of()
        token = client.get("/token").text
        assert status(client, {"x-csrf-token": token, "origin": "https://evil.example"}) == 403

    def test_in_a_form(self) -> None:
        client = client_of()
        client.app.post("/form")(_read_form)
        token = client.get("/token").text
        body = f"name=Ada&csrf_token={token}&x=1".encode()
        response = client.post("/form", headers=FORM, body=body)
        assert (response.status, response.body) == (200, body)  # the handler reads the body again

    @pytest.mark.parametrize("size", [10, 900_000])
    @pytest.mark.parametrize("path", ["/multipart", "/body", "/stream", "/content", "/asgi", "/wsgi", "/keyed"])
    def test_in_a_form_with_files_that_is_not_read_as_a_form(self, path: str, size: int, log: Log) -> None:
        """The middleware reads such a body to find the token, and then only `form()` can use it. A handler that reads
        the body in another way gets 403, unless the check did not need the body.
        """
        client = with_readers(client_of())
        token = client.get("/token").text
        sent: dict[str, Any] = {"data": {"csrf_token": token}, "files": {"up": ("a", b"z" * size)}}
        refused = client.post(path, headers={"idempotency-key": '"1"'}, **sent)
        assert refused.status == 403
        assert "Send the token in the field X-CSRF-Token" in refused.text
        assert log.text == ""
        for headers in ({"x-csrf-token": token}, {"sec-fetch-site": "same-origin"}):
            key = f'"{next(iter(headers))}"'
            response = client.post(path, headers={"idempotency-key": key, **headers}, **sent)
            assert response.status == 200
            assert int(response.text) >= size

    @pytest.mark.parametrize("size", [10, 900_000])
    @pytest.mark.parametrize("path", ["/multipart", "/body", "/stream", "/content", "/asgi", "/wsgi", "/keyed"])
    def test_a_body_that_other_middleware_has_kept(self, path: str, size: int) -> None:
        """If other middleware has read and kept the whole body before, the CSRF check uses the kept body, so the
        handler can read it in every way.
        """

        async def keep(request: Request, next: Next) -> Response:
            await request.body()
            return await next(request)

        app = App(middleware=[keep])
        app.mount("/", with_readers(client_of()).app)
        client = Client(app, base_url=ORIGIN)
        client.post("/login/guest", headers={"sec-fetch-site": "same-origin"})
        sent: dict[str, Any] = {"data": {"csrf_token": client.get("/token").text}, "files": {"up": ("a", b"z" * size)}}
        response = client.post(path, headers={"idempotency-key": '"1"'}, **sent)
        assert response.status == 200
        assert int(response.text) >= size

    @pytest.mark.parametrize("size", [10, 900_000])
    def test_in_a_form_with_files(self, size: int) -> None:
        client = with_readers(client_of())
        data = {"csrf_token": client.get("/token").text}
        response = client.post("/form", data=data, files={"up": ("a", b"z" * size)})
        assert (response.status, response.text) == (200, str(size))

    @pytest.mark.parametrize(
        "body",
        [b"", b"csrf_token=", b"csrf_token=x", b"name=1", b"\xff=\xff", b"&" * 5000, b"a=1&" * 5000, b"csrf_token"],
    )
    def test_forms_without_a_valid_one(self, body: bytes) -> None:
        client = client_of()
        client.get("/token")
        client.app.post("/form")(_read_form)
        assert client.post("/form", headers=FORM, body=body).status == 403

    @pytest.mark.parametrize("token", ["", "x", "é", "A" * 86, "A" * 43, "A" * 10_000, "!" * 86])
    def test_wrong_ones(self, token: str) -> None:
        client = client_of()
        assert status(client, {"x-csrf-token": token.encode()}) == 403  # no page has asked for a token yet
        client.get("/token")
        assert status(client, {"x-csrf-token": token.encode()}) == 403

    def test_that_of_another_session(self) -> None:
        assert status(client_of(), {"x-csrf-token": client_of().get("/token").text}) == 403

    def test_a_login_ends_it(self) -> None:
        client = client_of()
        token = client.get("/token").text
        assert status(client, {"x-csrf-token": token}, "/login/other") == 200
        assert status(client, {"x-csrf-token": token}) == 403

    def test_a_login_of_an_anonymous_client_ends_it(self) -> None:
        """The login ends the token of the anonymous session. Otherwise, an attacker who has planted this session would
        know a valid token of the user.
        """
        client = client_of()
        client.post("/logout", headers={"sec-fetch-site": "same-origin"})
        token = client.get("/token").text
        assert status(client, {"x-csrf-token": token}) == 200
        assert status(client, {"x-csrf-token": token}, "/login/ada") == 200
        assert client.get("/").json() == {"values": {"a": "1"}, "user": "ada"}
        assert status(client, {"x-csrf-token": token}) == 403

    def test_with_sessions_in_cookies(self) -> None:
        app = App(middleware=[sessions(SessionsOptions(secret=SECRET))])
        app.get("/")(csrf_token)
        app.post("/")(lambda request: "done")
        client = Client(app, secure=True)
        token = client.get("/").text
        assert client.post("/").status == 403
        assert client.post("/", headers={"x-csrf-token": token}).status == 200

    def test_without_sessions(self) -> None:
        app = App()
        app.get("/")(csrf_token)
        with pytest.raises(HandlerError, match="RW250"):
            Client(app).get("/")


class TestTheResponse:
    def test_a_browser_gets_a_page(self) -> None:
        response = client_of().post("/set/a/1", headers={"accept": "text/html", "origin": "https://evil.example"})
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "sent by a page of another site" in response.text

    def test_a_program_gets_problem_details(self) -> None:
        problem = client_of().post("/set/a/1").json()
        assert (problem["status"], problem["title"]) == (403, "Forbidden")
        assert "must send the field Origin, or a token in X-CSRF-Token or csrf_token" in problem["detail"]

    def test_an_error_handler_of_the_app(self) -> None:
        client = client_of()
        client.app.error(403)(lambda request, error: Response("ours", 403))
        assert client.post("/set/a/1").text == "ours"

    def test_the_session_is_not_changed(self) -> None:
        client = client_of()
        assert status(client, {}, "/logout") == 403
        assert client.get("/").json()["user"] == "guest"


def test_the_middleware_alone() -> None:
    app = App(middleware=[csrf(CSRFOptions())])
    app.post("/")(lambda request: "done")
    client = Client(app, secure=True)
    cookie = {"cookie": "own=1"}
    assert status(client, {}, "/") == 200
    assert status(client, cookie, "/") == 403
    assert status(client, {**cookie, "x-csrf-token": "x"}, "/") == 403
    assert status(client, {**cookie, "sec-fetch-site": "same-origin"}, "/") == 200
    assert status(client, {**cookie, "sec-fetch-site": "cross-site"}, "/") == 403


async def _read_form(request: Request) -> bytes:
    return await request.body()
