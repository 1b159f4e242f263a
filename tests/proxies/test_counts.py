"""`counts` detects the errors that it must detect."""

from tests.proxies.counts import News
from tests.proxies.exchange import History
from tests.proxies.relay import Upstream

ONE = b"GET /one HTTP/1.1\r\nX-Front-Request: 1\r\n\r\n"
TWO = b"GET /two HTTP/1.1\r\nX-Front-Request: 2\r\n\r\n"

REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


def response(number: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nX-Serial: %d\r\nContent-Length: 2\r\n\r\nok" % number


def differences(asked: bytes, returned: bytes, *stamps: str | None, over: bool = False) -> list[str]:
    """The differences that are found for the bytes of the proxy, our bytes, and the stamps of the requests that we
    received."""
    upstreams: list[Upstream] = []
    history = History(("nowhere", 0))
    news = News(upstreams, history)
    upstreams.append(Upstream(bytearray(asked), bytearray(returned), over))
    history.requests += [("GET", f"/{stamp}", stamp) for stamp in stamps]
    return list(news.differences())


def test_both_count_alike() -> None:
    assert differences(ONE + TWO, response(0) + response(1), "1", "2") == []
    assert differences(ONE + TWO, response(0) + REFUSED, "1") == []
    assert differences(ONE + TWO, response(0), "1", "2", over=True) == []
    assert differences(ONE, b"HTTP/1.1 103 Early Hints\r\n\r\n" + response(0), "1") == []


def test_a_request_that_the_proxy_took_for_a_body() -> None:
    assert "GET /None was not forwarded as a request" in differences(ONE, response(0) + response(1), "1", None)
    assert "GET /6 was not forwarded as a request" in differences(ONE, response(0) + response(1), "1", "6")
    assert "2 answers to 1 forwarded requests" in differences(ONE, response(0) + response(1), "1", "6")


def test_a_request_that_we_took_for_a_body() -> None:
    assert differences(ONE + TWO, response(0), "1") == ["1 forwarded requests without an answer"]


def test_a_request_that_came_twice() -> None:
    assert "GET /1 came twice" in differences(ONE, response(0) + response(1), "1", "1")


def test_a_response_of_another() -> None:
    assert differences(ONE + TWO, response(1) + response(0), "1", "2") == [
        "the request 1 got the answer of another, 200",
        "the request 2 got the answer of another, 200",
    ]


def test_a_refusal_that_came_out_of_the_blue() -> None:
    assert "something else than the request 1 was refused by 400" in differences(ONE, REFUSED, "1")
    assert "something else than the request 1 was refused by 400" in differences(ONE + TWO, REFUSED, over=True)


def test_clients_get_what_is_theirs() -> None:
    history = History(("nowhere", 0), [("GET", "/old", "0")])
    news = News([], history)
    history.requests += [("GET", "/a", "1"), ("GET", "/b", "2")]
    assert list(news.misled(response(1) + REFUSED)) == []
    assert list(news.misled(response(0))) != []
    assert list(news.misled(response(2) + response(1))) != []
    assert list(news.harmed(response(1), "/a")) == []
    assert list(news.harmed(response(2), "/a")) == ["an innocent client got [(200, '/b')]"]
    assert list(news.harmed(REFUSED, "/a")) == ["an innocent client got [(400, None)]"]
    assert list(news.harmed(b"", "/a")) == ["an innocent client got []"]
