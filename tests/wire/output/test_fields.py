"""Invalid fields, cookies, reason phrases, redirects and statuses are not sent."""

from collections.abc import Iterable

import pytest
from tests.problems import problem
from tests.wire.connection import GET
from tests.wire.output import fields
from tests.wire.output.conftest import Careless, assert_logged, request

from ropewalk.headers import Text

BAD_VALUES: tuple[Text, ...] = (
    "a\r",
    "a\n",
    "\n",
    "a\0b",
    "a\r\nX-Forged: b",
    "a\nX-Forged: b",
    "a\r\n\r\nforged",
    "a\r\n folded",
    "a\x01",
    "a\x0b",
    "a\x7f",
    "a\x1b[2J",
    b"a\r\nX-Forged: b",
    b"a\0",
)
BAD_TEXTS = ("\u20ac", "a\u2028b", "\ud800")
"""Characters outside of Latin-1."""
BAD_NAMES: tuple[Text, ...] = (
    "",
    "x y",
    " x",
    "x:",
    "x\r\n",
    "x\n",
    "x\0",
    "X-Forged: b\r\nx",
    "(x)",
    "\xe9",
    "\u212a",
    "\ud800",
    b"\xff",
    b"x y",
)
BAD_FRAMING = (
    ("transfer-encoding", "chunked"),
    ("Transfer-Encoding", "identity"),
    ("content-length", "ten"),
    ("content-length", "-1"),
    ("content-length", "+1"),
    ("content-length", "0x1"),
    ("content-length", "1_0"),
    ("content-length", "01"),
    ("Content-Length", "1, 1"),
    ("content-length", ""),
    ("content-length", "1 1"),
    ("content-length", str(1 << 70)),
)
BAD: tuple[tuple[Text, Text], ...] = (
    *(("x-one", value) for value in (*BAD_VALUES, *BAD_TEXTS)),
    *((name, "a") for name in BAD_NAMES),
    *BAD_FRAMING,
)


FOUND_LATER = {"/changing/": "inner", "/replacing/": "inner", "/handling/": "failing"}
"""The function that the log names for a framing field that was set by middleware or an error handler."""


UNENDED = ("/by_the_engine", "/begun_by_the_engine", "/by_upgrade")
"""Handlers whose response is an error even if the field is valid."""


def written(given: Text) -> str:
    return f"b{given.hex()}" if isinstance(given, bytes) else f"s{given.encode('utf-8', 'surrogatepass').hex()}"


def asking(path: str, **given: Text) -> bytes:
    query = "&".join(f"{name}={written(value)}" for name, value in given.items())
    return request(f"{path}?{query}")


def assert_refused(careless: Careless, path: str, handler: str, requests: Iterable[bytes], code: str = "RW304") -> None:
    """Check that each request gets a 500 without the invalid value.

    The next request is served, and the log has the reason.
    """
    requests = list(requests)
    for response in careless.responses(*requests):
        assert (response.status, response.text) == (500, problem(500))
        assert response.field("x-forged") is None
        assert response.field("x-one") is None
    logged = careless.log()
    assert len(logged) == len(requests)
    for entry in logged:
        assert_logged(entry, code, path, handler)


def assert_explained(careless: Careless, path: str, handler: str, requests: Iterable[bytes], remedy: str) -> None:
    """As `assert_refused`, for errors with another remedy."""
    requests = list(requests)
    assert {response.status for response in careless.responses(*requests)} == {500}
    logged = careless.log()
    assert len(logged) == len(requests)
    for entry in logged:
        assert_logged(entry, "RW304", path, handler, remedy)


class TestFields:
    @pytest.mark.parametrize("path", fields.ways)
    def test_values_that_end_a_field(self, careless: Careless, path: str) -> None:
        requests = [asking(f"/fields{path}", name="x-one", value=value) for value in BAD_VALUES]
        assert_refused(careless, f"/fields{path}", fields.ways[path], requests)

    @pytest.mark.parametrize("path", fields.ways)
    def test_values_that_cannot_be_expressed(self, careless: Careless, path: str) -> None:
        requests = [asking(f"/fields{path}", name="x-one", value=value) for value in BAD_TEXTS]
        assert {response.status for response in careless.responses(*requests)} == {500}
        logged = careless.log()
        assert len(logged) == len(requests)
        assert all(fields.ways[path] in entry for entry in logged)

    @pytest.mark.parametrize("path", fields.ways)
    def test_names_that_are_none(self, careless: Careless, path: str) -> None:
        requests = [asking(f"/fields{path}", name=name, value="a") for name in BAD_NAMES]
        assert {response.status for response in careless.responses(*requests)} == {500}
        logged = careless.log()
        assert len(logged) == len(requests)
        assert all(fields.ways[path] in entry for entry in logged)

    @pytest.mark.parametrize("path", [path for path in fields.ways if path not in ("/by_interim", "/by_upgrade")])
    def test_framing_is_the_engines(self, careless: Careless, path: str) -> None:
        """A response cannot set the fields that frame its body, because a client could then read one response as two
        (RFC 9112, section 6)."""
        requests = [asking(f"/fields{path}", name=name, value=value) for name, value in BAD_FRAMING]
        assert_refused(careless, f"/fields{path}", FOUND_LATER.get(path, fields.ways[path]), requests)

    def test_trailers(self, careless: Careless) -> None:
        """If a trailer is invalid, the connection is cut, because the head was already sent."""
        for name, value in (*(("x-one", value) for value in BAD_VALUES), *((name, "a") for name in BAD_NAMES)):
            received = careless.cut(asking("/fields/trailers", name=name, value=value))
            assert b"0\r\n" not in received.partition(b"\r\n\r\n")[2]
            assert b"Forged" not in received
            (entry,) = careless.log()
            assert "Trailers.render_GET at tests/wire/output/fields.py:" in entry.partition("\n")[0]

    @pytest.mark.parametrize("name", ["Content-Length", "Host", "Set-Cookie", "Content-Type", "Authorization"])
    def test_trailers_that_say_what_a_head_says(self, careless: Careless, name: str) -> None:
        """Fields that are valid only in a head are refused as trailers (RFC 9110, section 6.5.1)."""
        received = careless.cut(asking("/fields/trailers", name=name, value="1"))
        assert b"0\r\n" not in received.partition(b"\r\n\r\n")[2]
        (entry,) = careless.log()
        assert_logged(entry, "RW304", "/fields/trailers", "Trailers.render_GET")

    def test_a_good_trailer(self, careless: Careless) -> None:
        (response,) = careless.responses(asking("/fields/trailers", name="x-sum", value="1"))
        assert (response.text, response.trailers) == ("x", [("x-sum", "1")])

    def test_what_is_no_field_at_all(self, careless: Careless) -> None:
        for number in range(7):
            path = f"/fields/not-fields/{number}"
            remedy = "Give a mapping, or pairs of name and value."
            assert_explained(careless, path, "not_fields", [request(path)], remedy)
        for number in (7, 8):
            path = f"/fields/not-fields/{number}"
            assert_refused(careless, path, "not_fields", [request(path)])

    def test_a_mapping_that_raises(self, careless: Careless) -> None:
        assert_refused(
            careless, "/fields/raising-fields", "raising_fields", [request("/fields/raising-fields")], "RW208"
        )

    def test_headers_of_another_kind(self, careless: Careless) -> None:
        assert_refused(careless, "/fields/other-headers", "other_headers", [request("/fields/other-headers")], "RW208")

    @pytest.mark.parametrize("path", [path for path in fields.ways if path not in UNENDED])
    def test_good_ones(self, careless: Careless, path: str) -> None:
        for value in ("a", "", "a\tb", "x" * 1000):
            connection = careless.connect()
            connection.send(asking(f"/fields{path}", name="X-One", value=value) + GET)
            response = connection.response()
            assert response.field("x-one") == value
            if path == "/by_interim":
                response = connection.response()
            assert response.status in (200, 302, 404)
            assert connection.response().text == "Hello, World!"

    def test_a_very_long_one(self, careless: Careless) -> None:
        (response,) = careless.responses(request("/fields/very-long"))
        assert response.field("x-one") == "x" * 1_000_000

    def test_names_may_be_bytes(self, careless: Careless) -> None:
        (response,) = careless.responses(request("/fields/bytes-names"))
        assert (response.field("x-one"), response.field("x-two")) == ("1", "3")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("connection", "keep-alive"),
            ("connection", "x-one"),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("upgrade", "rope/1"),
            ("trailer", "x-sum"),
            ("keep-alive", "timeout=5"),
            ("content-length", "1"),
        ],
    )
    def test_hop_by_hop_ones_shift_nothing(self, careless: Careless, name: str, value: str) -> None:
        (response,) = careless.responses(asking("/fields/by_mapping", name=name, value=value))
        assert (response.status, response.text, response.field(name)) == (200, "x", value)

    def test_close_closes(self, careless: Careless) -> None:
        received = careless.cut(asking("/fields/by_mapping", name="connection", value="x-one, Close"))
        assert received.endswith(b"\r\n\r\nx")
        assert b"\r\nConnection: close\r\n" in received


class TestContentType:
    def test_of_a_response(self, careless: Careless) -> None:
        requests = [asking("/fields/content-type", value=value) for value in BAD_VALUES]
        assert_refused(careless, "/fields/content-type", "content_type", requests)

    def test_of_a_route(self, careless: Careless) -> None:
        assert_refused(careless, "/fields/of-the-route", "of_the_route", [request("/fields/of-the-route")])

    def test_of_a_download(self, careless: Careless) -> None:
        """RFC 8187: the file name in Content-Disposition is encoded."""
        for response in careless.responses(
            *(asking("/fields/download", value=value) for value in ("a\r\nX-Forged: b", '"'))
        ):
            assert response.status == 200
            assert response.field("x-forged") is None


class TestRedirects:
    PATHS = (("/fields/redirect", "redirect"), ("/fields/prepared-redirect", "prepared_redirect"))

    @pytest.mark.parametrize(("path", "handler"), PATHS)
    def test_targets_with_controls(self, careless: Careless, path: str, handler: str) -> None:
        requests = [asking(path, value=value) for value in (*BAD_VALUES, "/\t", "/\ud800")]
        assert_explained(careless, path, handler, requests, "Encode input from users")

    @pytest.mark.parametrize(("path", "handler"), PATHS)
    def test_targets_that_are_encoded(self, careless: Careless, path: str, handler: str) -> None:
        """CVE-2024-41810: markup in the target of a redirect is escaped."""
        targets: dict[Text, str] = {
            "/a b": "/a%20b",
            "/\u20ac": "/%E2%82%AC",
            b"/\xff": "/%FF",
            '/"><script>alert(1)</script>': "/%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
            "/\\example.org": "/%5Cexample.org",
            "javascript:alert('x')": "javascript:alert('x')",
            "//example.org/%0d%0aX-Forged:%20b": "//example.org/%0d%0aX-Forged:%20b",
        }
        responses = careless.responses(*(asking(path, value=target) for target in targets))
        assert [response.field("location") for response in responses] == list(targets.values())
        assert {(response.status, response.body) for response in responses} == {(302, b"")}

    def test_statuses(self, careless: Careless) -> None:
        for status in (200, 201, 300, 304, 399, 404, 3020):
            path = f"/fields/redirect-status/{status}"
            assert_explained(careless, path, "redirect_status", [request(path)], "Use 301, 302, 303, 307 or 308.")
        statuses = (301, 302, 303, 307, 308)
        responses = careless.responses(*(request(f"/fields/redirect-status/{status}") for status in statuses))
        assert tuple(response.status for response in responses) == statuses


class TestCookies:
    """Cookies with invalid names, values or attributes are not sent (RFC 6265, section 4.1.1)."""

    def test_names_and_values(self, careless: Careless) -> None:
        path = "/fields/cookie"
        names = [asking(path, name=name, value="1") for name in BAD_NAMES]
        values = [
            asking(path, name="a", value=value) for value in (*BAD_VALUES, *BAD_TEXTS, "a b", 'a"', "a;b", "a,b", "a\\")
        ]
        for requests, remedy in (
            (names, "Use ASCII without spaces"),
            (values, "urllib.parse.quote"),
        ):
            assert_explained(careless, path, "cookie", requests, remedy)

    def test_what_ends_the_line_or_the_cookie_in_twisteds_manner(self, careless: Careless) -> None:
        path = "/fields/twisted-cookie"
        requests = [asking(path, name="a", value=value) for value in (*BAD_VALUES, "a;b")]
        requests += [asking(path, name=name, value="1") for name in ("", "a=b", "a;b", "a\r\nb")]
        assert {response.status for response in careless.responses(*requests)} == {500}
        logged = careless.log()
        assert len(logged) == len(requests)
        for entry in logged:
            assert_logged(entry, "RW304", path, "twisted_cookie", "cookie")

    @pytest.mark.parametrize("name", ["path", "domain", "same_site", "expires", "max_age"])
    def test_attributes(self, careless: Careless, name: str) -> None:
        path = f"/fields/attribute/{name}"
        requests = [asking(path, value=value) for value in (*BAD_VALUES, "a;b", ";")]
        assert {response.status for response in careless.responses(*requests)} == {500}
        logged = careless.log()
        assert len(logged) == len(requests)
        for entry in logged:
            assert_logged(entry, "RW304", path, "attribute", "of the cookie a (RFC 6265, section 4.1.1)")

    def test_several_in_both_ways(self, careless: Careless) -> None:
        (response,) = careless.responses(request("/fields/cookies"))
        assert [value for name, value in response.fields if name == "set-cookie"] == [
            "three=3; Path=/; HttpOnly; SameSite=Lax",
            "one=1; Path=/; HttpOnly; SameSite=Lax",
            "two=2; Max-Age=60; Secure",
        ]


class TestReasons:
    """Reason phrases that would end the status line are not sent (RFC 9112, section 4)."""

    def test_those_that_end_the_line(self, careless: Careless) -> None:
        requests = [asking("/fields/reason", value=value) for value in (*BAD_VALUES, *BAD_TEXTS)]
        assert_refused(careless, "/fields/reason", "reason", requests)

    def test_one_of_the_handlers_own(self, careless: Careless) -> None:
        connection = careless.connect()
        connection.send(asking("/fields/reason", value="All is well"))
        assert connection.socket.recv(100_000).startswith(b"HTTP/1.1 200 All is well\r\n")


class TestStatuses:
    """Only numbers that are the status of a final response are sent (RFC 9110, section 15)."""

    @pytest.mark.parametrize(
        ("path", "handler"),
        [
            ("/fields/status-set-later", "status_set_later"),
            ("/fields/status-of-parts", "status_of_parts"),
            ("/fields/status-prepared", "status_prepared"),
        ],
    )
    def test_what_is_none(self, careless: Careless, path: str, handler: str) -> None:
        requests = [request(f"{path}?number={number}") for number in range(len(fields.STATUSES))]
        assert_explained(careless, path, handler, requests, "Use an int from 200 to 599.")

    @pytest.mark.parametrize(
        ("path", "handler", "words"),
        [
            ("/fields/status-of-response", "status_of_response", ""),
            (
                "/fields/status-of-http-error",
                "status_of_http_error",
                "The status of an HTTPError must be from 400 to 599",
            ),
            ("/fields/status-by-the-engine", "status_by_the_engine", ""),
        ],
    )
    def test_where_it_is_said(self, careless: Careless, path: str, handler: str, words: str) -> None:
        requests = [request(f"{path}?number={number}") for number in range(len(fields.STATUSES))]
        assert {response.status for response in careless.responses(*requests)} == {500}
        logged = careless.log()
        assert len(logged) == len(requests)
        for entry in logged:
            line = entry.partition("\n")[0]
            assert line.startswith(("RW208 ", "RW304 "))
            assert f"{handler} at tests/wire/output/fields.py:" in line
            assert words in line
