"""Which hosts an app responds for."""

from typing import Any

import pytest
from tests.unit.middleware.every_response import PATHS, every_response

from ropewalk import App
from ropewalk.errors import HandlerError
from ropewalk.middleware import AllowedHostsOptions, allowed_hosts
from ropewalk.middleware.hosts import split_host
from ropewalk.testing import Client

HOSTS = ["example.com", "*.example.org", "localhost:8080", "[::1]", "[2001:DB8::0:1]:8080", "192.0.2.1"]


def status(host: str, **options: Any) -> int:
    app = App(middleware=[allowed_hosts(AllowedHostsOptions(hosts=HOSTS, **options))])
    app.get("/")(lambda request: "x")
    return Client(app).get("/", headers={"host": host}).status


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "EXAMPLE.com", "example.com.", "example.com:8080", "example.com:"),
        *("a.example.org", "a.b.example.org:443", "localhost:8080"),
        *("[::1]", "[::1]:80", "[0:0::1]", "[2001:db8::1]:8080", "192.0.2.1:80"),
    ],
)
def test_these_are_allowed(host: str) -> None:
    assert status(host) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.test", "example.com.evil.test", "evilexample.com", "a.example.com", "example.org", "evil-example.org"),
        *("localhost", "localhost:80", "localhost:08081", "[2001:db8::1]", "[::2]", "192.0.2.2"),
    ],
)
def test_these_are_not(host: str) -> None:
    assert status(host) == 421
    assert status(host, status=400) == 400


@pytest.mark.parametrize(
    "host",
    [
        *("", "a b", "user@example.com", "example.com/x", "example.com:x", "example.com:99999", "example.com:80:80"),
        *("[::1", "::1", "[::1]x", "[1.2.3.4]", "[fe80::1%eth0]", ".example.org", "a..example.org", "*.example.org"),
        *("example.com, example.com", "example.com..", f"{'a' * 5000}.example.org", f"{'a.' * 4000}example.org"),
        "b\xfccher.example.org",
    ],
)
def test_these_are_malformed(host: str) -> None:
    assert status(host) == 400


@pytest.mark.parametrize("path", PATHS)
def test_it_is_around_everything(path: str) -> None:
    client = Client(every_response(allowed_hosts(AllowedHostsOptions(hosts=["example.com"]))))
    assert client.get(path, headers={"host": "evil.test"}).status == 421
    assert client.get(path, headers={"host": "example.com"}).status == PATHS[path]


def test_it_takes_the_host_of_the_target() -> None:
    app = App(middleware=[allowed_hosts(AllowedHostsOptions(hosts=["example.com"]))])
    app.get("/")(lambda request: "x")
    client = Client(app)
    assert client.get("http://evil.test/").status == 421
    assert client.get("http://example.com/").status == 200


@pytest.mark.parametrize(
    ("host", "parts"),
    [
        ("A.example:080", ("a.example", "80")),
        ("[0:0:0:0:0:0:0:1]:8", ("[::1]", "8")),
        ("a" * 253, ("a" * 253, "")),
        ("a" * 254, None),
    ],
)
def test_the_parts_of_a_host(host: str, parts: tuple[str, str] | None) -> None:
    assert split_host(host) == parts


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"hosts": "example.com"}, "RW230"),
        ({"hosts": []}, "RW230"),
        ({"hosts": ["example.com"], "status": 403}, "RW230"),
        ({"hosts": ["https://example.com"]}, "RW233"),
        ({"hosts": ["*"]}, "RW233"),
        ({"hosts": ["*.com"]}, "RW233"),
        ({"hosts": ["*.[::1]"]}, "RW233"),
        ({"hosts": ["a.*.com"]}, "RW233"),
    ],
)
def test_wrong_options(options: dict[str, Any], code: str) -> None:
    with pytest.raises(HandlerError, match="AllowedHostsOptions") as caught:
        AllowedHostsOptions(**options)
    assert caught.value.code == code
