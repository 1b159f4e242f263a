"""The cookies that a client keeps."""

from tests.unit.client.calls import result_of

from ropewalk.client import HTTPClient, HTTPClientOptions
from ropewalk.testing import FakeService


def test_cookies(fake: FakeService) -> None:
    fake.reply("GET", "/set", headers=[("set-cookie", "a=1; Path=/"), ("set-cookie", f"b={'x' * 5000}")])
    fake.reply("GET", "/")
    client = HTTPClient(HTTPClientOptions(cookies=True), transport=fake)
    result_of(client.get("/set"))
    result_of(client.get("/"))
    assert fake.calls[-1].headers["cookie"] == "a=1"
    result_of(client.get("/", headers={"cookie": "own=1"}))
    assert fake.calls[-1].headers["cookie"] == "own=1"


def test_http_does_not_replace_cookies_of_https(fake: FakeService) -> None:
    fake.reply("GET", "https://a/", headers={"set-cookie": "id=safe; Secure"})
    fake.reply("GET", "http://a/", headers={"set-cookie": "id=forged"})
    client = HTTPClient(HTTPClientOptions(cookies=True))
    with client.using(fake):
        for url in ("https://a/", "http://a/", "https://a/"):
            assert result_of(client.get(url)).status == 200
    assert fake.calls[-1].headers["cookie"] == "id=safe"


def test_the_oldest_cookies_are_removed(fake: FakeService) -> None:
    many = [("set-cookie", f"c{number}=1; Path=/{number}") for number in range(3000)]
    fake.reply("GET", "/many", headers=many)
    fake.reply("GET", "/new", headers=[("set-cookie", "new=1; Path=/")])
    fake.reply("GET", "/update", headers=[("set-cookie", "new=2; Path=/")])
    fake.reply("GET", "/delete", headers=[("set-cookie", "new=; Path=/; Max-Age=0")])
    fake.reply("GET", "/{name}")
    client = HTTPClient(HTTPClientOptions(cookies=True), transport=fake)

    def sent(path: str) -> str | None:
        result_of(client.get(path))
        return fake.calls[-1].headers.get("cookie")

    sent("/many")
    sent("/new")
    assert [sent("/0"), sent("/1"), sent("/2999")] == ["new=1", "c1=1; new=1", "c2999=1; new=1"]
    sent("/update")
    assert sent("/0") == "new=2"
    sent("/delete")
    assert [sent("/0"), sent("/1")] == [None, "c1=1"]
