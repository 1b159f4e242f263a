"""Idempotency keys."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.problems import problem
from tests.unit.conftest import Log
from tests.unit.middleware.idempotent_service import KEY, Service
from twisted.internet.defer import Deferred, succeed

from ropewalk import NOT_DONE_YET, App, HTTPError, Request, Resource, Response, asgi, wsgi
from ropewalk.errors import HandlerError
from ropewalk.middleware import IdempotencyOptions, idempotency
from ropewalk.middleware.idempotency_key import parse_key
from ropewalk.stores import MemoryIdempotency, Record, SQLiteIdempotency, StoreUnavailable
from ropewalk.testing import AsyncClient, Client

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Unavailable(MemoryIdempotency):
    """A store that cannot be reached, or in which only saving fails."""

    def __init__(self, *, claims: bool = False) -> None:
        super().__init__()
        self.claims = claims

    async def claim(self, key: str, fingerprint: str, token: str, seconds: float, *, owner: str = "") -> Record | None:
        if not self.claims:
            raise StoreUnavailable("The store is gone.")
        return await super().claim(key, fingerprint, token, seconds, owner=owner)

    async def save(self, key: str, token: str, response: bytes, seconds: float) -> None:
        raise StoreUnavailable("The store is gone.")


def _set_cookies(request: Request) -> Response:
    response = Response("x")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


class TestReplays:
    def test_the_first_response_again(self) -> None:
        service = Service(lambda request: Response({"call": service.calls}, 201, {"x-id": "7"}))
        first, second = service.post(), service.post()
        assert service.calls == 1
        assert (second.status, second.json(), second.headers["x-id"]) == (201, {"call": 1}, "7")
        assert second.headers["content-type"] == first.headers["content-type"]
        assert ("idempotent-replayed" in first.headers, second.headers["idempotent-replayed"]) == (False, "true")
        assert second.headers.all("x-marks") == ["outer"]

    @pytest.mark.parametrize(
        ("value", "status", "kind", "body"),
        [
            (None, 204, None, b""),
            ("t\u00ebxt", 200, "text/plain; charset=utf-8", "t\u00ebxt".encode()),
            (b"\0\xff", 200, "application/octet-stream", b"\0\xff"),
            (
                Response("\u00eb", content_type="text/plain; charset=latin-1"),
                200,
                "text/plain; charset=latin-1",
                b"\xeb",
            ),
            (Response(None, 303, {"location": "/x"}), 303, None, b""),
            (Response({"error": 1}, 422), 422, "application/json", b'{"error":1}'),
        ],
    )
    def test_kinds_of_responses(self, value: Any, status: int, kind: str | None, body: bytes) -> None:
        service = Service(lambda request: value)
        for response in (service.post(), service.post()):
            assert (response.status, response.headers.get("content-type"), response.body) == (status, kind, body)
        assert service.calls == 1

    def test_cookies_of_a_known_sender_are_kept(self) -> None:
        service = Service(_set_cookies, sender=lambda request: "ada")
        first = service.post().headers.all("set-cookie")
        assert len(first) == 2
        assert service.post().headers.all("set-cookie") == first

    @pytest.mark.parametrize("headers", [{}, {"cookie": "language=de"}, {"x-api-key": "shared"}])
    def test_cookies_are_not_sent_to_another_client(self, headers: dict[str, str]) -> None:
        """If there is no user, two clients may send the same credentials, and would share a stored response."""
        service = Service(_set_cookies)
        assert len(service.post(**headers).headers.all("set-cookie")) == 2
        service.client.cookies.clear()
        repeated = service.post(**headers)
        assert (repeated.status, repeated.headers.all("set-cookie")) == (409, [])
        assert service.calls == 1

    def test_methods(self) -> None:
        service = Service()
        for method in ("PATCH", "PATCH", "PUT", "PUT"):
            service.post(method=method)
        assert service.calls == 3
        service = Service(methods=["put"])
        for method in ("PUT", "PUT", "POST", "POST"):
            service.post(method=method)
        assert service.calls == 3

    def test_without_a_key(self) -> None:
        service = Service()
        for _ in range(2):
            assert service.client.post("/", body="body").status == 200
        assert service.calls == 2

    def test_a_response_expires(self) -> None:
        clock = Clock()
        service = Service(store=MemoryIdempotency(clock=clock), expires=100)
        service.post()
        clock.now += 99
        assert service.post().json() == {"call": 1}
        clock.now += 1
        assert service.post().json() == {"call": 2}

    def test_the_handler_reads_the_key_and_the_body(self) -> None:
        async def respond(request: Request) -> Any:
            parts = [part async for part in request.stream()]
            return [request.state.idempotency_key, b"".join(parts).decode()]

        assert Service(respond).post().json() == ["8e03978e-40d5", "body"]

    def test_the_limit_of_the_route_counts(self) -> None:
        service = Service()
        service.app.post("/small", body_limit=3)(lambda request: "small")
        service.app.post("/large", body_limit=3 * 1024 * 1024)(lambda request: str(len(request.content.read())))
        assert service.post("four", path="/small").status == 413
        large = b"x" * (2 * 1024 * 1024 + 5)
        for _ in range(2):
            assert service.post(large, path="/large", idempotency_key="b").text == str(len(large))
        assert service.post(large[:-1] + b"y", path="/large", idempotency_key="b").status == 422

    def test_the_same_middleware_on_two_apps(self) -> None:
        middleware = idempotency()
        inner, app = App(middleware=[middleware]), App(middleware=[middleware])
        inner.post("/")(lambda request: "inner")
        app.mount("/inner", inner)
        client = Client(app)
        assert [client.post("/inner/", headers=KEY).text for _ in range(2)] == ["inner", "inner"]


class TestRefusals:
    @pytest.mark.parametrize(
        "change", [{"body": "other"}, {"path": "/?a=1"}, {"method": "PATCH"}, {"content_type": "text/html"}]
    )
    def test_another_request_with_the_key(self, change: Any) -> None:
        service = Service()
        service.post()
        refused = service.post(**change)
        assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
        assert refused.json()["detail"] == "The idempotency key was used for another request."
        assert refused.headers["x-marks"] == "outer"
        assert service.calls == 1

    def test_a_request_with_the_key_is_processed(self, run: Run) -> None:
        waits: list[Deferred[str]] = []

        def wait(request: Request) -> Deferred[str]:
            waits.append(Deferred())
            return waits[-1]

        service = Service(wait)

        async def calls() -> None:
            async with AsyncClient(service.app) as client:
                first = asyncio.ensure_future(client.post("/", headers=KEY))
                while not waits:
                    await asyncio.sleep(0)
                second = await client.post("/", headers=KEY)
                assert (second.status, second.headers["retry-after"]) == (409, "1")
                assert second.json()["detail"] == "A request with this idempotency key is being processed."
                waits[0].callback("done")
                assert (await first).text == "done"
                assert (await client.post("/", headers=KEY)).text == "done"

        run(calls())
        assert service.calls == 1

    def test_a_required_key(self) -> None:
        service = Service(required=True)
        refused = service.client.post("/", body="body")
        assert (refused.status, refused.headers["content-type"]) == (400, "application/problem+json")
        assert refused.json()["detail"] == "This request needs the header field Idempotency-Key."
        assert (service.calls, service.client.get("/").status, service.post().status) == (0, 200, 200)

    def test_a_function_says_whether_it_is_required(self) -> None:
        async def required(request: Request) -> bool:
            return request.path == "/"

        service = Service(required=required)
        service.app.post("/other")(lambda request: "")
        assert (service.client.post("/").status, service.client.post("/other").status) == (400, 200)

    @pytest.mark.parametrize(
        "written", ["", '""', '"', '"a', 'a"b', '"a", "b"', '"a";x=1', "a b", "x" * 256, "\u00eb", "a,b"]
    )
    def test_a_malformed_key(self, written: str) -> None:
        service = Service()
        assert service.post(idempotency_key=written).status == 400
        assert service.calls == 0

    def test_two_fields(self) -> None:
        service = Service()
        assert service.client.post("/", headers=[("idempotency-key", "a"), ("idempotency-key", "a")]).status == 400

    @pytest.mark.parametrize(
        ("written", "key"), [('"a b"', "a b"), (r'"a\"\\"', 'a"\\'), ("8e03978e", "8e03978e"), ("a=b/+:", "a=b/+:")]
    )
    def test_forms_of_a_key(self, written: str, key: str) -> None:
        assert parse_key([written]) == key

    def test_an_error_handler_makes_the_response(self) -> None:
        service = Service()
        service.app.error(422)(lambda request, error: Response("Another request had this key.", 422))
        service.post()
        assert service.post("other").text == "Another request had this key."


class TestReleases:
    @pytest.mark.parametrize("status", [500, 502, 503, 408, 425, 429])
    def test_a_response_that_is_not_final(self, status: int) -> None:
        service = Service(lambda request: Response("x", status))
        assert [service.post().status for _ in range(2)] == [status, status]
        assert service.calls == 2

    def test_a_handler_that_fails(self, log: Log) -> None:
        service = Service(lambda request: {"call": 1 // (service.calls - 1)})
        assert [service.post().status for _ in range(3)] == [500, 200, 200]
        assert service.calls == 2

    def test_a_handler_that_refuses(self) -> None:
        def refuse(request: Request) -> Any:
            raise HTTPError(402, "No money.")

        service = Service(refuse)
        assert [service.post().text for _ in range(2)] == [problem(402, "No money.")] * 2
        assert service.calls == 1

    def test_a_client_that_leaves(self, run: Run) -> None:
        entered: list[Request] = []

        async def respond(request: Request) -> str:
            entered.append(request)
            if len(entered) == 1:
                await Deferred()
            return "done"

        service = Service(respond)

        async def calls() -> None:
            async with AsyncClient(service.app) as client:
                first = asyncio.ensure_future(client.post("/", headers=KEY))
                while not entered:
                    await asyncio.sleep(0)
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)
                assert entered[0].gone
                assert (await client.post("/", headers=KEY)).text == "done"

        run(calls())

    def test_a_client_that_leaves_while_its_response_is_saved(self, run: Run) -> None:
        """If the client leaves while its response is being saved, the response is kept, because the request was
        processed."""
        saving: list[Deferred[None]] = []

        class Slow(MemoryIdempotency):
            async def save(self, key: str, token: str, response: bytes, seconds: float) -> None:
                saving.append(Deferred())
                await saving[-1]
                await super().save(key, token, response, seconds)

        service = Service(store=Slow())

        async def calls() -> None:
            async with AsyncClient(service.app) as client:
                first = asyncio.ensure_future(client.post("/", headers=KEY))
                while not saving:
                    await asyncio.sleep(0)
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)
                assert (await client.post("/", headers=KEY)).status == 409
                saving[0].callback(None)
                assert (await client.post("/", headers=KEY)).json() == {"call": 1}

        run(calls())
        assert service.calls == 1

    def test_a_process_that_was_killed(self) -> None:
        """The claim of a process that was killed ends with its lease, so that another process can handle the repeated
        request."""
        clock = Clock()
        store = MemoryIdempotency(clock=clock)

        class Losing(MemoryIdempotency):
            claim = store.claim  # shares the claims with `store`, but saves no response

        killed = Service(store=Losing(), lease=30)
        service = Service(store=store, lease=30)
        killed.post()
        assert service.post().status == 409
        clock.now += 30
        assert service.post().status == 200


class TestResponsesThatAreNotKept:
    def check(self, respond: Callable[[Request], Any], first: str, **options: Any) -> None:
        service = Service(respond, **options)
        assert service.post().text == first
        second = service.post()
        assert (second.status, "retry-after" in second.headers) == (409, False)
        assert (
            second.json()["detail"] == "The request with this idempotency key was processed. Its response was not kept."
        )
        assert service.calls == 1

    def test_a_stream(self) -> None:
        self.check(lambda request: iter(["str", "eam"]), "stream")

    def test_an_async_stream(self) -> None:
        async def parts() -> AsyncIterator[str]:
            yield "stream"

        self.check(lambda request: parts(), "stream")

    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("file", encoding="utf-8")
        self.check(lambda request: tmp_path / "file", "file")

    @pytest.mark.parametrize("body", ["12345", b"12345", "\u00eb\u00eb\u00eb"])
    def test_a_large_one(self, body: Any) -> None:
        text = body if isinstance(body, str) else body.decode()
        self.check(lambda request: Response(body, content_type="text/plain; charset=utf-8"), text, stored_body_limit=4)

    def test_one_that_the_handler_writes(self) -> None:
        class Writing(Resource):
            def render_POST(self, request: Request) -> Any:
                request.write("written")
                request.finish()
                return NOT_DONE_YET

        service = Service()
        service.app.mount("/writing", Writing())
        assert [service.post(path="/writing").status for _ in range(2)] == [200, 409]


class TestStores:
    def test_closed(self, log: Log) -> None:
        service = Service(store=Unavailable())
        refused = service.post()
        assert (refused.status, refused.headers["retry-after"], service.calls) == (503, "1", 0)
        assert service.client.post("/").status == 200  # a request without a key does not use the store
        assert log == []

    def test_open(self) -> None:
        service = Service(store=Unavailable(), on_store_failure="open")
        assert [service.post().status for _ in range(2)] == [200, 200]
        assert service.calls == 2

    def test_a_response_that_cannot_be_saved(self, log: Log) -> None:
        """The client gets the response. Until the lease ends, a duplicate is refused, not processed."""
        service = Service(store=Unavailable(claims=True))
        assert [service.post().status for _ in range(2)] == [200, 409]
        assert service.calls == 1
        assert "RW234 The response to a request with an idempotency key was not kept" in log.text

    def test_a_file(self, tmp_path: Path) -> None:
        store = SQLiteIdempotency(tmp_path / "keys.db", timeout=20)
        service = Service(store=store)
        assert [service.post().json() for _ in range(2)] == [{"call": 1}] * 2
        store.close()
        again = SQLiteIdempotency(tmp_path / "keys.db", timeout=20)
        restarted = Service(store=again)
        assert (restarted.post().json(), restarted.calls) == ({"call": 1}, 0)
        again.close()


class TestPlaces:
    def test_kinds_of_handlers(self) -> None:
        calls: list[str] = []

        class Hello(Resource):
            def render_POST(self, request: Request) -> str:
                calls.append("resource")
                return "resource"

        def deferred(request: Request) -> Deferred[str]:
            calls.append("deferred")
            return succeed("deferred")

        async def coroutine(request: Request) -> str:
            calls.append("coroutine")
            return "coroutine"

        app = App(middleware=[idempotency()])
        app.post("/deferred")(deferred)
        app.post("/coroutine")(coroutine)
        app.mount("/resource", Hello())
        client = Client(app)
        for name in ("deferred", "coroutine", "resource"):
            for _ in range(2):
                assert client.post(f"/{name}", headers={"idempotency-key": name}).text == name
        assert calls == ["deferred", "coroutine", "resource"]

    @pytest.mark.parametrize("size", [4, 1_000_000])
    def test_a_wsgi_application(self, size: int) -> None:
        def application(environ: Any, start_response: Any) -> list[bytes]:
            start_response("201 Created", [("content-type", "text/plain")])
            return [f"{environ['REQUEST_METHOD']} of {len(environ['wsgi.input'].read())} bytes".encode()]

        self.check_hosted(wsgi(application), size)

    @pytest.mark.parametrize("size", [4, 1_000_000])
    def test_an_asgi_application(self, size: int) -> None:
        async def application(scope: Any, receive: Any, send: Any) -> None:
            read, more = 0, True
            while more:
                message = await receive()
                read += len(message["body"])
                more = message["more_body"]
            await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": f"{scope['method']} of {read} bytes".encode()})

        self.check_hosted(asgi(application), size)

    def check_hosted(self, hosted: Resource, size: int) -> None:
        app = App(middleware=[idempotency()])
        app.mount("/", hosted)
        client = Client(app, raise_errors=False)
        for replayed in (None, "true"):
            response = client.post("/", body=b"x" * size, headers=KEY)
            assert (response.status, response.text) == (201, f"POST of {size} bytes")
            assert response.headers.get("idempotent-replayed") == replayed


class TestOptions:
    @pytest.mark.parametrize(
        "options",
        [
            {"methods": "POST"},
            {"methods": ()},
            {"methods": [5]},
            {"methods": 5},
            {"required": "yes"},
            {"sender": "user"},
            {"expires": 0},
            {"lease": float("inf")},
            {"lease": True},
            {"stored_body_limit": -1},
            {"on_store_failure": "wait"},
            {"header": "a b"},
        ],
    )
    def test_wrong_values(self, options: Any) -> None:
        with pytest.raises(HandlerError, match="RW230 IdempotencyOptions: "):
            IdempotencyOptions(**options)

    def test_a_wrong_call(self) -> None:
        with pytest.raises(HandlerError, match=r"RW232 .*IdempotencyOptions\(\.\.\.\)"):
            idempotency(True)  # type: ignore[arg-type]
