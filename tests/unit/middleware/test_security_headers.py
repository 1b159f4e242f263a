"""Fields that protect the users of browsers."""

import re
from typing import Any

import pytest
from tests.unit.middleware.every_response import PATHS, every_response

from ropewalk import App, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.middleware import SecurityHeadersOptions, security_headers
from ropewalk.testing import Client

DEFAULT = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "frame-ancestors 'none'",
}
CSP = "content-security-policy"


def sent(headers: Any = (), *, secure: bool = False, **options: Any) -> dict[str, str]:
    app = App(middleware=[security_headers(SecurityHeadersOptions(**options))])
    app.get("/")(lambda request: Response("x", headers=headers))
    fields = dict(Client(app, secure=secure).get("/").headers)
    return {name: value for name, value in fields.items() if name not in ("content-type", "content-length", "date")}


@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_them(path: str) -> None:
    response = Client(every_response(security_headers())).get(path)
    assert response.status == PATHS[path]
    assert DEFAULT.items() <= dict(response.headers).items()


def test_the_defaults() -> None:
    assert sent() == DEFAULT
    assert sent(secure=True) == {**DEFAULT, "strict-transport-security": "max-age=31536000"}


def test_each_can_be_left_out() -> None:
    off: dict[str, Any] = dict.fromkeys(("frames", "referrer_policy", "hsts", "opener_policy", "resource_policy"))
    assert sent(secure=True, nosniff=False, **off) == {}


def test_strict_transport_security() -> None:
    name = "strict-transport-security"
    everything: dict[str, Any] = {"hsts": 63072000, "hsts_subdomains": True, "hsts_preload": True}
    assert sent(secure=True, **everything)[name] == "max-age=63072000; includeSubDomains; preload"
    assert sent(secure=True, hsts=0)[name] == "max-age=0"
    assert name not in sent(**everything)


def test_what_handlers_set_is_kept() -> None:
    given = {"x-content-type-options": "other", "referrer-policy": "origin", CSP: "default-src 'self'"}
    assert sent(given) == {**DEFAULT, **given}


class TestFrames:
    def test_of_the_same_origin(self) -> None:
        fields = sent(frames="same-origin", csp="default-src 'self';")
        assert fields["x-frame-options"] == "SAMEORIGIN"
        assert fields[CSP] == "default-src 'self'; frame-ancestors 'self'"

    def test_the_policy_has_ancestors_already(self) -> None:
        assert sent(csp="frame-ancestors https://a.test")[CSP] == "frame-ancestors https://a.test"

    def test_a_handlers_choice_is_not_overruled(self) -> None:
        fields = sent({"x-frame-options": "SAMEORIGIN"})
        assert (fields["x-frame-options"], fields.get(CSP)) == ("SAMEORIGIN", None)
        assert sent({"x-frame-options": "SAMEORIGIN"}, csp="default-src 'self'")[CSP] == "default-src 'self'"


class TestNonces:
    POLICY = "script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"

    def test_each_response_has_its_own(self) -> None:
        app = App(middleware=[security_headers(SecurityHeadersOptions(csp=self.POLICY))])
        app.get("/")(lambda request: request.state.csp_nonce)
        client = Client(app)
        first, second = client.get("/"), client.get("/")
        assert re.fullmatch(r"[A-Za-z0-9_-]{24}", first.text)
        assert first.text != second.text
        expected = self.POLICY.replace("{nonce}", first.text)
        assert first.headers[CSP] == f"{expected}; frame-ancestors 'none'"

    def test_beside_what_a_handler_set(self) -> None:
        def handler(request: Request) -> Response:
            return Response(request.state.csp_nonce, headers={"x-frame-options": "SAMEORIGIN"})

        app = App(middleware=[security_headers(SecurityHeadersOptions(csp=self.POLICY))])
        app.get("/")(handler)
        response = Client(app).get("/")
        assert response.headers.all(CSP) == [self.POLICY.replace("{nonce}", response.text)]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"nosniff": None}, "RW230"),
        ({"frames": "DENY"}, "RW230"),
        ({"referrer_policy": "none"}, "RW230"),
        ({"hsts": -1}, "RW230"),
        ({"hsts": True}, "RW230"),
        ({"opener_policy": "x"}, "RW230"),
        ({"resource_policy": 1}, "RW230"),
        ({"csp": ""}, "RW230"),
        ({"csp": "default-src 'self'\r\nset-cookie: a=b"}, "RW230"),
        ({"csp": "default-src bücher.test"}, "RW230"),
        ({"permissions_policy": ["camera=()"]}, "RW230"),
        ({"hsts_preload": True}, "RW231"),
        ({"hsts_preload": True, "hsts_subdomains": True, "hsts": 60}, "RW231"),
        ({"hsts": None, "hsts_subdomains": True}, "RW231"),
    ],
)
def test_wrong_options(options: dict[str, Any], code: str) -> None:
    with pytest.raises(HandlerError, match="SecurityHeadersOptions") as caught:
        SecurityHeadersOptions(**options)
    assert caught.value.code == code
