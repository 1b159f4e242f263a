"""The description of operations with middleware around them. The responses of the middleware must match it."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from msgspec import Struct
from openapi_schema_validator import OAS31Validator
from tests.unit.openapi.described import described, operation

from ropewalk import App, HTTPError, Request
from ropewalk.errors import HandlerError
from ropewalk.middleware import (
    AllowedHostsOptions,
    BodyLimitOptions,
    HeaderParameter,
    IdempotencyOptions,
    MiddlewareDescription,
    MiddlewareResponse,
    Next,
    RateLimit,
    RateLimitOptions,
    TimeoutOptions,
    allowed_hosts,
    body_limit,
    conditional,
    describes,
    idempotency,
    rate_limit,
    request_id,
    timeout,
)
from ropewalk.testing import Client, ClientResponse
from ropewalk.waiting import Waiter

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


class Room(Struct):
    beds: int


def app_with(*middleware: Any) -> App:
    """An app whose `/a` can be read, and takes a room."""
    app = App(middleware=middleware)

    @app.get("/a")
    def show() -> Room:
        return Room(1)

    @app.post("/a")
    def add(room: Room) -> Room:
        return room

    return app


def responses(app: App, method: str = "get") -> dict[str, Any]:
    found: dict[str, Any] = operation(app, "/a", method)["responses"]
    return found


def check_described(app: App, response: ClientResponse, method: str = "get") -> None:
    """Check that a response is as the document describes it: its status, media type, schema and header fields."""
    document = described(app)
    found = document["paths"]["/a"][method]["responses"][str(response.status)]
    for name in found.get("headers", {}):
        assert name.lower() in response.headers, name
    if response.body:
        media_type = response.headers["content-type"].partition(";")[0]
        OAS31Validator({**found["content"][media_type]["schema"], "components": document["components"]}).validate(
            response.json()
        )
    else:
        assert "content" not in found


class TestOurs:
    def test_rate_limit(self) -> None:
        app = app_with(rate_limit(RateLimitOptions(limits=RateLimit(1, 60))))
        client = Client(app)
        check_described(app, client.get("/a"))
        refused = client.get("/a")
        assert refused.status == 429
        check_described(app, refused)
        assert set(responses(app)["429"]["headers"]) == {"Retry-After", "RateLimit", "RateLimit-Policy"}
        assert "503" not in responses(app)

    def test_rate_limit_that_needs_its_store(self) -> None:
        app = app_with(
            rate_limit(RateLimitOptions(limits=RateLimit(1, 60), on_store_failure="closed", header_fields=False))
        )
        assert "Retry-After" in responses(app)["503"]["headers"]
        assert "headers" not in responses(app)["200"]

    def test_conditional(self) -> None:
        app = app_with(conditional())
        client = Client(app)
        read = client.get("/a")
        check_described(app, read)
        tag = read.headers["etag"]
        unchanged = client.get("/a", headers={"if-none-match": tag})
        assert unchanged.status == 304
        check_described(app, unchanged)
        changed = client.get("/a", headers={"if-match": '"another"'})
        assert changed.status == 412
        check_described(app, changed)
        names = [each["name"] for each in operation(app, "/a")["parameters"]]
        assert names == ["If-None-Match", "If-Match"]
        assert not {"304", "412"} & set(responses(app, "post"))
        assert "parameters" not in operation(app, "/a", "post")

    def test_idempotency(self) -> None:
        app = app_with(idempotency(IdempotencyOptions(required=True)))
        client = Client(app)
        for headers, beds, status in (
            ({}, 1, 400),
            ({"idempotency-key": "k"}, 1, 200),
            ({"idempotency-key": "k"}, 2, 422),
        ):
            sent = client.post("/a", json={"beds": beds}, headers=headers)
            assert sent.status == status
            if status != 200:
                check_described(app, sent, "post")
        parameter = operation(app, "/a", "post")["parameters"][0]
        assert parameter["name"] == "Idempotency-Key"
        assert parameter["required"] is True
        assert {"400", "409", "422", "503"} <= set(responses(app, "post"))
        assert "parameters" not in operation(app, "/a")
        invalid = client.post("/a", json={"beds": "x"}, headers={"idempotency-key": "n"})
        assert invalid.status == 422
        check_described(app, invalid, "post")

    @pytest.mark.parametrize("key", ['"a b"', "8e03978e", '"\\""'])
    def test_the_schema_of_an_idempotency_key(self, key: str) -> None:
        app = app_with(idempotency())
        schema = operation(app, "/a", "post")["parameters"][0]["schema"]
        OAS31Validator(schema).validate(key)
        assert Client(app).post("/a", json={"beds": 1}, headers={"idempotency-key": key}).status == 200

    @pytest.mark.parametrize("key", ["a,b", '"a', "", "a b"])
    def test_what_is_no_idempotency_key(self, key: str) -> None:
        app = app_with(idempotency())
        assert not OAS31Validator(operation(app, "/a", "post")["parameters"][0]["schema"]).is_valid(key)
        assert Client(app).post("/a", json={"beds": 1}, headers={"idempotency-key": key}).status == 400

    def test_body_limit(self) -> None:
        app = app_with(body_limit(BodyLimitOptions(body_limit=5)))
        refused = Client(app).post("/a", json={"beds": 1})
        assert refused.status == 413
        check_described(app, refused, "post")
        assert "larger than 5 bytes" in responses(app, "post")["413"]["description"]
        assert "413" not in responses(app)

    def test_the_limit_of_the_engine(self) -> None:
        app = app_with()
        refused = Client(app).post("/a", json={"beds": 1, "x": "x" * 1024 * 1024})
        assert refused.status == 413
        check_described(app, refused, "post")

    def test_timeout(self) -> None:
        app = App(middleware=[timeout(TimeoutOptions(seconds=0.001, status=504, retry_after=7))])

        @app.get("/a")
        async def wait() -> Room:
            await Waiter[None]()
            raise AssertionError("nothing fires it")

        late = Client(app).get("/a")
        assert late.status == 504
        check_described(app, late)

    @pytest.mark.parametrize("status", [400, 421])
    def test_allowed_hosts(self, status: Literal[400, 421]) -> None:
        app = app_with(allowed_hosts(AllowedHostsOptions(hosts=["example.com"], status=status)))
        refused = Client(app).get("/a", headers={"host": "other.example"})
        assert refused.status == status
        check_described(app, refused)
        assert list(responses(app)) == ["200", *sorted({"400", str(status)})]

    def test_request_id(self) -> None:
        app = app_with(request_id())
        check_described(app, Client(app).get("/a"))
        assert set(responses(app)["200"]["headers"]) == {"x-request-id"}

    def test_every_response_inside_of_request_id_has_it(self) -> None:
        app = App(
            middleware=[
                timeout(TimeoutOptions(seconds=9)),
                request_id(),
                rate_limit(RateLimitOptions(limits=RateLimit(1, 60))),
            ]
        )

        @app.get("/a", responses={404: "There is no such thing.", 409: dict[str, int]})
        def show(count: int) -> dict[str, int]:
            return {"count": count}

        found = responses(app)
        named = {status for status, each in found.items() if "x-request-id" in each.get("headers", {})}
        assert named == {"200", "404", "409", "422", "429"}
        assert set(found) - named == {"503"}  # the response of `timeout`, which is outside of `request_id`
        assert "RateLimit" in found["422"]["headers"]
        client = Client(app)
        check_described(app, client.get("/a"))
        refused = client.get("/a")
        assert refused.status == 429
        check_described(app, refused)


class TestPlaces:
    def test_around_a_mounted_app_and_a_route(self) -> None:
        app, inner = App(), App(middleware=[rate_limit(RateLimitOptions(limits=RateLimit(9, 60)))])

        @inner.get("/a", middleware=[timeout(TimeoutOptions(seconds=9))])
        def both() -> None: ...

        @inner.get("/b")
        def one() -> None: ...

        @app.get("/c")
        def none() -> None: ...

        app.mount("/inner", inner)
        assert list(operation(app, "/inner/a")["responses"]) == ["204", "429", "503"]
        assert list(operation(app, "/inner/b")["responses"]) == ["204", "429"]
        assert list(operation(app, "/c")["responses"]) == ["204"]

    def test_error_handlers_count_where_the_middleware_is(self) -> None:
        """The error handler of an inner app is not called for an error of the outer app's middleware."""
        app, inner = App(middleware=[timeout(TimeoutOptions(seconds=9))]), App()
        inner.error(503)(lambda request, error: "inner")
        inner.get("/a")(lambda request: "")
        app.mount("/", inner)
        assert responses(app)["503"]["content"] == PROBLEM
        app.error(503)(lambda request, error: "outer")
        assert responses(app)["503"] == {"description": "The response took too long."}

    def test_two_of_one_status(self) -> None:
        found = responses(
            app_with(
                timeout(TimeoutOptions(seconds=9)),
                rate_limit(RateLimitOptions(limits=RateLimit(9, 60), on_store_failure="closed")),
            )
        )
        assert found["503"]["description"] == (
            "The response took too long. The rate of requests cannot be checked at the moment."
        )
        assert found["503"]["content"] == PROBLEM

    def test_refusals_as_text(self) -> None:
        app = App(middleware=[timeout(TimeoutOptions(seconds=9))], error_format="text")
        app.get("/a")(lambda request: "")
        assert responses(app)["503"]["content"] == {"text/plain": {"schema": {"type": "string"}}}

    def test_the_route_has_the_last_word(self) -> None:
        app = App(middleware=[timeout(TimeoutOptions(seconds=9))])
        app.get("/a", responses={503: "Later."})(lambda request: "")
        assert responses(app)["503"] == {"description": "Later.", "content": PROBLEM}


class TestYours:
    DESCRIPTION = MiddlewareDescription(
        responses=[MiddlewareResponse(402, "The account is empty.", {"X-Balance": "Cents."})],
        parameters=[HeaderParameter("X-Account", "Whose it is.", required=True, schema={"type": "integer"})],
        headers={"X-Balance": "Cents."},
    )

    def check(self, middleware: Any) -> None:
        found = operation(app_with(middleware), "/a")
        fields = {"X-Balance": {"description": "Cents.", "schema": {"type": "string"}}}
        assert found["responses"]["402"] == {
            "description": "The account is empty.",
            "headers": fields,
            "content": PROBLEM,
        }
        assert found["responses"]["200"]["headers"] == fields
        assert found["parameters"] == [
            {
                "name": "X-Account",
                "in": "header",
                "description": "Whose it is.",
                "required": True,
                "schema": {"type": "integer"},
            }
        ]

    def test_a_function(self) -> None:
        @describes(self.DESCRIPTION)
        async def paid(request: Request, next: Next) -> Any:
            raise HTTPError(402, headers={"x-balance": "0"})

        self.check(paid)
        assert Client(app_with(paid)).get("/a").status == 402

    def test_a_class(self) -> None:
        @describes(self.DESCRIPTION)
        class Paid:
            async def __call__(self, request: Request, next: Next) -> Any:
                return await next(request)

        self.check(Paid())

    def test_an_object_and_its_method(self) -> None:
        class Paid:
            async def __call__(self, request: Request, next: Next) -> Any:
                return await next(request)

            async def check(self, request: Request, next: Next) -> Any:
                return await next(request)

        paid = Paid()
        self.check(describes(self.DESCRIPTION)(paid))
        self.check(paid.check)

    def test_fields_that_openapi_has_other_places_for(self) -> None:
        @describes(MiddlewareDescription(parameters=[HeaderParameter("Authorization"), HeaderParameter("x-other")]))
        async def middleware(request: Request, next: Next) -> Any:
            return await next(request)

        assert [each["name"] for each in operation(app_with(middleware), "/a")["parameters"]] == ["x-other"]

    @pytest.mark.parametrize("wrong", [None, {}, MiddlewareResponse(402)])
    def test_what_is_no_description(self, wrong: Any) -> None:
        with pytest.raises(HandlerError, match="RW219 describes was called with"):
            describes(wrong)

    @pytest.mark.parametrize("status", [True, "402", 42])
    def test_what_is_no_status(self, status: Any) -> None:
        with pytest.raises(HandlerError, match="RW219 MiddlewareResponse has the status"):
            MiddlewareResponse(status)


def test_paths_that_a_converter_refuses() -> None:
    app = App()

    @app.get("/numbers/{number:int}")
    def by_number(number: int) -> None: ...

    @app.post("/{name}")
    def by_name(name: str) -> None: ...

    sent = Client(app).get("/numbers/x")
    assert sent.status == 404
    assert operation(app, "/numbers/{number}")["responses"]["404"]["content"] == PROBLEM
    assert "404" not in operation(app, "/{name}", "post")["responses"]


def test_a_field_of_the_handler_comes_before_that_of_a_middleware() -> None:
    def parts() -> Iterator[str]:
        yield ""

    app = App(middleware=[conditional()])

    @app.get("/a")
    def show(request: Request) -> Iterator[str]:
        return parts()

    extra = {
        "parameters": [
            {"in": "header", "name": "If-Match", "required": True},
            {"in": "header", "name": "x", "schema": {}},
        ]
    }
    app.get("/b", operation=extra)(show)
    found = {each["name"]: each for each in operation(app, "/b")["parameters"]}
    assert list(found) == ["If-None-Match", "If-Match", "x"]
    assert found["If-Match"]["required"] is True
    assert "description" in found["If-Match"]
