"""Mistakes in dependencies are errors with a code, the place in the user's code, and a remedy."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from tests.unit.conftest import Log
from tests.unit.typed.providers import Callables, generator, handlers, one, plain

from ropewalk import App, Depends, HTTPError, Query, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


def start(app: App) -> None:
    with Client(app):
        pass


class TestMistakes:
    """The error for each mistake has a code, the place in the user's code, and the remedy."""

    def test_a_name_that_nothing_provides(self, log: Log) -> None:
        app = App()
        app.provide("session", plain)

        @app.get("/")
        def handler(sesion: Annotated[str, Depends()]) -> None: ...

        with pytest.raises(
            HandlerError, match=r"Nothing provides 'sesion', which .*handler at .*\.py:\d+ needs"
        ) as error:
            start(app)
        assert error.value.code == "RW216"
        assert "session" in error.value.remedy
        assert Client(app, raise_errors=False).get("/").status == 500
        assert "RW216" in log.text

    def test_a_circle_of_functions(self) -> None:
        with pytest.raises(HandlerError, match=r"one at .* needs two at .* needs one at") as error:

            @App().get("/")
            def handler(value: Annotated[str, Depends(one)]) -> None: ...

        assert error.value.code == "RW217"

    def test_a_circle_of_names(self) -> None:
        app = App()

        def first(b: Annotated[str, Depends()]) -> str:
            return b

        def second(a: Annotated[str, Depends()]) -> str:
            return a

        app.provide("a", first)
        app.provide("b", second)

        @app.get("/")
        def handler(a: Annotated[str, Depends()]) -> None: ...

        with pytest.raises(HandlerError, match="first at .* needs .*second at .* needs .*first at") as error:
            start(app)
        assert error.value.code == "RW217"

    def test_a_parameter_that_cannot_be_read(self) -> None:
        def wrong(thing: Callables) -> None: ...

        with pytest.raises(HandlerError, match=r"wrong at .*: thing is .*Callables, which cannot be read") as error:

            @App().post("/")
            def handler(value: Annotated[None, Depends(wrong)]) -> None: ...

        assert error.value.code == "RW214"

    def test_depends_as_a_default(self) -> None:
        """Other frameworks take `Depends` as a default. Without this error, the provider would not be called, even if
        it checks a login.
        """
        given: Any = Depends(plain)

        def annotated(value: str = given) -> None: ...

        def without(value=given): ...  # type: ignore[no-untyped-def]

        def with_request(request: Request, value=given): ...  # type: ignore[no-untyped-def]

        for handler in (annotated, without, with_request):
            with pytest.raises(HandlerError, match="has Depends in the place of its default") as error:
                App().get("/")(handler)
            assert (error.value.code, error.value.remedy) == ("RW214", "Write `value: Annotated[..., Depends(...)]`.")

    def test_two_markers(self) -> None:
        with pytest.raises(HandlerError, match="has two markers"):

            @App().get("/")
            def handler(value: Annotated[str, Depends(plain), Query()]) -> None: ...

    @pytest.mark.parametrize(
        "mistake",
        [
            lambda: Depends(7),  # type: ignore[arg-type]
            lambda: Depends(plain, scope="session"),  # type: ignore[arg-type]
            lambda: App().provide("a b", plain),
            lambda: App().provide("a", 7),  # type: ignore[arg-type]
            lambda: App().get("/", provide={"a": Depends("b")}),
            lambda: App().get("/", provide={"a": 7})(plain),
            lambda: App().mount("/", App().resource, provide={"a": plain}),
            lambda: App().override(plain, 7).__enter__(),  # type: ignore[arg-type]
        ],
    )
    def test_no_provider(self, mistake: Callable[[], object]) -> None:
        with pytest.raises(HandlerError) as error:
            mistake()
        assert error.value.code == "RW218"

    def test_a_name_that_is_provided_twice(self) -> None:
        app = App()
        app.provide("a", plain)
        with pytest.raises(HandlerError, match=r"'a' is provided twice by one app, by plain at .*generator at"):
            app.provide("a", generator)

    def test_an_app_with_different_providers_at_two_mounts(self) -> None:
        app, inner = App(), App()
        app.mount("/a", inner, provide={"a": plain})
        app.mount("/b", inner, provide={"a": plain})
        with pytest.raises(HandlerError, match="mounted twice, with different providers"):
            app.mount("/c", inner)

    def test_a_generator_without_a_yield(self, log: Log) -> None:
        def nothing() -> Iterator[str]:
            yield from ()

        async def nothing_later() -> AsyncIterator[str]:
            return
            yield

        for provider in (nothing, nothing_later):
            app = App()
            app.get("/")(handlers(provider)[0])
            assert Client(app, raise_errors=False).get("/").status == 500
        assert log.text.count("RW218") == 2
        assert "nothing at" in log.text

    def test_an_error_of_a_provider(self, log: Log) -> None:
        def refusing() -> None:
            raise HTTPError(401)

        async def failing() -> None:
            raise LookupError("no room")

        app = App()
        app.get("/refused")(handlers(refusing)[2])
        app.get("/failed")(handlers(failing)[0])
        app.error(LookupError)(lambda request, error: Response(str(error), 404))
        client = Client(app)
        assert client.get("/refused").status == 401
        assert (client.get("/failed").status, client.get("/failed").text) == (404, "no room")
        assert log.text == ""
