"""Cache-Control for responses that have none."""

from typing import Any

import pytest
from tests.unit.middleware.every_response import PATHS, every_response

from ropewalk import App, Response
from ropewalk.errors import HandlerError
from ropewalk.middleware import CacheHeadersOptions, cache_headers
from ropewalk.testing import Client, ClientResponse

PUBLIC = CacheHeadersOptions(max_age=60, visibility="public", shared_max_age=600)


def get(
    options: CacheHeadersOptions, headers: Any = (), *, status: int = 200, method: str = "GET", asked: Any = ()
) -> ClientResponse:
    app = App(middleware=[cache_headers(options)])
    app.route("/", methods=["GET", "POST"])(lambda request: Response("x", status, headers))
    return Client(app).request(method, "/", headers=asked)


def control(options: CacheHeadersOptions, headers: Any = (), **more: Any) -> str | None:
    return get(options, headers, **more).headers.get("cache-control")


@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_one(path: str) -> None:
    response = Client(every_response(cache_headers(PUBLIC))).get(path)
    expected = "public, max-age=60, s-maxage=600" if PATHS[path] == 200 else "no-store"
    assert response.headers["cache-control"] == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "no-store"),
        ({"max_age": 0}, "private, max-age=0, no-cache"),
        ({"max_age": 60}, "private, max-age=60"),
        ({"max_age": 60, "visibility": "public", "immutable": True}, "public, max-age=60, immutable"),
        (
            {"max_age": 60, "stale_while_revalidate": 5, "stale_if_error": 6},
            "private, max-age=60, stale-while-revalidate=5, stale-if-error=6",
        ),
    ],
)
def test_values(options: dict[str, Any], expected: str) -> None:
    assert control(CacheHeadersOptions(**options)) == expected
    assert control(CacheHeadersOptions(**options), method="HEAD") == expected


class TestWhatIsNeverShared:
    def test_errors(self) -> None:
        assert control(PUBLIC, status=404) == "no-store"

    def test_other_methods(self) -> None:
        assert control(PUBLIC, method="POST") == "no-store"

    def test_cookies(self) -> None:
        assert control(PUBLIC, {"set-cookie": "a=b"}) == "private, max-age=60"

    def test_requests_with_authorization(self) -> None:
        assert control(PUBLIC, asked={"authorization": "Bearer x"}) == "private, max-age=60"


def test_what_handlers_set_is_kept() -> None:
    assert control(PUBLIC, {"cache-control": "no-cache"}) == "no-cache"
    assert control(PUBLIC, {"expires": "0"}) is None


@pytest.mark.parametrize("given", ["accept-language", "*"])
def test_vary(given: str) -> None:
    options = CacheHeadersOptions(max_age=1, vary=["Accept-Language", "Accept"])
    assert get(options).headers["vary"] == "Accept-Language, Accept"
    expected = [given] if given == "*" else [given, "Accept"]
    assert get(options, {"vary": given}).headers.all("vary") == expected


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"max_age": -1}, "RW230"),
        ({"max_age": "60"}, "RW230"),
        ({"max_age": 1, "visibility": "shared"}, "RW230"),
        ({"max_age": 1, "immutable": 1}, "RW230"),
        ({"max_age": 1, "vary": "Accept"}, "RW230"),
        ({"max_age": 1, "vary": ["a\r\nb: c"]}, "RW230"),
        ({"visibility": "public"}, "RW231"),
        ({"immutable": True}, "RW231"),
        ({"stale_if_error": 1}, "RW231"),
        ({"max_age": 1, "shared_max_age": 1}, "RW231"),
    ],
)
def test_wrong_options(options: dict[str, Any], code: str) -> None:
    with pytest.raises(HandlerError, match="CacheHeadersOptions") as caught:
        CacheHeadersOptions(**options)
    assert caught.value.code == code
