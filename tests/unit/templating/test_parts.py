"""Blocks, fragments for htmx, streams, and templates that await."""

import asyncio
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from jinja2 import DictLoader
from tests.unit.templating.sites import templates

from ropewalk import App, Request, Response
from ropewalk.middleware.chain import Next
from ropewalk.templating import TemplateError, Templates, TemplatesOptions, is_htmx, render
from ropewalk.testing import AsyncClient, Client

ROOMS = "<table>{% block rows %}{% for room in rooms %}<tr>{{ room }}</tr>{% endfor %}{% endblock %}</table>"
ROWS = "<tr>1</tr><tr>2</tr>"


def rooms(options: TemplatesOptions, *, middleware: Any = (), **arguments: Any) -> Client:
    app = App(templates=templates(options, rooms=ROOMS), middleware=middleware)

    @app.get("/")
    def index(request: Request) -> Response:
        del request
        return render("rooms.html", rooms=[1, 2], **arguments)

    return Client(app)


async def pass_on(request: Request, next: Next) -> Response:
    return await next(request)


MODES = [TemplatesOptions(), TemplatesOptions(enable_async=True)]


@pytest.mark.parametrize("options", MODES, ids=["plain", "async"])
@pytest.mark.parametrize("middleware", [[], [pass_on]], ids=["alone", "in middleware"])
@pytest.mark.parametrize("stream", [False, True])
class TestBlocks:
    def test_a_block(self, options: TemplatesOptions, middleware: Any, stream: bool) -> None:
        response = rooms(options, middleware=middleware, block="rows", stream=stream).get("/")
        assert (response.text, "vary" in response.headers) == (ROWS, False)

    def test_the_whole_page(self, options: TemplatesOptions, middleware: Any, stream: bool) -> None:
        response = rooms(options, middleware=middleware, stream=stream).get("/")
        assert response.text == f"<table>{ROWS}</table>"
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert ("content-length" in response.headers) == (not stream)


class TestHTMX:
    @pytest.mark.parametrize(
        ("fields", "is_part"),
        [
            ({}, False),
            ({"HX-Request": "true"}, True),
            ({"HX-Request": "false"}, False),
            ({"HX-Request": "true", "HX-Boosted": "true"}, False),
            ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
        ],
    )
    def test_a_fragment(self, fields: dict[str, str], is_part: bool) -> None:
        response = rooms(TemplatesOptions(), fragment="rows").get("/", headers=fields)
        assert response.text == (ROWS if is_part else f"<table>{ROWS}</table>")
        assert response.headers["vary"] == "HX-Request, HX-Boosted, HX-History-Restore-Request"

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ("Accept", "Accept, HX-Request, HX-Boosted, HX-History-Restore-Request"),
            ("hx-request", "hx-request, HX-Boosted, HX-History-Restore-Request"),
            ("*", "*"),
        ],
    )
    def test_the_vary_field_is_kept(self, given: str, sent: str) -> None:
        response = rooms(TemplatesOptions(), fragment="rows", headers={"Vary": given}).get("/")
        assert response.headers["vary"] == sent

    def test_in_a_handler(self) -> None:
        app = App()

        @app.get("/")
        def index(request: Request) -> str:
            return str(is_htmx(request))

        client = Client(app)
        assert (client.get("/").text, client.get("/", headers={"HX-Request": "true"}).text) == ("False", "True")


class TestStreams:
    @pytest.mark.parametrize("options", MODES, ids=["plain", "async"])
    def test_a_large_page_is_sent_while_it_is_rendered(self, options: TemplatesOptions) -> None:
        taken: list[int] = []
        sent: list[int] = []
        first = Event()

        def lines() -> Iterator[str]:
            for number in range(30_000):
                if number == 20_000:
                    assert first.wait(5)  # at least one part has been sent by now
                taken.append(number)
                yield "x" * 100

        app = App(templates=templates(options, page="{% for line in lines %}{{ line }}{{ url_for('i') }}{% endfor %}"))

        @app.get("/", name="i")
        def index(request: Request) -> Response:
            del request
            return render("page.html", lines=lines(), stream=True)

        async def main() -> int:
            size = 0
            async with AsyncClient(app) as client, await client.stream("GET", "/") as response:
                async for part in response:
                    size += len(part)
                    sent.append(len(taken))
                    first.set()
            return size

        assert asyncio.run(main()) == 30_000 * 101
        assert sent[0] <= 20_000

    def test_an_error_before_the_first_part_is_a_500(self) -> None:
        app = App(templates=templates(page="text {{ romo }}"))

        @app.get("/")
        def index(request: Request) -> Response:
            del request
            return render("page.html", stream=True)

        assert Client(app, raise_errors=False).get("/").status == 500
        with pytest.raises(TemplateError, match="RW293"):
            Client(app).get("/")


class TestAsync:
    def app(self) -> App:
        page = "{% for i in numbers() %}{{ i }}{{ later(i) }}{{ url_for('index') }}{% endfor %}"
        given = templates(TemplatesOptions(enable_async=True), page=page)
        app = App(templates=given)

        async def later(number: int) -> int:
            await asyncio.sleep(0)
            return number * 10

        async def numbers() -> Any:
            for number in (1, 2):
                await asyncio.sleep(0)
                yield number

        @app.get("/", name="index")
        def index(request: Request, stream: bool = False) -> Response:
            del request
            return render("page.html", later=later, numbers=numbers, stream=stream)

        return app

    @pytest.mark.parametrize("query", ["", "?stream=true"])
    def test_coroutines_and_async_iterators_are_awaited(self, query: str) -> None:
        assert Client(self.app()).get(f"/{query}").text == "110/220/"

    def test_pages_at_the_same_time_have_their_own_request(self) -> None:
        given = Templates(
            DictLoader({"page.html": "{{ wait() }}{% from 'm.html' import m %}{{ m() }}", "m.html": MACRO}),
            TemplatesOptions(enable_async=True),
        )
        app = App(templates=given)
        running: list[int] = []

        async def wait() -> str:
            running.append(1)
            while len(running) < 2:
                await asyncio.sleep(0)
            return ""

        for path in ("/a/page", "/b/page"):
            inner = App()

            @inner.get("/page")
            def page(request: Request) -> Response:
                del request
                return render("page.html", wait=wait)

            app.mount(path.removesuffix("/page"), inner)

        async def main() -> list[str]:
            async with AsyncClient(app) as client:
                responses = await asyncio.gather(client.get("/a/page"), client.get("/b/page"))
                return [response.text for response in responses]

        assert asyncio.run(main()) == ["/a/page", "/b/page"]

    def test_error_pages_and_text_do_not_await(self) -> None:
        given = templates(TemplatesOptions(enable_async=True), **{"errors/404": "{{ status }}", "mail": "text"})
        client = Client(App(templates=given), headers={"Accept": "text/html"})
        assert (client.get("/nowhere").text, given.text("mail.html")) == ("404", "text")


MACRO = "{% macro m() %}{{ url_for('page') }}{% endmacro %}"
