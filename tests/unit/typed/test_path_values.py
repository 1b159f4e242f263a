"""A value in the path has the same result, whether a handler, a provider, or a handler inside a mount takes it."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import pytest
from msgspec import Meta

from ropewalk import App, Depends, Path, Routes
from ropewalk.routing import get
from ropewalk.testing import Client

ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


def taken_by_handler(kind: Any) -> App:
    def show(value: Any) -> str:
        return repr(value)

    show.__annotations__["value"] = kind
    app = App()
    app.get("/{value}")(show)
    return app


def taken_with_another_converter(kind: Any) -> App:
    def show(value: Any) -> str:
        return repr(value)

    show.__annotations__["value"] = kind
    app = App()
    app.get("/{value:str}")(show)
    return app


def taken_by_provider(kind: Any) -> App:
    def provider(value: Any) -> str:
        return repr(value)

    provider.__annotations__["value"] = kind
    app = App()

    @app.get("/{value}")
    def show(found: Annotated[str, Depends(provider)]) -> str:
        return found

    return app


def taken_by_named_provider(kind: Any) -> App:
    def provider(value: Any) -> str:
        return repr(value)

    provider.__annotations__["value"] = kind
    app = App()
    app.provide("found", provider)

    @app.get("/{value}")
    async def show(found: Annotated[str, Depends()]) -> str:
        return found

    return app


def taken_inside_a_mount(kind: Any) -> App:
    marked = Annotated[kind, Path()]

    class Inner(Routes):
        @get("/")
        def show(self, value: Any) -> str:
            return repr(value)

        show.__annotations__["value"] = marked

    app = App(trailing_slash="ignore")
    app.mount("/{value}", Inner())
    return app


TAKERS = [
    taken_by_handler,
    taken_with_another_converter,
    taken_by_provider,
    taken_by_named_provider,
    taken_inside_a_mount,
]

CASES: list[tuple[Any, str, int, str]] = [
    (int, "7", 200, "7"),
    (int, "-7", 200, "-7"),
    *((int, wrong, 404, "") for wrong in ("x", "+7", "%207", "1_0", "7.0", "null", "true", "%D9%A7", "9" * 20)),
    (float, "7.5", 200, "7.5"),
    *((float, wrong, 404, "") for wrong in ("x", "nan", "inf", "1e5", "null", "+7.5")),
    (UUID, ID, 200, repr(UUID(ID))),
    *((UUID, wrong, 404, "") for wrong in ("x", ID.replace("-", ""), f"{{{ID}}}")),
    (Annotated[int, Meta(ge=1)], "1", 200, "1"),
    (Annotated[int, Meta(ge=1)], "0", 422, ""),
    (Annotated[int, Meta(ge=1)], "x", 404, ""),
]


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize(("kind", "given", "status", "text"), CASES)
def test_the_outcome(taker: Callable[[Any], App], kind: Any, given: str, status: int, text: str) -> None:
    response = Client(taker(kind)).get(f"/{given}")
    assert response.status == status
    if status == 200:
        assert response.text == text
