"""Messages that break the rules of ASGI, and exceptions of applications."""

import re
from contextlib import suppress
from typing import Any

import pytest
from tests.problems import problem
from tests.unit.asgi.applications import body, hosting, sending, start
from tests.unit.asgi.responses import response_to
from tests.unit.conftest import Log

from ropewalk.asgi import Message, Receive, Scope, Send
from ropewalk.errors import HostedError
from ropewalk.testing import Client, ProtocolError


class TestMistakes:
    @pytest.mark.parametrize(
        ("messages", "complaint"),
        [
            ([body(b"one")], "RW713 http.response.body was sent before http.response.start."),
            ([start(), start()], "RW713 http.response.start was sent where the body is expected."),
            ([start(), body(), body()], "RW713 http.response.body was sent after the end of the response."),
            (
                [start(trailers=True), body(), body()],
                "RW713 http.response.body was sent where http.response.trailers is expected.",
            ),
            ([start(), {"type": "websocket.accept"}], "RW713 websocket.accept was sent where the body is expected."),
            ([{"type": 7}], "RW713 {'type': 7} was sent before http.response.start."),
            ([{}], "RW713 {} was sent with something missing or of the wrong kind (KeyError('type'))."),
            (["start"], "RW713 'start' was sent with something missing or of the wrong kind"),
            ([{"type": "http.response.start"}], "missing or of the wrong kind (KeyError('status'))."),
            ([start(), body("text")], "of the wrong kind (TypeError('the value must be bytes, not str'))."),
            ([start("200"), body()], "http.response.start was sent with something missing or of the wrong kind"),
            ([start(99999), body()], "http.response.start was sent with something missing or of the wrong kind"),
            ([start(200, 7), body()], "http.response.start was sent with something missing or of the wrong kind"),
            ([start(200, [(b"a",)]), body()], "was sent with something missing or of the wrong kind"),
            ([start(200, [(7, b"a")]), body()], "was sent with something missing or of the wrong kind"),
        ],
    )
    def test_messages_that_do_not_fit(self, messages: list[Any], complaint: str) -> None:
        raised: list[BaseException] = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                for message in messages:
                    await send(message)
            except HostedError as error:
                raised.append(error)
                raise

        with suppress(ProtocolError):
            Client(hosting(application), raise_errors=False).get("/")
        # The test client has put the name of the application after the code.
        assert complaint in re.sub(r"(?<=^RW713 )\S+\.application at \S+: ", "", str(raised[0]))

    @pytest.mark.parametrize(
        ("headers", "status"), [({}, 400), ({"connection": "upgrade", "upgrade": "WebSocket"}, 501)]
    )
    @pytest.mark.parametrize("fails", [False, True])
    def test_a_client_makes_an_application_accept_a_websocket(
        self, headers: dict[str, str], status: int, fails: bool, log: Log
    ) -> None:
        """A client may do this with any request, so it is not an error of the server."""
        received: list[Message] = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "websocket.accept"})
            received.append(await receive())
            await send({"type": "websocket.close"})
            if fails:
                raise OSError("not a message")

        response = Client(hosting(application)).get("/?transport=websocket", headers=headers)
        assert response.status == status
        assert received == [{"type": "http.disconnect"}]
        assert log.text == ""

    @pytest.mark.parametrize(
        ("messages", "code"),
        [
            ([start(200, [(b"x", b"a\r\nb")]), body(b"one")], "RW304"),
            ([start(200, [(b"bad name", b"a")]), body(b"one")], "RW304"),
            ([start(42), body(b"one")], "RW304"),
            ([start(200, [(b"content-length", b"4")]), body(b"longer")], "RW303"),
            ([start(200, [(b"content-length", b"4")]), body(b"x")], "RW303"),
            ([body(b"one")], "RW713"),
            ([start()], "RW714"),
            ([], "RW714"),
        ],
    )
    def test_before_the_head_the_response_is_500(self, messages: list[Message], code: str, log: Log) -> None:
        response = response_to(*messages)
        assert (response.status, response.text) == (500, problem(500))
        assert f"{code} GET /: sending.<locals>.application at tests/unit/asgi/applications.py:" in log.text

    @pytest.mark.parametrize(
        ("messages", "code"),
        [
            ([start(), body(b"one", True)], "RW714"),
            ([start(), body(b"one", True), start()], "RW713"),
            ([start(200, [(b"content-length", b"4")]), body(b"one", True), body(b"longer")], "RW303"),
            ([start(200, [(b"content-length", b"4")]), body(b"x", True), body()], "RW303"),
        ],
    )
    def test_after_the_head_the_connection_is_cut(self, messages: list[Message], code: str, log: Log) -> None:
        with pytest.raises(ProtocolError, match="before its response was complete|in the middle of its response"):
            response_to(*messages)
        assert f"{code} GET /: sending.<locals>.application" in log.text

    def test_errors_are_logged_by_the_name_of_the_application(self, log: Log) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            raise KeyError("mine")

        assert Client(hosting(application), raise_errors=False).get("/").status == 500
        assert "RW208 GET /: " in log.text
        assert "application at tests/unit/asgi/test_sending_errors.py:" in log.text
        assert "raised KeyError('mine')" in log.text

    def test_the_apps_error_handler_makes_the_response(self, log: Log) -> None:
        app = hosting(sending())
        app.error(500)(lambda request, error: f"ours: {type(error).__name__}")
        assert Client(app, raise_errors=False).get("/").text == "ours: HostedError"

    def test_a_function_that_is_no_coroutine(self, log: Log) -> None:
        def application(scope: Scope, receive: Receive, send: Send) -> None:
            return None

        assert Client(hosting(application), raise_errors=False).get("/").status == 500
        assert "TypeError" in log.text

    def test_after_the_response_an_error_is_logged(self, log: Log) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            await send(body(b"fine"))
            raise KeyError("background")

        assert Client(hosting(application), raise_errors=False).get("/").text == "fine"
        assert "KeyError('background')" in log.text
