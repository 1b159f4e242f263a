"""The security headers for sites, graded by rules like those of Mozilla's HTTP Observatory."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from ropewalk import App, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.headers import Headers
from ropewalk.middleware import SecurityHeadersOptions, security_headers
from ropewalk.server.https_redirects import redirecting_app
from ropewalk.sessions import SessionsOptions, login, sessions
from ropewalk.stores import MemorySessions
from ropewalk.testing import Client, ClientResponse

SIX_MONTHS = 15768000


def grade(headers: Headers, secure: bool = True) -> dict[str, int]:
    """The points that each rule adds to 100 or subtracts from it. The Observatory's tests have the same names."""
    policy = headers.get("content-security-policy", "").split(";")
    directives = [part.strip().partition(" ") for part in policy]
    csp = {name: sources.split() for name, _, sources in directives if name}
    return {
        "csp": _csp_points(csp),
        "hsts": _hsts_points(headers.get("strict-transport-security")) if secure else 0,
        "nosniff": 0 if headers.get("x-content-type-options") == "nosniff" else -5,
        "frames": _frame_points(csp, headers.get("x-frame-options")),
        "referrer": 5 if headers.get("referrer-policy") in SAFE_REFERRERS else 0,
        "resource": 10 if headers.get("cross-origin-resource-policy") in ("same-origin", "same-site") else 0,
        "cors": -50 if headers.get("access-control-allow-origin") == "*" else 0,
        "cookies": min((_cookie_points(each) for each in headers.all("set-cookie")), default=0),
    }


def _cookie_points(field: str) -> int:
    """The points for the cookie of a session."""
    name, *attributes = (part.strip().lower() for part in field.split(";"))
    if "secure" not in attributes:
        return -40
    if "httponly" not in attributes:
        return -30
    if not any(each.startswith("samesite=") and each != "samesite=none" for each in attributes):
        return -20
    return 5 if name.startswith("__host-") else 0


def redirect_points(response: ClientResponse, host: str) -> int:
    """The points for the response of the plain HTTP port, which must first redirect to HTTPS on the same host."""
    if response.status not in (301, 302, 307, 308):
        return -20
    target = urlsplit(response.headers["location"])
    if target.scheme != "https":
        return -20
    return 0 if target.hostname == host else -5


def script_points(page: str) -> int:
    """The points for scripts of other sites without `integrity`."""
    scripts = re.findall(r"<script[^>]*>", page)
    foreign = [each for each in scripts if re.search(r"""src=["']?(https?:)?//""", each)]
    return -50 if any("integrity=" not in each for each in foreign) else 0


SAFE_REFERRERS = ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin")


def _csp_points(csp: dict[str, list[str]]) -> int:
    if not csp:
        return -25
    scripts = csp.get("script-src", csp.get("default-src"))
    if scripts is None:
        return -25
    guarded = any(re.match(r"'(nonce|sha\d+)-", each) for each in scripts)
    if ("'unsafe-inline'" in scripts and not guarded) or {"*", "data:", "http:", "https:"} & {*scripts}:
        return -20
    if "'unsafe-eval'" in scripts:
        return -10
    styles = csp.get("style-src", csp.get("default-src", []))
    if "'unsafe-inline'" in styles:
        return 0
    strict = csp.get("default-src") == ["'none'"] and "base-uri" in csp and "form-action" in csp
    return 10 if strict else 5


def _hsts_points(field: str | None) -> int:
    if field is None:
        return -20
    age = re.search(r"max-age=(\d+)", field)
    if age is None or int(age[1]) < SIX_MONTHS:
        return -10
    return 5 if "preload" in field else 0


def _frame_points(csp: dict[str, list[str]], field: str | None) -> int:
    if csp.get("frame-ancestors") in (["'none'"], ["'self'"]):
        return 5
    return 0 if field in ("DENY", "SAMEORIGIN") else -20


def site(options: SecurityHeadersOptions) -> Client:
    app = App(middleware=[security_headers(options)])

    @app.get("/")
    def index(request: Request) -> Response:
        return Response.html(f"<script nonce={request.state.csp_nonce}></script>")

    return Client(app, secure=True)


class TestGrade:
    def test_a_site_gets_all_points(self) -> None:
        client = site(SecurityHeadersOptions.for_sites(hsts_subdomains=True, hsts_preload=True))
        points = grade(client.get("/").headers)
        assert points == {
            "csp": 10,
            "hsts": 5,
            "nosniff": 0,
            "frames": 5,
            "referrer": 5,
            "resource": 10,
            "cors": 0,
            "cookies": 0,
        }

    def test_a_site_without_preload_loses_nothing(self) -> None:
        points = grade(site(SecurityHeadersOptions.for_sites()).get("/").headers)
        assert min(points.values()) == 0
        assert 100 + sum(points.values()) == 130  # A+ begins at 100

    def test_an_error_page_has_the_same_grade(self) -> None:
        client = site(SecurityHeadersOptions.for_sites())
        missing = client.get("/missing")
        assert missing.status == 404
        assert grade(missing.headers) == grade(client.get("/").headers)

    @pytest.mark.parametrize(
        ("changes", "rule", "points"),
        [
            ({"csp": None}, "csp", -25),
            ({"csp": "default-src 'self' 'unsafe-inline'"}, "csp", -20),
            ({"csp": "default-src 'self'; script-src 'unsafe-eval'"}, "csp", -10),
            ({"csp": "default-src 'self'"}, "csp", 5),
            ({"hsts": None}, "hsts", -20),
            ({"hsts": 60}, "hsts", -10),
            ({"nosniff": False}, "nosniff", -5),
            ({"frames": None}, "frames", -20),
            ({"referrer_policy": "unsafe-url"}, "referrer", 0),
            ({"resource_policy": None}, "resource", 0),
        ],
    )
    def test_what_a_change_costs(self, changes: dict[str, Any], rule: str, points: int) -> None:
        """Each of these changes of a default costs points. Otherwise the rules of this file could never fail."""
        app = App(middleware=[security_headers(SecurityHeadersOptions.for_sites(**changes))])
        assert grade(Client(app, secure=True).get("/").headers)[rule] == points


class TestTheWholeSite:
    def test_a_session(self) -> None:
        """A page that sets the cookies of a session and of a remembered browser."""
        stores = SessionsOptions(store=MemorySessions())
        app = App(middleware=[security_headers(SecurityHeadersOptions.for_sites()), sessions(stores)])

        @app.get("/")
        def index(request: Request) -> Response:
            login(request, "ada", remember=True)
            return Response.html("<p>Hello")

        headers = Client(app, secure=True).get("/").headers
        assert len(headers.all("set-cookie")) == 2
        assert grade(headers)["cookies"] == 5

    @pytest.mark.parametrize(
        ("cookie", "points"),
        [
            ("a=1", -40),
            ("a=1; Secure", -30),
            ("a=1; Secure; HttpOnly", -20),
            ("a=1; Secure; HttpOnly; SameSite=Lax", 0),
        ],
    )
    def test_what_a_cookie_costs(self, cookie: str, points: int) -> None:
        assert grade(Headers([("set-cookie", cookie)]))["cookies"] == points

    def test_the_redirect_to_https(self) -> None:
        client = Client(redirecting_app(443, lambda name: name == "a.example"), base_url="http://a.example")
        assert redirect_points(client.get("/rooms?a=1"), "a.example") == 0
        plain = App()
        plain.get("/")(lambda request: "plain")
        assert redirect_points(Client(plain).get("/"), "a.example") == -20

    def test_error_pages_have_no_foreign_script(self) -> None:
        client = site(SecurityHeadersOptions.for_sites())
        page = client.get("/missing", headers={"accept": "text/html"}).text
        assert script_points(page) == 0
        assert script_points('<script src="https://cdn.example/a.js"></script>') == -50


class TestForSites:
    def test_each_response_has_its_nonce(self) -> None:
        client = site(SecurityHeadersOptions.for_sites())
        first, second = client.get("/"), client.get("/")
        for response in (first, second):
            nonce = response.text.partition("nonce=")[2].partition(">")[0]
            policy = response.headers["content-security-policy"]
            assert policy.count(f"'nonce-{nonce}'") == 2
            assert "{nonce}" not in policy
        assert first.text != second.text

    def test_options_can_be_replaced(self) -> None:
        options = SecurityHeadersOptions.for_sites(frames="same-origin", permissions_policy=None)
        headers = site(options).get("/").headers
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "permissions-policy" not in headers

    def test_wrong_options_are_refused(self) -> None:
        with pytest.raises(HandlerError, match="RW230 SecurityHeadersOptions: frames cannot be 'no'"):
            SecurityHeadersOptions.for_sites(frames="no")
