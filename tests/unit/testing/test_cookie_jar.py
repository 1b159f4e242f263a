"""The cookie jar: RFC 6265, section 5."""

from datetime import UTC, datetime

import pytest

from ropewalk.cookie_jar import parse_cookie_date
from ropewalk.errors import InvalidField
from ropewalk.testing import CookieJar

HOST = "www.example.com"


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def jar_with(*fields: str, host: str = HOST, path: str = "/", clock: Clock | None = None) -> CookieJar:
    jar = CookieJar(host=host, clock=clock or Clock())
    for field in fields:
        jar.store(field, host, path)
    return jar


def sent(jar: CookieJar, host: str = HOST, path: str = "/", *, secure: bool = False) -> list[str]:
    return [f"{cookie.name}={cookie.value}" for cookie in jar.matching(host, path, secure=secure)]


def test_a_cookie_belongs_to_its_host_alone() -> None:
    jar = jar_with("a=1")
    assert sent(jar) == ["a=1"]
    assert sent(jar, "example.com") == sent(jar, f"a.{HOST}") == sent(jar, "www.example.org") == []


@pytest.mark.parametrize("domain", ["example.com", ".example.com", "EXAMPLE.com"])
def test_a_domain_includes_the_hosts_below(domain: str) -> None:
    jar = jar_with(f"a=1; Domain={domain}")
    assert sent(jar) == sent(jar, "example.com") == sent(jar, "a.b.example.com") == ["a=1"]
    assert sent(jar, "badexample.com") == sent(jar, "com") == []


@pytest.mark.parametrize("domain", ["other.com", "com", "a.www.example.com", "ample.com"])
def test_a_cookie_for_another_domain_is_ignored(domain: str) -> None:
    assert jar_with(f"a=1; Domain={domain}") == {}


def test_addresses_have_no_hosts_below() -> None:
    assert jar_with("a=1; Domain=0.0.1", host="127.0.0.1") == {}
    jar = jar_with("a=1; Domain=127.0.0.1", host="127.0.0.1")
    assert sent(jar, "127.0.0.1") == ["a=1"]
    assert sent(jar, "1.127.0.0.1") == []


@pytest.mark.parametrize(
    ("field", "at", "paths", "others"),
    [
        ("a=1; Path=/docs", "/", ["/docs", "/docs/", "/docs/a?b=/"], ["/", "/docsets", "/doc"]),
        ("a=1; Path=/docs/", "/", ["/docs/", "/docs/a"], ["/docs"]),
        ("a=1", "/docs/web/a", ["/docs/web", "/docs/web/b"], ["/docs", "/docs/webs"]),
        ("a=1; Path=docs", "/a/b", ["/a/c"], ["/docs"]),
        ("a=1", "/a?b=/c/d", ["/", "/x"], []),
        ("a=1; Path=/", "/a/b", ["/", "/x?y"], []),
    ],
)
def test_paths(field: str, at: str, paths: list[str], others: list[str]) -> None:
    jar = jar_with(field, path=at)
    assert [path for path in paths if sent(jar, path=path) != ["a=1"]] == []
    assert [path for path in others if sent(jar, path=path)] == []


def test_longer_paths_are_first_then_the_order_of_creation() -> None:
    jar = jar_with("a=1; Path=/", "b=2; Path=/x", "c=3; Path=/", "b=4; Path=/", "a=5; Path=/")
    assert sent(jar, path="/x") == ["b=2", "a=5", "c=3", "b=4"]
    assert (dict(jar), len(jar), jar["b"]) == ({"b": "2", "a": "5", "c": "3"}, 3, "2")


def test_secure_cookies_need_https() -> None:
    jar = jar_with("a=1; Secure")
    assert sent(jar) == []
    assert sent(jar, secure=True) == ["a=1"]


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        ("__Secure-a=1", False),
        ("__Secure-a=1; Secure", True),
        ("__Host-a=1; Secure; Path=/", True),
        ("__Host-a=1; Secure; Path=/x", False),
        ("__host-a=1; Path=/", False),
        ("__Host-a=1; Secure; Path=/; Domain=www.example.com", False),
    ],
)
def test_prefixes(field: str, kept: bool) -> None:
    assert bool(jar_with(field)) is kept


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [
        ("Max-Age=60", 60.0),
        ("Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 60.0),
        ("Max-Age=nonsense; Expires=Mon, 12 Jan 1970 13:46:50 GMT", 10.0),
        ("Expires=Mon, 12 Jan 1970 13:46:50 GMT", 10.0),
    ],
)
def test_cookies_expire(attributes: str, seconds: float) -> None:
    clock = Clock()
    jar = jar_with(f"a=1; {attributes}", clock=clock)
    clock.now += seconds - 1
    assert sent(jar) == ["a=1"]
    clock.now += 1
    assert sent(jar) == []
    assert jar == {}


@pytest.mark.parametrize("end", ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_past_date_deletes(end: str) -> None:
    jar = jar_with("a=1; Path=/", "b=2; Path=/", f"a=; Path=/; {end}", f"b=; Path=/other; {end}")
    assert dict(jar) == {"b": "2"}


@pytest.mark.parametrize("field", ["", "a", "=1", "; Path=/"])
def test_what_is_not_a_cookie_is_ignored(field: str) -> None:
    assert jar_with(field) == {}


def test_values_are_kept_as_they_are() -> None:
    jar = jar_with('a = "x y" ; HttpOnly; SameSite=Lax', "b=1=2")
    assert sent(jar) == ['a="x y"', "b=1=2"]
    first = jar.all()[0]
    assert (first.http_only, first.same_site, first.expires) == (True, "Lax", None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun Nov  6 08:49:37 1994", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("06-nov-26 8:9:7", datetime(2026, 11, 6, 8, 9, 7, tzinfo=UTC)),
        ("06 Nov 1500 08:49:37", None),
        ("31 Feb 2026 08:49:37", None),
        ("06 Nov 2026 24:49:37", None),
        ("06 Nov 2026", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_dates(text: str, moment: datetime | None) -> None:
    assert parse_cookie_date(text) == (None if moment is None else moment.timestamp())


def test_cookies_by_hand() -> None:
    jar = CookieJar({"a": "1"}, host=HOST)
    jar.set("b", "2", domain="example.com", path="/x", secure=True)
    assert sent(jar, path="/x", secure=True) == ["b=2", "a=1"]
    assert sent(jar, "example.com", "/x", secure=True) == ["b=2"]
    jar.delete("a")
    with pytest.raises(KeyError):
        jar.delete("a")
    with pytest.raises(KeyError):
        jar["a"]
    jar.clear()
    assert jar == {}


@pytest.mark.parametrize(("name", "value"), [("a b", "1"), ("a", "1; b=2"), ("a", "1\r\nx: y"), ("a", "é")])
def test_an_invalid_cookie_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidField):
        CookieJar({name: value})


class TestProtectedSecureCookies:
    def test_http_cannot_set_or_replace_them(self) -> None:
        jar = CookieJar()
        assert jar.store("a=1; Secure; Path=/x", "www.example.com", "/") is not None
        for ignored in (
            "a=2; Secure",
            "b=2; Secure",
            "a=2; Path=/x",
            "a=2; Path=/x/y",
            "a=2; Path=/x; Domain=example.com",
            "a=2; Path=/x; Max-Age=0",
        ):
            assert jar.store(ignored, "www.example.com", "/", protect_secure=True) is None
        assert [cookie.value for cookie in jar.all()] == ["1"]

    @pytest.mark.parametrize("field", ["a=2", "a=2; Path=/xy", "b=2; Path=/x"])
    def test_other_cookies(self, field: str) -> None:
        jar = CookieJar()
        jar.store("a=1; Secure; Path=/x", "www.example.com", "/")
        assert jar.store(field, "www.example.com", "/", protect_secure=True) is not None
        assert jar.store("a=2; Path=/x", "other.example", "/", protect_secure=True) is not None


@pytest.mark.parametrize("field", ["a=\x01", "a=1; Path=/\x7f", "a\x00=1", "a=1\r\nb: c"])
def test_control_characters(field: str) -> None:
    jar = CookieJar()
    assert jar.store(field, HOST, "/") is None
    assert jar.store("a=1\t; Path=/", HOST, "/") is not None
    assert jar["a"] == "1"
