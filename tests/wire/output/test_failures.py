"""Missing responses, and exceptions of every kind at every moment."""

import pytest
from tests.problems import problem
from tests.wire.connection import GET
from tests.wire.output import failures
from tests.wire.output.conftest import Careless, assert_logged, received_or_reset, request
from tests.wire.test_failures import reset

from ropewalk import HTTPError

BEFORE = [function.__name__ for function in failures.before_the_head]
AFTER = [function.__name__ for function in failures.after_the_head]
ERRORS = list(failures.errors)


def assert_500_for_each(careless: Careless, path: str, handler: str) -> list[str]:
    """Every kind of exception causes a 500 and a log line. Responses to the requests before and after it are sent."""
    answers = careless.responses(*(request(f"{path}?error={error}") for error in ERRORS))
    assert [(response.status, response.text) for response in answers] == [(500, problem(500))] * len(ERRORS)
    logged = careless.log()
    assert len(logged) == len(ERRORS)
    for entry in logged:
        assert_raised(entry, path, handler)
    return logged


def assert_cut_for_each(careless: Careless, path: str, handler: str, query: str = "") -> None:
    """Every kind of exception cuts the connection, and is logged once."""
    for error in ERRORS:
        received = careless.cut(request(f"{path}?error={error}{query}"))
        assert not received.endswith(b"0\r\n\r\n")
        (entry,) = careless.log()
        assert_raised(entry, path, handler)


def first_line(entry: str) -> str:
    return entry.partition("\n")[0]


def assert_raised(entry: str, path: str, handler: str) -> None:
    """Check that the log line has an exception code and its remedy, and no text of the exception."""
    line = first_line(entry)
    code = line[:5]
    assert code in ("RW201", "RW208", "RW304")
    assert_logged(entry, code, path, handler)
    assert line.isprintable()
    assert len(line) < 1000


class TestExceptions:
    """Exceptions of every kind: special for asyncio or Twisted, ending a process, or failing in their formatting."""

    @pytest.mark.parametrize("name", BEFORE)
    def test_before_the_head(self, careless: Careless, name: str) -> None:
        assert_500_for_each(careless, f"/failures/{name}", name)

    @pytest.mark.parametrize("name", AFTER)
    def test_after_the_head(self, careless: Careless, name: str) -> None:
        assert_cut_for_each(careless, f"/failures/{name}", name)

    def test_of_a_response_that_ends_with_the_connection(self, careless: Careless) -> None:
        """RFC 9112, section 8: in HTTP/1.0, only a reset distinguishes an incomplete response from a complete one."""
        connection = careless.connect()
        connection.send(request("/failures/raises_for_a_part?error=LookupError", version="1.0"))
        with pytest.raises(ConnectionResetError):
            connection.end()
        (entry,) = careless.log()
        assert_raised(entry, "/failures/raises_for_a_part", "raises_for_a_part")

    @pytest.mark.parametrize(("path", "name"), [("pulled", "Pulled.render_GET"), ("pushed", "Pushed.render_GET")])
    def test_of_producers(self, careless: Careless, path: str, name: str) -> None:
        assert_cut_for_each(careless, f"/failures/{path}", name)

    def test_that_are_handed_on_in_twisteds_way(self, careless: Careless) -> None:
        assert_500_for_each(careless, "/failures/processing", "Processing.render_GET")
        assert_cut_for_each(careless, "/failures/processing", "Processing.render_GET", "&some=1")

    @pytest.mark.parametrize("name", ["handle_badly", "handle_badly_in_time", "handle_with_parts"])
    def test_of_error_handlers(self, careless: Careless, name: str) -> None:
        assert_500_for_each(careless, f"/failures/{name}/", "raises_what_is_handled")

    def test_through_middleware(self, careless: Careless) -> None:
        logged = assert_500_for_each(careless, "/failures/passing/", "raises")
        assert not any("middleware" in first_line(entry) for entry in logged)

    def test_of_middleware(self, careless: Careless) -> None:
        """The log names the middleware and the handler."""
        for error, entry in zip(ERRORS, assert_500_for_each(careless, "/failures/raising/", "hello"), strict=True):
            is_answer = isinstance(failures.errors[error](), HTTPError)
            named = "The middleware raising at tests/wire/output/failures.py:" in first_line(entry)
            assert named == (not is_answer), error

    def test_a_middleware_that_forgets_to_return(self, careless: Careless) -> None:
        (response,) = careless.responses(request("/failures/returning-nothing/"))
        assert response.status == 500
        (entry,) = careless.log()
        assert_logged(entry, "RW209", "/failures/returning-nothing/", "returning_nothing")

    def test_an_error_handler_that_returns_an_invalid_value(self, careless: Careless) -> None:
        (response,) = careless.responses(request("/failures/handle_with_nothing/"))
        assert response.status == 500
        (entry,) = careless.log()
        assert_logged(entry, "RW201", "/failures/handle_with_nothing/", "handle_with_nothing")

    def test_in_the_close_of_parts(self, careless: Careless) -> None:
        careless.cut(request("/failures/ignores-its-close"))
        (entry,) = careless.log()
        assert_logged(entry, "RW208", "/failures/ignores-its-close", "ignores_its_close")

    def test_in_the_close_of_parts_that_ended_well(self, careless: Careless) -> None:
        (response,) = careless.responses(request("/failures/cannot-be-closed"))
        assert response.text == "Hello, World!"
        (entry,) = careless.log()
        assert_logged(entry, "RW208", "/failures/cannot-be-closed", "cannot_be_closed")

    def test_recursion(self, careless: Careless) -> None:
        (response,) = careless.responses(request("/failures/recursion"))
        assert response.status == 500
        (entry,) = careless.log()
        assert_logged(entry, "RW208", "/failures/recursion", "recursion")

    def test_a_coroutine_that_is_never_awaited(self, careless: Careless) -> None:
        """Python's own warning names the coroutine."""
        (response,) = careless.responses(request("/failures/forgets-to-await"))
        assert response.text == "Hello, World!"
        (entry,) = careless.logged()
        assert "coroutine 'forgets_to_await.<locals>.forgotten' was never awaited" in entry

    def test_of_a_resource_on_the_way(self, careless: Careless) -> None:
        """The log shows what a client sent, with line ends escaped."""
        path = "/failures/no-child/x%0d%0aRW000%20forged"
        (response,) = careless.responses(request(path))
        assert response.status == 500
        (entry,) = careless.log()
        line = first_line(entry)
        assert line.startswith(f"RW208 GET {path}: ")
        assert "NoChild.getChild at tests/wire/output/failures.py:" in line


class TestClientsThatSendRubbish:
    def test_after_the_head_of_the_response(self, careless: Careless) -> None:
        """If a client sends an invalid chunk after the response has begun, the handler has not failed. Nothing is
        logged, because clients could otherwise fill the log."""
        connection = careless.connect()
        head = b"POST /failures/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.send(head + b"5\r\nbegun\r\n")
        received = b""
        while not received.endswith(b"begun\r\n"):
            received += connection.socket.recv(100_000)
        connection.send(b"rubbish\r\n" + GET)
        while data := received_or_reset(connection):
            received += data
        assert not received.endswith(b"0\r\n\r\n")
        assert b"Hello, World!" not in received


class TestClientsThatLeave:
    @pytest.mark.parametrize(
        ("path", "name"), [("raises-when-left", "raises_when_left"), ("cancels-badly", "cancels_badly")]
    )
    def test_and_handlers_that_raise_then(self, careless: Careless, path: str, name: str) -> None:
        self.leave(careless, path)
        (entry,) = careless.logged()
        assert_logged(entry, "RW208", f"/failures/{path}", name)

    def test_and_producers_that_cannot_be_stopped(self, careless: Careless) -> None:
        self.leave(careless, "stops-badly")
        (entry,) = careless.logged()
        assert_logged(entry, "RW208", "/failures/stops-badly", "StopsBadly.render_GET")
        careless.wait_for("stops-badly was notified")

    @pytest.mark.parametrize(("path", "event"), [("responds-when-left", "ended"), ("writes-when-left", "was notified")])
    def test_and_handlers_that_respond_all_the_same(self, careless: Careless, path: str, event: str) -> None:
        """A handler that responds after its client has left makes no error, so nothing is logged."""
        self.leave(careless, path)
        careless.wait_for(f"{path} {event}")

    def leave(self, careless: Careless, path: str) -> None:
        connection = careless.connect()
        connection.send(request(f"/failures/{path}") + GET)
        careless.wait_for(f"{path} began")
        reset(connection)
