"""Users whom only a provider tells apart: neither a kept response nor a shared cache may mix them up."""

from typing import Annotated, Any

import msgspec
import pydantic
import pytest

from ropewalk import App, Cookie, Depends, Header, Request, Response
from ropewalk.middleware import CacheHeadersOptions, IdempotencyOptions, cache_headers, idempotency
from ropewalk.testing import Client
from ropewalk.typed.markers import Computed


class Fields(msgspec.Struct):
    x_user: str = ""


class Renamed(msgspec.Struct, rename={"user": "X-User"}):
    user: str = ""


class Model(pydantic.BaseModel):
    x_user: str = ""


class Custom(Computed):
    def compute(self, request: Request, kind: Any, default: Any) -> str:
        return request.header("x-user") or ""


def by_field(x_user: Annotated[str, Header()] = "") -> str:
    return x_user


def by_cookie(user: Annotated[str, Cookie()] = "") -> str:
    return user


def by_request(request: Request) -> str:
    return request.header("x-user") or ""


def by_cookies_of_request(request: Request) -> str:
    return request.cookies.get("user", "")


def by_struct(fields: Annotated[Fields, Header()]) -> str:
    return fields.x_user


def by_renamed(fields: Annotated[Renamed, Header()]) -> str:
    return fields.user


def by_model(fields: Annotated[Model, Header()]) -> str:
    return fields.x_user


def by_marker(user: Annotated[str, Custom()]) -> str:
    return user


def through_another(user: Annotated[str, Depends(by_field)]) -> str:
    return user


FIELDS = [by_field, by_struct, by_renamed, by_model, through_another]
UNKNOWN = [by_request, by_marker]


class TestIdempotencyKeys:
    def client(self, provider: Any, **options: Any) -> Client:
        app = App(middleware=[idempotency(IdempotencyOptions(**options))])

        @app.post("/")
        def handler(user: Annotated[str, Depends(provider)]) -> str:
            return user

        return Client(app)

    def post(self, client: Client, headers: dict[str, str]) -> tuple[int, str]:
        response = client.post("/", headers={"idempotency-key": "k", **headers})
        return response.status, response.text if response.status == 200 else response.json()["detail"]

    @pytest.mark.parametrize("provider", FIELDS)
    def test_another_user_does_not_get_the_response(self, provider: Any) -> None:
        client = self.client(provider)
        assert self.post(client, {"x-user": "ann"}) == (200, "ann")
        assert self.post(client, {"x-user": "bob"}) == (422, "The idempotency key was used for another request.")
        assert self.post(client, {"x-user": "ann"}) == (200, "ann")

    def test_cookies(self) -> None:
        client = self.client(by_cookie)
        assert self.post(client, {"cookie": "user=ann"}) == (200, "ann")
        assert self.post(client, {"cookie": "user=bob"}) == (200, "bob")

    def test_cookies_beside_a_user(self) -> None:
        """If a request has a user, cookies do not distinguish the sender."""

        async def find_user(request: Request, next: Any) -> Any:
            request.state.user = "one"
            return await next(request)

        app = App(middleware=[find_user, idempotency()])
        app.post("/")(by_cookie)
        client = Client(app)
        assert self.post(client, {"cookie": "user=ann"}) == (200, "ann")
        assert self.post(client, {"cookie": "user=bob"})[0] == 422

    def test_a_retry_may_have_other_fields(self) -> None:
        def handler(x_user: Annotated[str, Header()], traceparent: Annotated[str, Header()] = "") -> str:
            return x_user

        app = App(middleware=[idempotency()])
        app.post("/")(handler)
        client = Client(app)
        for trace in ("1", "2"):
            headers = {"x-user": "ann", "traceparent": trace, "user-agent": trace}
            assert self.post(client, headers) == (200, "ann")

    def test_with_a_scope_of_the_program(self) -> None:
        client = self.client(by_field, sender=lambda request: request.header("x-user"))
        assert self.post(client, {"x-user": "ann"}) == (200, "ann")
        assert self.post(client, {"x-user": "bob"}) == (200, "bob")


class TestCaches:
    def control(self, handler: Any, headers: dict[str, str], vary: tuple[str, ...] = ()) -> str:
        options = CacheHeadersOptions(max_age=60, visibility="public", vary=vary)
        app = App(middleware=[cache_headers(options)])
        app.get("/")(handler)
        return Client(app).get("/", headers=headers).headers["cache-control"].partition(",")[0]

    def handler(self, provider: Any) -> Any:
        def handler(user: Annotated[str, Depends(provider)]) -> str:
            return user

        return handler

    @pytest.mark.parametrize("provider", [*FIELDS, *UNKNOWN])
    def test_a_field(self, provider: Any) -> None:
        assert self.control(self.handler(provider), {"x-user": "ann"}) == "private"

    @pytest.mark.parametrize("provider", [by_cookie, by_cookies_of_request])
    def test_a_cookie(self, provider: Any) -> None:
        assert self.control(self.handler(provider), {"cookie": "user=ann"}) == "private"

    @pytest.mark.parametrize("handler", [by_field, by_struct, by_model, by_marker])
    def test_in_the_handler_itself(self, handler: Any) -> None:
        assert self.control(handler, {"x-user": "ann"}) == "private"

    def test_cookies_that_an_untyped_handler_reads(self) -> None:
        assert self.control(lambda request: request.cookies.get("user", ""), {"cookie": "user=ann"}) == "private"

    def test_an_api_key(self) -> None:
        assert self.control(lambda request: "", {"x-api-key": "k"}) == "private"

    def test_what_does_not_depend_on_users(self) -> None:
        def handler(request: Request, accept_language: Annotated[str, Header()] = "") -> str:
            return accept_language

        fields = {"cookie": "analytics=1", "accept-language": "en", "x-user": "ann"}
        assert self.control(handler, fields, vary=("Accept-Language",)) == "public"
        assert self.control(handler, fields) == "private"
        assert self.control(handler, {"cookie": "analytics=1"}) == "public"
        assert self.control(self.handler(by_field), {}) == "public"

    def test_a_handler_may_say_otherwise(self) -> None:
        def handler(user: Annotated[str, Depends(by_request)]) -> Response:
            return Response("", headers={"cache-control": "public, max-age=1"})

        assert self.control(handler, {"x-user": "ann"}) == "public"
