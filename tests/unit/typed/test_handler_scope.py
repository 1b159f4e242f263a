"""Generators of dependencies that are closed with the handler: what they raise then becomes the response."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Any

import pytest
from msgspec import Struct
from tests.unit.conftest import Log
from tests.unit.turns import until
from twisted.internet.defer import Deferred, fail, succeed

from ropewalk import App, Depends, HTTPError, Request, Response
from ropewalk.middleware import TimeoutOptions, timeout
from ropewalk.testing import AsyncClient

Next = Callable[[Request], Awaitable[Response]]


class Duplicate(Exception):
    """The exception of a database, at a statement or at the commit."""


class Recorder:
    """Providers of a transaction that note what happens. The commit raises `at_commit`, unless it is None."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.at_commit: BaseException | None = None

    def transaction(self) -> Iterator["Recorder"]:
        self.events.append("open")
        try:
            yield self
            self.commit()
        except Duplicate as error:
            self.events.append("rollback")
            raise HTTPError(409, "It exists.") from error
        except BaseException as error:
            self.events.append(f"rollback {type(error).__name__}")
            raise

    async def transaction_later(self) -> AsyncIterator["Recorder"]:
        self.events.append("open")
        try:
            yield self
            await asyncio.sleep(0)
            self.commit()
        except Duplicate as error:
            await asyncio.sleep(0)
            self.events.append("rollback")
            raise HTTPError(409, "It exists.") from error
        except BaseException as error:
            await asyncio.sleep(0)
            self.events.append(f"rollback {type(error).__name__}")
            raise

    def commit(self) -> None:
        if self.at_commit is not None:
            raise self.at_commit
        self.events.append("commit")


Transaction = Annotated[Recorder, Depends()]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(params=["generator", "async generator"])
def provider(request: Any, recorder: Recorder) -> Callable[..., Any]:
    return recorder.transaction if request.param == "generator" else recorder.transaction_later


@pytest.fixture(params=["alone", "in middleware"])
def app(request: Any, provider: Callable[..., Any], recorder: Recorder) -> App:
    async def noting(request: Request, next: Next) -> Response:
        response = await next(request)
        recorder.events.append(f"response {response.status}")
        return response

    app = App(middleware=() if request.param == "alone" else (noting,))
    app.provide("session", provider, scope="handler")
    return app


def get(app: App, path: str = "/", method: str = "GET") -> Any:
    async def main() -> Any:
        async with AsyncClient(app, raise_errors=False) as client:
            return await client.request(method, path)

    return asyncio.run(main())


def database_events(recorder: Recorder) -> list[str]:
    return [event for event in recorder.events if not event.startswith("response")]


def handlers(value: Any = "body", error: BaseException | None = None) -> dict[str, Callable[..., Any]]:
    """Handlers of all kinds that return a value or raise an exception."""

    def plain(session: Transaction) -> Any:
        if error is not None:
            raise error
        return value

    def deferred(session: Transaction) -> Deferred[Any]:
        return succeed(value) if error is None else fail(error)

    def deferred_later(session: Transaction) -> Deferred[Any]:
        return Deferred.fromCoroutine(coroutine(session))

    async def coroutine(session: Transaction) -> Any:
        await succeed(None)
        return plain(session)

    async def nested(session: Transaction) -> Any:
        return deferred(session)

    return {each.__name__: each for each in (plain, deferred, deferred_later, coroutine, nested)}


KINDS = tuple(handlers())


@pytest.mark.parametrize("kind", KINDS)
class TestEachKindOfHandler:
    def test_it_is_closed_before_the_response_is_sent(self, app: App, recorder: Recorder, kind: str) -> None:
        def note_end(request: Request) -> None:
            request.disconnected.addCallback(lambda _: recorder.events.append("sent"))

        @app.get("/", provide={"session": Depends(app.dependencies.named["session"].provider, scope="handler")})
        def handler(noted: Annotated[None, Depends(note_end)], session: Transaction) -> Any:
            return handlers()[kind](session)

        assert get(app).text == "body"
        if "response 200" in recorder.events:
            recorder.events.remove("response 200")
        assert recorder.events == ["open", "commit", "sent"]

    def test_what_it_raises_becomes_the_response(self, app: App, recorder: Recorder, kind: str, log: Log) -> None:
        app.get("/")(handlers()[kind])
        recorder.at_commit = Duplicate("key")
        response = get(app)
        assert (response.status, response.json()["detail"]) == (409, "It exists.")
        assert database_events(recorder) == ["open", "rollback"]
        assert log.text == ""

    def test_the_request_does_not_keep_it(self, app: App, recorder: Recorder, kind: str) -> None:
        """The request and its open generators refer to each other. After the response, the request drops its reference,
        so that both are freed without the garbage collector.
        """
        requests: list[Request] = []

        @app.get("/")
        def handler(request: Request, session: Transaction) -> Any:
            requests.append(request)
            return handlers()[kind](session)

        assert get(app).status == 200
        assert not hasattr(requests[0], "dependency_scope")

    def test_an_unexpected_exception_is_a_logged_500(self, app: App, recorder: Recorder, kind: str, log: Log) -> None:
        app.get("/")(handlers()[kind])
        recorder.at_commit = LookupError("lost")
        assert get(app).status == 500
        assert database_events(recorder) == ["open", "rollback LookupError"]
        assert log.text.count("RW208") == 1
        assert "lost" in log.text

    def test_an_exception_of_the_handler_is_visible(self, app: App, recorder: Recorder, kind: str, log: Log) -> None:
        app.get("/")(handlers(error=HTTPError(404))[kind])
        assert get(app).status == 404
        assert database_events(recorder) == ["open", "rollback HTTPError"]
        assert log.text == ""

    def test_an_exception_of_the_handler_may_be_replaced(
        self, app: App, recorder: Recorder, kind: str, log: Log
    ) -> None:
        seen = []

        @app.error(409)
        def conflict(request: Request, error: Exception) -> str:
            seen.append((error.__cause__, error.__context__))
            return "handled"

        cause = Duplicate("key")
        app.get("/")(handlers(error=cause)[kind])
        assert (get(app).status, seen) == (409, [(cause, cause)])
        assert database_events(recorder) == ["open", "rollback"]
        assert log.text == ""

    def test_a_value_is_shaped_while_it_is_open(self, app: App, recorder: Recorder, kind: str) -> None:
        class Note(Struct):
            text: str

        class Row:
            @property
            def text(self) -> str:
                recorder.events.append("read")
                return "rope"

        handler = handlers(Row())[kind]
        asynchronous = asyncio.iscoroutinefunction(handler)
        handler.__annotations__["return"] = Note if asynchronous or kind == "plain" else Deferred[Note]
        app.get("/")(handler)
        assert get(app).json() == {"text": "rope"}
        assert database_events(recorder) == ["open", "read", "commit"]


class TestOrder:
    def test_the_first_to_be_closed_is_the_last_opened(self, log: Log) -> None:
        events = []

        def of_request() -> Iterator[None]:
            yield
            events.append("request")

        async def outer(needed: Annotated[None, Depends(of_request)]) -> AsyncIterator[None]:
            try:
                yield
            except HTTPError as error:
                await asyncio.sleep(0)
                events.append(f"outer {error.status}")
                raise HTTPError(410) from error

        def inner(needed: Annotated[None, Depends(outer, scope="handler")]) -> Iterator[None]:
            try:
                yield
            except LookupError:
                events.append("inner")
                raise HTTPError(409) from None

        app = App()

        @app.get("/")
        def handler(value: Annotated[None, Depends(inner, scope="handler")]) -> None:
            raise LookupError

        assert get(app).status == 410
        assert events[:2] == ["inner", "outer 409"]  # `of_request` gets the error, too, so it appends nothing
        assert log.text == ""

    @pytest.mark.parametrize("scope", ["request", "handler"])
    def test_one_that_handles_the_exception_does_not_hide_it(self, scope: Any, log: Log) -> None:
        def handles() -> Iterator[None]:
            try:
                yield
            except HTTPError:
                return

        app = App()

        @app.get("/")
        def handler(value: Annotated[None, Depends(handles, scope=scope)]) -> None:
            raise HTTPError(404)

        assert get(app).status == 404
        assert log.text == ""

    def test_one_value_for_each_scope(self, recorder: Recorder) -> None:
        app = App()

        @app.get("/")
        def handler(
            one: Annotated[Recorder, Depends(recorder.transaction)],
            two: Annotated[Recorder, Depends(recorder.transaction, scope="handler")],
            same: Annotated[Recorder, Depends(recorder.transaction, scope="handler")],
        ) -> str:
            return "body"

        assert get(app).status == 200
        assert recorder.events == ["open", "open", "commit", "commit"]

    def test_an_exception_of_a_later_provider(self, app: App, recorder: Recorder, log: Log) -> None:
        def failing(session: Transaction) -> None:
            raise Duplicate

        async def failing_later(session: Transaction) -> None:
            await asyncio.sleep(0)
            raise Duplicate

        for each in (failing, failing_later):
            recorder.events.clear()

            @app.get(f"/{each.__name__}")
            def handler(value: Annotated[None, Depends(each)]) -> None: ...

            assert get(app, f"/{each.__name__}").status == 409
            assert database_events(recorder) == ["open", "rollback"]
        assert log.text == ""

    def test_one_that_yields_twice(self, log: Log) -> None:
        async def twice() -> AsyncIterator[None]:
            yield
            yield

        app = App()

        @app.get("/")
        def handler(value: Annotated[None, Depends(twice, scope="handler")]) -> None: ...

        assert get(app).status == 500
        assert "RW218" in log.text
        assert "twice at" in log.text


class TestDeclarations:
    def test_a_plain_function_of_the_request_may(self, app: App, recorder: Recorder) -> None:
        def user(session: Transaction) -> str:
            recorder.events.append("user")
            return "ada"

        @app.get("/")
        def handler(user: Annotated[str, Depends(user)]) -> str:
            return user

        assert get(app).text == "ada"
        assert database_events(recorder) == ["open", "user", "commit"]

    def test_a_replacement_has_its_scope(self, app: App, recorder: Recorder) -> None:
        app.get("/")(handlers()["coroutine"])
        fake = Recorder()
        with app.override("session", fake.transaction):
            get(app)
        assert (database_events(fake), database_events(recorder)) == (["open", "commit"], [])


def parts(recorder: Recorder) -> Iterator[str]:
    recorder.events.append("first")
    yield "x"
    yield "y"
    recorder.events.append("last")


async def parts_later(recorder: Recorder) -> AsyncIterator[str]:
    for part in parts(recorder):
        await asyncio.sleep(0)
        yield part


@pytest.mark.parametrize("kind", ["iterator", "async iterator", "Response", "status"])
class TestStreams:
    def add(self, app: App, kind: str) -> None:
        @app.get("/", status=201 if kind == "status" else None)
        def handler(session: Transaction) -> Any:
            if kind == "Response":
                return Response(parts_later(session), 201)
            return parts_later(session) if kind == "async iterator" else parts(session)

    def test_it_is_closed_after_the_last_part(self, app: App, recorder: Recorder, kind: str, log: Log) -> None:
        self.add(app, kind)
        assert get(app).text == "xy"
        assert database_events(recorder) == ["open", "first", "last", "commit"]
        assert log.text == ""

    def test_what_it_raises_cuts_the_response_off(self, app: App, recorder: Recorder, kind: str, log: Log) -> None:
        self.add(app, kind)
        recorder.at_commit = LookupError("lost")
        with pytest.raises(Exception, match="closed|cut|incomplete|ended"):
            get(app)
        assert database_events(recorder) == ["open", "first", "last", "rollback LookupError"]
        assert log.text.count("RW208") == 1

    def test_a_response_without_the_parts(self, app: App, recorder: Recorder, kind: str, log: Log) -> None:
        self.add(app, kind)
        get(app, method="HEAD")
        assert database_events(recorder) == ["open", "commit"]
        assert log.text == ""

    def test_a_stream_that_middleware_drops(self, provider: Any, recorder: Recorder, kind: str, log: Log) -> None:
        async def replacing(request: Request, next: Next) -> Response:
            await next(request)
            return Response("other")

        app = App(middleware=[replacing])
        app.provide("session", provider, scope="handler")
        self.add(app, kind)
        assert get(app).text == "other"
        assert recorder.events == ["open", "first", "commit"]
        assert log.text == ""


class TestStreamsThatFail:
    @pytest.mark.parametrize("after", [0, 2])
    def test_an_exception_between_parts(self, app: App, recorder: Recorder, after: int, log: Log) -> None:
        @app.get("/")
        async def handler(session: Transaction) -> AsyncIterator[str]:
            for _ in range(after):
                yield "x"
            raise Duplicate

        if after:
            with pytest.raises(Exception, match="closed|cut|incomplete|ended"):
                get(app)
        else:
            assert get(app).status == 409
        assert database_events(recorder) == ["open", "rollback"]

    def test_a_part_that_cannot_be_sent(self, app: App, recorder: Recorder, log: Log) -> None:
        @app.get("/")
        def handler(session: Transaction) -> Any:
            return iter(["x", object()])

        with pytest.raises(Exception, match="closed|cut|incomplete|ended"):
            get(app)
        assert database_events(recorder)[0] == "open"
        assert database_events(recorder)[1].startswith("rollback ")
        assert log.text != ""


class TestHandlersThatAreCancelled:
    def test_by_a_client_that_leaves(self, app: App, recorder: Recorder, log: Log) -> None:
        @app.get("/")
        async def handler(session: Transaction) -> None:
            await asyncio.sleep(60)

        self.leave(app, recorder, "open")
        assert recorder.events == ["open", "rollback CancelledError"]
        assert log.text == ""

    def test_by_a_client_that_leaves_a_stream(self, app: App, recorder: Recorder, log: Log) -> None:
        @app.get("/")
        async def handler(session: Transaction) -> AsyncIterator[str]:
            yield "x"
            recorder.events.append("wait")
            await asyncio.sleep(60)

        self.leave(app, recorder, "wait")
        assert database_events(recorder) == ["open", "wait", "rollback CancelledError"]
        assert log.text == ""

    def test_by_a_client_that_leaves_during_the_commit(self, recorder: Recorder, log: Log) -> None:
        async def slow() -> AsyncIterator[None]:
            try:
                yield
                recorder.events.append("commit begins")
                await asyncio.sleep(60)
            except BaseException as error:
                await asyncio.sleep(0)
                recorder.events.append(f"rollback {type(error).__name__}")
                raise

        app = App()

        @app.get("/")
        def handler(
            first: Annotated[Recorder, Depends(recorder.transaction, scope="handler")],
            second: Annotated[None, Depends(slow, scope="handler")],
        ) -> None: ...

        self.leave(app, recorder, "commit begins")
        assert recorder.events == ["open", "commit begins", *["rollback CancelledError"] * 2]
        assert log.text == ""

    def test_by_a_timeout(self, provider: Any, recorder: Recorder) -> None:
        app = App(middleware=[timeout(TimeoutOptions(seconds=0.01))])
        app.provide("session", provider, scope="handler")

        @app.get("/")
        async def handler(session: Transaction) -> None:
            await asyncio.sleep(60)

        assert get(app).status == 503
        assert recorder.events == ["open", "rollback CancelledError"]

    def leave(self, app: App, recorder: Recorder, after: str) -> None:
        async def main() -> None:
            async with AsyncClient(app, raise_errors=False) as client:
                asking = asyncio.ensure_future(client.get("/"))
                await until(lambda: after in recorder.events)
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
                await until(lambda: recorder.events[-1].startswith("rollback"))

        asyncio.run(main())
