"""Applications of frameworks, as users write them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Form, HTTPException, Request, UploadFile
from fastapi.responses import StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import Response
from tests.unit.asgi.applications import hosting
from tests.unit.conftest import Log

from ropewalk.asgi import ClientGone, Receive, Scope, Send
from ropewalk.testing import AsyncClient, Client

FORM = (
    b"--edge\r\nContent-Disposition: form-data; name=name\r\n\r\nAda\r\n"
    b'--edge\r\nContent-Disposition: form-data; name=file; filename="a.bin"\r\n\r\n'
    + bytes(100_000)
    + b"\r\n--edge--\r\n"
)


class TestFastAPI:
    def test_what_is_validated_and_what_is_refused(self) -> None:
        api = FastAPI()

        @api.post("/items/{number}")
        async def item(number: int, data: dict[str, int], flag: bool = False) -> dict[str, Any]:
            return {"number": number, "data": data, "flag": flag}

        @api.get("/teapot")
        async def teapot() -> None:
            raise HTTPException(418, "no coffee", headers={"x-a": "b"})

        client = Client(hosting(api))
        assert client.post("/items/7?flag=yes", json={"a": 1}).json() == {"number": 7, "data": {"a": 1}, "flag": True}
        assert client.post("/items/seven", json={"a": 1}).status == 422
        assert client.get("/items/7").headers["allow"] == "POST"
        refused = client.get("/teapot")
        assert (refused.status, refused.json(), refused.headers["x-a"]) == (418, {"detail": "no coffee"}, "b")
        assert client.get("/openapi.json").json()["paths"].keys() == {"/items/{number}", "/teapot"}

    def test_plain_functions_and_dependencies_in_threads(self) -> None:
        api = FastAPI()
        closed: list[threading.Thread] = []

        def elsewhere() -> Iterator[threading.Thread]:
            yield threading.current_thread()
            closed.append(threading.current_thread())

        @api.get("/")
        def plain(thread: Annotated[threading.Thread, Depends(elsewhere)]) -> list[bool]:
            here = threading.main_thread()
            return [thread is not here, threading.current_thread() is not here]

        with Client(hosting(api)) as client:
            assert client.get("/").json() == [True, True]
        assert [thread is not threading.main_thread() for thread in closed] == [True]

    def test_background_tasks(self) -> None:
        async def main() -> list[str]:
            api = FastAPI()
            done: list[str] = []
            asserted = asyncio.Event()

            async def later() -> None:
                await asserted.wait()
                done.append("async")

            @api.get("/")
            async def hello(tasks: BackgroundTasks) -> str:
                tasks.add_task(later)
                tasks.add_task(done.append, "thread")
                return "hello"

            async with AsyncClient(hosting(api)) as client:
                assert (await client.get("/")).json() == "hello"
                assert done == []
                asserted.set()
            return done

        assert asyncio.run(main()) == ["async", "thread"]

    def test_forms_and_uploads(self) -> None:
        api = FastAPI()

        @api.post("/")
        async def upload(file: UploadFile, name: Annotated[str, Form()]) -> dict[str, Any]:
            return {"size": len(await file.read()), "file": file.filename, "name": name}

        response = Client(hosting(api)).post(
            "/", headers={"content-type": "multipart/form-data; boundary=edge"}, body=FORM
        )
        assert response.json() == {"size": 100_000, "file": "a.bin", "name": "Ada"}

    def test_the_lifespan_and_its_state(self) -> None:
        seen: list[str] = []

        @asynccontextmanager
        async def lifespan(api: FastAPI) -> AsyncIterator[dict[str, str]]:
            seen.append("up")
            yield {"database": "there"}
            seen.append("down")

        api = FastAPI(lifespan=lifespan)

        @api.get("/state")
        async def state(request: Request) -> str:
            return str(request.state.database)

        with Client(hosting(api)) as client:
            assert client.get("/state").json() == "there"
        assert seen == ["up", "down"]

    def test_addresses_know_where_it_hangs(self) -> None:
        api = FastAPI()

        @api.get("/here", name="here")
        async def here(request: Request) -> str:
            return str(request.url_for("here"))

        client = Client(hosting(api, "/api/v1"))
        assert client.get("/api/v1/here").json() == "http://localhost/api/v1/here"
        assert client.get("/api/v1/docs").status == 200
        assert '"/api/v1/openapi.json"' in client.get("/api/v1/docs").text.replace("'", '"')

    def test_a_body_over_the_limit(self, log: Log) -> None:
        api = FastAPI()

        @api.post("/raw")
        async def raw(request: Request) -> int:
            return len(await request.body())

        client = Client(hosting(api, body_limit=8))
        assert client.post("/raw", body=b"more than eight").status == 413
        assert "RW" not in log.text.replace("RW510", "")

    def test_errors(self, log: Log) -> None:
        api = FastAPI()

        @api.get("/")
        async def broken() -> None:
            raise KeyError("mine")

        response = Client(hosting(api), raise_errors=False).get("/")
        assert (response.status, response.text) == (500, "Internal Server Error")
        assert "RW208 GET /: FastAPI at " in log.text
        assert "KeyError('mine')" in log.text


class TestStreams:
    def test_with_middleware_around(self) -> None:
        api = FastAPI()

        @api.middleware("http")
        async def around(request: Request, call_next: RequestResponseEndpoint) -> Response:
            response = await call_next(request)
            response.headers["x-around"] = "yes"
            return response

        @api.get("/")
        async def parts() -> StreamingResponse:
            async def parts() -> AsyncIterator[bytes]:
                for part in (b"one ", b"two"):
                    await asyncio.sleep(0)
                    yield part

            return StreamingResponse(parts())

        response = Client(hosting(api)).get("/")
        assert (response.text, response.headers["x-around"]) == ("one two", "yes")

    def test_one_that_waits_ends_with_its_client(self) -> None:
        """The application waits an hour for its next event, but is notified at once that its client has left."""

        async def main() -> list[str]:
            seen: list[str] = []
            closed = asyncio.Event()

            async def events() -> AsyncIterator[str]:
                try:
                    yield "data: first\n\n"
                    await asyncio.Event().wait()
                finally:
                    closed.set()

            api = FastAPI()

            @api.get("/")
            async def stream() -> StreamingResponse:
                return StreamingResponse(events(), media_type="text/event-stream")

            async with await AsyncClient(hosting(api)).stream("GET", "/") as response:
                seen.append((await anext(response)).decode())
            await closed.wait()
            return seen

        assert asyncio.run(main()) == ["data: first\n\n"]

    def test_one_that_never_looks_ends_too(self, log: Log) -> None:
        async def main() -> BaseException:
            ended: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                async def parts() -> AsyncIterator[bytes]:
                    while True:
                        yield b"more"

                response = StreamingResponse(parts())
                scope["asgi"] = {"spec_version": "2.5"}  # with this version, Starlette does not wait for the disconnect
                try:
                    await response(scope, receive, send)
                except BaseException as error:
                    ended.set_result(error)
                    raise

            async with await AsyncClient(hosting(application)).stream("GET", "/") as response:
                await anext(response)
            return await ended

        error = asyncio.run(main())
        assert isinstance(error.__context__, ClientGone)
        assert "RW" not in log.text


class TestFiles:
    @pytest.fixture
    def client(self, tmp_path: Path) -> Client:
        (tmp_path / "a.css").write_text("body {}")
        (tmp_path / "big.bin").write_bytes(bytes(range(256)) * 1024)
        api = FastAPI()
        api.mount("/static", StaticFiles(directory=tmp_path), name="static")
        return Client(hosting(api))

    def test_whole(self, client: Client) -> None:
        response = client.get("/static/big.bin")
        assert response.body == bytes(range(256)) * 1024
        assert client.get("/static/a.css").headers["content-type"] == "text/css; charset=utf-8"

    def test_conditions_ranges_and_heads(self, client: Client) -> None:
        head = client.head("/static/big.bin")
        assert (head.body, head.headers["content-length"]) == (b"", "262144")
        assert client.get("/static/big.bin", headers={"if-none-match": head.headers["etag"]}).status == 304
        part = client.get("/static/big.bin", headers={"range": "bytes=10-19"})
        assert (part.status, part.body) == (206, bytes(range(10, 20)))

    def test_not_there(self, client: Client) -> None:
        assert client.get("/static/none").status == 404
