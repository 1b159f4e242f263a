"""How long a stored response is used (RFC 9111, section 4.2; RFC 5861)."""

from typing import Any

import pytest
from tests.unit.caching.cached_service import Service
from tests.unit.conftest import Log

from ropewalk import HTTPError, Request, Response
from ropewalk.caching.directives import parse_directives, seconds_of
from ropewalk.headers import http_date


def lifetime(service: Service) -> int:
    """The seconds after which the handler is called again."""
    service.get()
    for second in range(1, 200):
        service.clock.advance(1)
        before = service.calls
        service.get()
        if service.calls > before:
            return second
    return 200


class TestLifetime:
    @pytest.mark.parametrize(
        ("field", "seconds"),
        [
            ("max-age=5", 5),
            ("s-maxage=7", 7),
            ("max-age=5, s-maxage=7", 7),
            ("s-maxage=3, max-age=9", 3),
            ("MAX-AGE=5", 5),
            ('max-age="5"', 5),
            ("max-age=5, max-age=9", 5),
            ("max-age=9, max-age=5", 5),
            ("max-age=5, x", 5),
            ('x="a, max-age=9", max-age=5', 5),
            ("public", 60),
            ("max-age=005", 5),
        ],
    )
    def test_directives(self, field: str, seconds: int) -> None:
        assert lifetime(Service(lambda request: Response("x", 200, {"cache-control": field}))) == seconds

    @pytest.mark.parametrize("value", ["0", "-1", "a", "", "5a", "1.5", "\u00b2"])
    def test_a_time_that_is_no_number_is_none(self, value: str) -> None:
        assert not Service(lambda request: Response("x", 200, {"cache-control": f"max-age={value}"})).is_stored()

    def test_a_time_that_is_too_large(self) -> None:
        service = Service(lambda request: Response("x", 200, {"cache-control": f"max-age={'9' * 30}"}))
        service.get()
        service.clock.advance(2**31 - 1)
        assert service.get().headers["age"] == str(2**31 - 1)
        assert service.calls == 1

    def test_expires(self) -> None:
        service = Service()
        service._respond = lambda request: Response("x", 200, {"expires": http_date(now(service) + 10)})
        assert lifetime(service) in (9, 10, 11)

    def test_max_age_comes_before_expires(self) -> None:
        service = Service(lambda request: Response("x", 200, {"cache-control": "max-age=5", "expires": "0"}))
        assert lifetime(service) == 5

    @pytest.mark.parametrize("value", ["0", "Thu, 01 Jan 1970 00:00:00 GMT", "tomorrow"])
    def test_a_time_that_has_passed(self, value: str) -> None:
        assert not Service(lambda request: Response("x", 200, {"expires": value})).is_stored()

    def test_the_time_of_the_rule(self) -> None:
        assert lifetime(Service()) == 60
        assert lifetime(Service(None, 2.5)) == 3

    def test_a_response_that_has_been_in_another_cache(self) -> None:
        service = Service(lambda request: Response("x", 200, {"cache-control": "max-age=30", "age": "10"}))
        service.get()
        assert service.get().headers["age"] == "10"
        assert lifetime(Service(lambda request: Response("x", 200, {"cache-control": "max-age=9", "age": "4"}))) == 5

    def test_a_response_with_an_old_date(self) -> None:
        service = Service()
        service._respond = lambda request: Response(
            "x", 200, {"cache-control": "max-age=30", "date": http_date(now(service) - 10)}
        )
        service.get()
        assert int(service.get().headers["age"]) in (9, 10, 11)

    def test_age(self) -> None:
        service = Service()
        assert "age" not in service.get().headers
        ages = []
        for _ in range(3):
            ages.append(service.get().headers["age"])
            service.clock.advance(1.5)
        assert ages == ["0", "1", "3"]
        dates = {service.get().headers["date"] for _ in range(3)}
        assert len(dates) == 1  # the Date of the response that was made, not of this one


def now(service: Service) -> float:
    return service.client.clock.unix_time()


class TestStaleWhileRevalidate:
    def test_a_stale_response_is_sent_at_once_and_made_anew(self) -> None:
        service = Service(None, 10, stale_while_revalidate=30)
        assert service.get().text == "call 1"
        service.clock.advance(15)
        stale = service.get()
        assert (stale.text, stale.headers["age"], stale.headers["cache-status"]) == (
            "call 1",
            "15",
            "Ropewalk; hit; ttl=-5",
        )
        assert service.calls == 2
        assert (service.get().text, service.get().headers["age"]) == ("call 2", "0")
        assert service.calls == 2

    def test_after_the_time_a_client_waits(self) -> None:
        service = Service(None, 10, stale_while_revalidate=30)
        service.get()
        service.clock.advance(40)
        assert service.get().text == "call 2"

    def test_the_directive_of_the_response(self) -> None:
        field = "max-age=10, stale-while-revalidate=30"
        service = Service(lambda request: Response(f"call {service.calls}", 200, {"cache-control": field}))
        service.get()
        service.clock.advance(15)
        assert [service.get().text, service.get().text] == ["call 1", "call 2"]

    @pytest.mark.parametrize("directive", ["must-revalidate", "proxy-revalidate", "s-maxage=10"])
    def test_a_directive_that_forbids_stale_responses(self, directive: str) -> None:
        field = f"max-age=10, {directive}"
        service = Service(
            lambda request: Response(f"call {service.calls}", 200, {"cache-control": field}),
            stale_while_revalidate=30,
            stale_if_error=30,
        )
        service.get()
        service.clock.advance(15)
        assert service.get().text == "call 2"

    def test_a_failure_keeps_the_stale_response(self) -> None:
        def respond(request: Request) -> str:
            if service.calls in (2, 3):
                raise HTTPError(503)
            return f"call {service.calls}"

        service = Service(respond, 10, stale_while_revalidate=30)
        service.get()
        service.clock.advance(15)
        assert [service.get().text for _ in range(4)] == ["call 1", "call 1", "call 1", "call 4"]

    @pytest.mark.parametrize("later", [404, 410])
    def test_an_http_error_is_a_response_as_any_other(self, later: int, log: Log) -> None:
        def respond(request: Request) -> str:
            raise HTTPError(404 if service.calls == 1 else later)

        service = Service(respond, 10, stale_while_revalidate=30)
        service.get()
        service.clock.advance(15)
        assert [service.get().status for _ in range(3)] == [404, later, later]
        assert (service.calls, log) == (2, [])

    def test_a_bug_is_reported(self, log: Log) -> None:
        def respond(request: Request) -> str:
            if service.calls == 2:
                raise ValueError("a bug")
            return f"call {service.calls}"

        service = Service(respond, 10, stale_while_revalidate=30)
        service.get()
        service.clock.advance(15)
        assert [service.get().text for _ in range(3)] == ["call 1", "call 1", "call 3"]
        assert [event["code"] for event in log] == ["RW208"]

    def test_a_stream_is_made_again(self) -> None:
        service = Service(lambda request: iter([f"call {service.calls}", "."]), 10, stale_while_revalidate=30)
        service.get()
        service.clock.advance(15)
        assert [service.get().text for _ in range(3)] == ["call 1.", "call 2.", "call 2."]
        assert service.calls == 2

    def test_head_does_not_make_it_anew(self) -> None:
        service = Service(None, 10, stale_while_revalidate=30)
        service.get()
        service.clock.advance(15)
        assert service.request("HEAD").headers["age"] == "15"
        assert service.calls == 1

    def test_a_response_that_can_no_longer_be_stored(self) -> None:
        def respond(request: Request) -> Any:
            kind = {} if service.calls == 1 else {"cache-control": "no-store"}
            return Response(f"call {service.calls}", 200, kind)

        service = Service(respond, 10, stale_while_revalidate=5)
        service.get()
        service.clock.advance(12)
        service.get()
        service.clock.advance(12)
        assert [service.get().text, service.get().text] == ["call 3", "call 4"]


class TestStaleIfError:
    @pytest.mark.parametrize("error", [HTTPError(503), HTTPError(500), ValueError("a bug")])
    def test_a_stale_response_instead_of_an_error(self, error: Exception) -> None:
        def respond(request: Request) -> str:
            if service.calls > 1:
                raise error
            return "good"

        service = Service(respond, 10, stale_if_error=30)
        service.get()
        service.clock.advance(15)
        found = service.get()
        assert (found.status, found.text, found.headers["age"]) == (200, "good", "15")
        assert service.calls == 2
        service.clock.advance(30)
        assert service.get().status >= 500

    def test_a_client_error_is_no_failure(self) -> None:
        service = Service(lambda request: Response("x", 200 if service.calls == 1 else 404), 10, stale_if_error=30)
        service.get()
        service.clock.advance(15)
        assert service.get().status == 404

    def test_a_working_handler_is_called(self) -> None:
        service = Service(None, 10, stale_if_error=30)
        service.get()
        service.clock.advance(15)
        found = service.get()
        assert (found.text, found.headers["cache-status"]) == ("call 2", "Ropewalk; fwd=stale; stored")


def test_parse_directives() -> None:
    lines = ['Max-Age=5, private="a, b", x', "y=1;z, ,,", "=", 'q="\\""']
    assert parse_directives(lines) == {"max-age": "5", "private": "a, b", "x": "", "y": "1;z", "q": '\\"'}
    assert [seconds_of({"a": text}, "a") for text in ("5", "", "x", "9" * 20)] == [5, 0, 0, 2**31]
    assert seconds_of({}, "a") is None
