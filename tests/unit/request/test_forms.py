"""The body of a request as a form: parsed while it arrives, in every kind of handler."""

import asyncio
import gc
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.conftest import Log
from tests.unit.forms.bodies import TYPE, body, field, file
from tests.unit.turns import run_turns, until

from ropewalk import App, Limits, Request
from ropewalk.errors import BadBody, HandlerError
from ropewalk.forms import FormData, FormLimits
from ropewalk.testing import AsyncClient, Client

LARGE = os.urandom(600_000)


def shown(form: FormData) -> dict[str, Any]:
    return {
        "fields": form.pairs(),
        "files": [[name, each.filename, each.size] for name, each in form.files.pairs()],
    }


def make_app(limits: FormLimits | None = None) -> App:
    app = App()
    options = {} if limits is None else {"limits": limits}

    @app.post("/coroutine")
    async def coroutine(request: Request) -> Any:
        return shown(await request.form(**options))

    @app.post("/plain")
    def plain(request: Request) -> Any:
        return request.form(**options).addCallback(shown)

    @app.post("/after-body")
    async def after_body(request: Request) -> Any:
        await request.body()
        return shown(await request.form(**options))

    @app.post("/several")
    async def several(request: Request) -> Any:
        first, second = await asyncio.gather(*(wait(request, options) for _ in range(2)))
        assert first is second is await request.form()
        return shown(first)

    @app.post("/parts")
    async def parts(request: Request) -> Any:
        return [[part.name, part.filename, len(await part.read())] async for part in request.multipart()]

    return app


async def wait(request: Request, options: Any) -> FormData:
    return await request.form(**options)


PATHS = ("/coroutine", "/plain", "/after-body", "/several")


def open_files() -> int:
    """The number of temporary files of forms that are open."""
    gc.collect()  # a request that is freed closes the engine's own temporary file
    found = []
    for each in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(each.readlink()))
        except FileNotFoundError:  # the descriptor that lists the folder
            continue
    return sum(each.startswith(str(tempfile.tempdir)) for each in found)


@pytest.fixture(autouse=True)
def temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A folder for temporary files, in which no file is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("path", PATHS)
class TestForm:
    def test_urlencoded(self, path: str) -> None:
        data = {"name": "Ada", "text": "ä & =", "empty": ""}
        response = Client(make_app()).post(path, data=data)
        assert response.json() == {"fields": [["name", "Ada"], ["text", "ä & ="], ["empty", ""]], "files": []}

    def test_multipart(self, path: str) -> None:
        response = Client(make_app()).post(path, data={"a": "1"}, files={"f": ("f.bin", LARGE)})
        assert response.json() == {"fields": [["a", "1"]], "files": [["f", "f.bin", len(LARGE)]]}
        assert open_files() == 0

    def test_no_body(self, path: str) -> None:
        assert Client(make_app()).post(path).json() == {"fields": [], "files": []}

    @pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/mixed; boundary=a", ""])
    def test_another_type_is_415(self, path: str, kind: str) -> None:
        response = Client(make_app()).post(path, body=b"x", headers={"content-type": kind} if kind else {})
        assert response.status == 415
        assert response.headers["accept"] == "application/x-www-form-urlencoded, multipart/form-data"

    @pytest.mark.parametrize(
        ("kind", "sent", "status"),
        [
            ("multipart/form-data", b"x", 400),
            (TYPE, b"", 400),
            (TYPE, b"--limit\r\n", 400),
            (TYPE, body(file("a", "a", LARGE))[:-10], 400),
            ("application/x-www-form-urlencoded", b"a=%ff", 400),
            ("application/x-www-form-urlencoded", b"a=\xff", 400),
            ("application/x-www-form-urlencoded; charset=utf-7", b"a=b", 415),
            ("application/x-www-form-urlencoded", b"&".join([b"a=b"] * 1001), 413),
            ("application/x-www-form-urlencoded", b"a" * 513 + b"=b", 413),
            ("application/x-www-form-urlencoded", b"a=" + b"b" * 262_145, 413),
            (TYPE, body(*[field("a", "")] * 10_000), 413),
        ],
    )
    def test_a_mistake_of_the_client_is_refused(self, path: str, kind: str, sent: bytes, status: int, log: Log) -> None:
        response = Client(make_app()).post(path, body=sent, headers={"content-type": kind})
        assert response.status == status
        assert not log
        assert open_files() == 0

    @pytest.mark.parametrize("sent", [{"data": {"a": "x" * 2000}}, {"files": {"a": b"x" * 2000}}])
    def test_the_body_has_a_limit(self, path: str, sent: Any) -> None:
        assert Client(make_app()).post(path, **sent).status == 200
        small = make_app(FormLimits(body_limit=1000))
        # The handlers of the other paths have collected the body before, with the larger limit.
        if path in ("/coroutine", "/several"):
            assert Client(small).post(path, **sent).status == 413

    def test_a_body_in_another_charset(self, path: str) -> None:
        kind = {"content-type": "application/x-www-form-urlencoded; charset=iso-8859-1"}
        assert Client(make_app()).post(path, body=b"a=%e4", headers=kind).json()["fields"] == [["a", "ä"]]


class TestLimitsOfRoutes:
    def test_a_form_may_be_larger_than_the_limit_of_the_engine(self) -> None:
        app = App(limits=Limits(body_size=1000))

        @app.post("/")
        async def save(request: Request) -> Any:
            return shown(await request.form(FormLimits(body_limit=10_000)))

        assert Client(app).post("/", files={"a": b"x" * 5000}).status == 200
        assert Client(app).post("/", files={"a": b"x" * 15_000}).status == 413


class TestParts:
    def test_they_arrive_without_a_copy_on_disk(self) -> None:
        response = Client(make_app()).post("/parts", data={"a": "1"}, files={"f": ("f.bin", b"x" * 200_000)})
        assert response.json() == [["a", None, 1], ["f", "f.bin", 200_000]]

    @pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", TYPE])
    def test_mistakes_of_the_client_are_refused(self, kind: str) -> None:
        status = Client(make_app()).post("/parts", body=b"x", headers={"content-type": kind}).status
        assert status == (415 if "url" in kind else 400)

    def test_the_client_waits_while_a_part_is_handled(self, run: Any) -> None:
        async def main() -> list[str]:
            app = App()
            seen: list[str] = []
            go_on = asyncio.Event()

            @app.post("/")
            async def save(request: Request) -> None:
                async for part in request.multipart():
                    seen.append(part.name)
                    await go_on.wait()
                    await part.read()

            async def sent() -> AsyncIterator[bytes]:
                yield field("a", "1")
                await until(lambda: seen == ["a"])
                go_on.set()
                yield body(field("b", "2"))

            async with AsyncClient(app) as client:
                await client.post("/", body=sent(), headers={"content-type": TYPE})
            return seen

        assert run(main()) == ["a", "b"]


SAMPLE = body(field("a", "1"), file("f", "f.bin", b"x" * 3000), field("b", "2"))


class TestAClientThatLeaves:
    @pytest.mark.parametrize("path", ["/coroutine", "/several", "/parts"])
    @pytest.mark.parametrize("length", [0, 1, 10, 50, 80, 100, 150, 1000, 3150, 3200, len(SAMPLE) - 1])
    def test_nothing_is_left(self, run: Any, path: str, length: int, log: Log) -> None:
        async def main() -> None:
            arrived = asyncio.Event()

            async def sent() -> AsyncIterator[bytes]:
                yield SAMPLE[:length]
                arrived.set()
                await asyncio.Event().wait()

            async with AsyncClient(make_app(FormLimits(spool_limit=100)), raise_errors=False) as client:
                asking = asyncio.ensure_future(client.post(path, body=sent(), headers={"content-type": TYPE}))
                await arrived.wait()
                await run_turns()
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                await run_turns()

        run(main())
        assert open_files() == 0
        assert not log

    def test_a_file_is_deleted_when_the_response_is_complete(self) -> None:
        app = App()
        kept: list[FormData] = []

        @app.post("/")
        async def keep(request: Request) -> int:
            kept.append(await request.form(FormLimits(spool_limit=10)))
            return open_files()

        client = Client(app)
        assert client.post("/", files={"a": b"x" * 1000}).json() == 1
        assert open_files() == 0
        with pytest.raises(HandlerError, match="RW276"):
            kept[0].files["a"].open().read()

    def test_a_refused_form_keeps_no_file_until_the_response(self) -> None:
        app = App()

        @app.post("/")
        async def catch(request: Request) -> int:
            with pytest.raises(BadBody):
                await request.form(FormLimits(spool_limit=10))
            return open_files()

        sent = body(file("a", "a", b"x" * 1000))[:-5]
        assert Client(app).post("/", body=sent, headers={"content-type": TYPE}).json() == 0

    def test_a_failing_handler_leaves_no_file(self) -> None:
        app = App()

        @app.post("/")
        async def fail(request: Request) -> None:
            await request.form(FormLimits(spool_limit=10))
            raise ZeroDivisionError

        assert Client(app, raise_errors=False).post("/", files={"a": b"x" * 1000}).status == 500
        assert open_files() == 0

    def test_a_file_can_be_saved(self, tmp_path: Path) -> None:
        app = App()

        @app.post("/")
        async def save(request: Request) -> int:
            form = await request.form()
            await form.files["a"].save(tmp_path / "saved")
            return form.files["a"].size

        with Client(app) as client:
            assert client.post("/", files={"a": LARGE}).json() == len(LARGE)
        assert (tmp_path / "saved").read_bytes() == LARGE


class TestAFormThatNoCodeAwaits:
    @pytest.mark.parametrize("sent", [b"x", body(field("a", "1"))])
    def test_a_mistake_of_the_client_is_not_logged(self, sent: bytes, log: Log) -> None:
        app = App()

        @app.post("/")
        async def forget(request: Request) -> None:
            request.form()

        async def slowly() -> AsyncIterator[bytes]:
            for byte in sent:
                yield bytes((byte,))

        with Client(app, raise_errors=False) as client:
            client.post("/", body=sent, headers={"content-type": TYPE})
            client.post("/", body=slowly(), headers={"content-type": TYPE})
        gc.collect()
        assert not log


class TestProgrammingErrors:
    def test_a_second_call_fails_like_the_first(self) -> None:
        app = App()

        @app.post("/")
        async def twice(request: Request) -> list[str]:
            found = []
            for _ in range(2):
                with pytest.raises(BadBody) as raised:
                    await request.form()
                found.append(raised.value.detail)
            return found

        first, second = Client(app).post("/", body=b"x", headers={"content-type": TYPE}).json()
        assert first == second == "The form does not begin with its boundary."

    def test_a_streamed_body_cannot_be_a_form(self) -> None:
        app = App()

        @app.post("/")
        async def both(request: Request) -> None:
            async for _ in request.stream():
                pass
            await request.form()

        for sent in ({"data": {"a": "1"}}, {"files": {"a": b"1"}}):
            with pytest.raises(HandlerError, match="RW207"):
                Client(app).post("/", **sent)

    def test_a_missing_package_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "multipart", None)
        with pytest.raises(HandlerError, match="RW278 .*Forms with files need multipart 2"):
            Client(make_app()).post("/coroutine", files={"a": b"1"})
        assert Client(make_app()).post("/coroutine", data={"a": "1"}).status == 200
