"""Ropewalk's ASGI types and messages, checked with asgiref, the reference library of the specification."""

import asyncio
from typing import Any, get_type_hints

import msgspec
import pytest
from asgiref.compatibility import guarantee_single_callable
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from asgiref.typing import HTTPDisconnectEvent, HTTPRequestEvent, HTTPScope, LifespanScope, LifespanStartupEvent
from asgiref.wsgi import WsgiToAsgi
from tests.unit.asgi.applications import body, hosting, keeping, start

from ropewalk.asgi import Message, Receive, Scope, Send
from ropewalk.testing import AsyncClient, Client

LOOSE = {"headers": list[tuple[bytes, bytes]], "extensions": dict[str, dict[str, Any]] | None}
"""Types for fields that asgiref annotates with Iterable or object, which match too much to be a check."""


def check(kind: Any, value: Any) -> None:
    """Check that a value has the type of asgiref: no key is missing or unknown, and every value has its type."""
    hints = get_type_hints(kind)
    assert value.keys() == hints.keys()
    for name, hint in hints.items():
        msgspec.convert(value[name], LOOSE.get(name, hint), strict=True)


class TestTypes:
    def test_of_the_scopes(self) -> None:
        scopes: list[Scope] = []
        with Client(hosting(keeping(scopes))) as client:
            client.post("/a%20b?c", headers={"x-a": "b"}, body=b"body")
        life, http = scopes
        check(LifespanScope, life)
        check(HTTPScope, http)

    def test_of_what_is_received(self) -> None:
        seen: list[Message] = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(await receive())
            if scope["type"] == "http":
                await send(start())
                await send(body())
                seen.append(await receive())

        with Client(hosting(application)) as client:
            client.post("/", body=b"body")
        for kind, message in zip((LifespanStartupEvent, HTTPRequestEvent, HTTPDisconnectEvent), seen, strict=True):
            check(kind, message)


class TestHelp:
    def test_applications_in_two_calls(self) -> None:
        class Legacy:
            def __init__(self, scope: Scope) -> None:
                self.scope = scope

            async def __call__(self, receive: Receive, send: Send) -> None:
                await send(start())
                await send(body(self.scope["path"].encode()))

        assert Client(hosting(guarantee_single_callable(Legacy))).get("/old").text == "/old"

    def test_wsgi_applications(self) -> None:
        def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            start_response("201 Created", [("X-Path", f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}")])
            return [environ["wsgi.input"].read(), b"!"]

        response = Client(hosting(WsgiToAsgi(application), "/app")).post("/app/x", body=b"body")
        assert (response.status, response.text, response.headers["x-path"]) == (201, "body!", "/app|/x")

    def test_there_and_back_between_threads(self) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await send(start())
            await sync_to_async(async_to_sync(send))(body(b"from a thread"))

        assert Client(hosting(application)).get("/").text == "from a thread"


@pytest.mark.parametrize("path", ["/", "/a/b?c=d"])
def test_asgiref_and_ropewalk_see_the_same_application(path: str) -> None:
    """asgiref's test server, ApplicationCommunicator, calls the application."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        got = (await receive())["body"]
        await send(start(202, [(b"x-path", scope["path"].encode())]))
        await send(body(got, True))
        await send(body(b"|" + scope["query_string"]))

    async def main() -> None:
        ours = await AsyncClient(hosting(application)).post(path, body=b"body")
        scopes: list[Scope] = []
        await AsyncClient(hosting(keeping(scopes))).post(path, body=b"body")
        theirs = ApplicationCommunicator(application, scopes[0])
        await theirs.send_input({"type": "http.request", "body": b"body"})
        head, *parts = [await theirs.receive_output() for _ in range(3)]
        assert (ours.status, ours.headers["x-path"].encode()) == (head["status"], head["headers"][0][1])
        assert ours.body == b"".join(part["body"] for part in parts)

    asyncio.run(main())
