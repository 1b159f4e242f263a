"""Typed handlers that take forms: models, single fields, files, and forms with their errors."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from tests.unit.conftest import Log

from ropewalk import App, Body, Depends, Form, FormData, Request, Submitted, UploadFile
from ropewalk.errors import HandlerError
from ropewalk.forms import FormLimits
from ropewalk.testing import Client


class Booking(msgspec.Struct, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    guests: Annotated[int, msgspec.Meta(ge=1)]
    day: date | None = None
    tags: list[str]
    agreed: bool = msgspec.field(name="i-agree")
    breakfast: bool | None = None
    photo: UploadFile | None = None
    more: list[UploadFile]


@dataclass
class DataBooking:
    name: str
    guests: int
    tags: list[str]
    agreed: bool
    more: list[UploadFile]
    day: date | None = None
    breakfast: bool | None = None
    photo: UploadFile | None = None


class ModelBooking(pydantic.BaseModel):
    name: Annotated[str, pydantic.Field(min_length=1)]
    guests: Annotated[int, pydantic.Field(ge=1)]
    day: date | None = None
    tags: list[str]
    agreed: bool = pydantic.Field(alias="i-agree")
    breakfast: bool | None = None
    photo: UploadFile | None = None
    more: list[UploadFile]


MODELS = (Booking, DataBooking, ModelBooking)
FULL = {"name": "Ada", "guests": "2", "day": "2030-01-02", "tags": ["a", "b"], "breakfast": "off"}


def shown(booking: Any) -> dict[str, Any]:
    return {
        "name": booking.name,
        "guests": booking.guests,
        "day": str(booking.day),
        "tags": booking.tags,
        "agreed": booking.agreed,
        "breakfast": booking.breakfast,
        "photo": booking.photo and booking.photo.size,
        "more": [each.filename for each in booking.more],
    }


def agree(model: Any) -> str:
    return "agreed" if model is DataBooking else "i-agree"


def app_for(model: Any) -> App:
    app = App()

    @app.post("/coroutine")
    async def coroutine(booking: Annotated[model, Form()]) -> Any:
        return shown(booking)

    @app.post("/plain")
    def plain(booking: Annotated[model, Form()]) -> Any:
        return shown(booking)

    @app.post("/submitted")
    async def submitted(booking: Annotated[Submitted[model], Form()]) -> Any:
        if booking.value is None:
            return {"errors": dict(booking.errors), "raw": booking.raw.pairs()}
        return shown(booking.value)

    return app


PATHS = ("/coroutine", "/plain", "/submitted")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", MODELS)
class TestModels:
    def test_urlencoded(self, model: Any, path: str) -> None:
        response = Client(app_for(model)).post(path, data={**FULL, agree(model): "on"})
        assert response.json() == {
            "name": "Ada",
            "guests": 2,
            "day": "2030-01-02",
            "tags": ["a", "b"],
            "agreed": True,
            "breakfast": False,
            "photo": None,
            "more": [],
        }

    def test_files(self, model: Any, path: str) -> None:
        files = [("photo", ("a.png", b"x" * 300_000)), ("more", ("b", b"1")), ("more", ("c", b"2"))]
        response = Client(app_for(model)).post(path, data=FULL, files=files)
        assert response.json() | {"day": ""} == {
            "name": "Ada",
            "guests": 2,
            "day": "",
            "tags": ["a", "b"],
            "agreed": False,
            "breakfast": False,
            "photo": 300_000,
            "more": ["b", "c"],
        }

    def test_what_a_browser_leaves_out_or_empty(self, model: Any, path: str) -> None:
        sent = {"name": "Ada", "guests": "2", "day": "", "breakfast": ""}
        found = Client(app_for(model)).post(path, data=sent).json()
        assert found == {
            "name": "Ada",
            "guests": 2,
            "day": "None",
            "tags": [],
            "agreed": False,
            "breakfast": None,
            "photo": None,
            "more": [],
        }

    def test_a_file_that_was_not_chosen(self, model: Any, path: str) -> None:
        files = [("photo", ("", b"", "application/octet-stream"))]
        assert Client(app_for(model)).post(path, data=FULL, files=files).json()["photo"] is None

    def test_every_invalid_field_is_listed(self, model: Any, path: str, log: Log) -> None:
        sent = {"name": ["a", "b"], "guests": "x", "day": "soon", agree(model): "maybe", "photo": "text"}
        response = Client(app_for(model)).post(path, data=sent, files=[("tags", ("a", b"1"))])
        wrong = {"name", "guests", "day", agree(model), "photo", "tags"}
        if path == "/submitted":
            assert response.json()["errors"].keys() == wrong
            assert ["guests", "x"] in response.json()["raw"]
        else:
            assert response.status == 422
            assert {each["name"] for each in response.json()["errors"]} == wrong
            assert {each["location"] for each in response.json()["errors"]} == {"form"}
        assert not log

    def test_an_empty_form(self, model: Any, path: str) -> None:
        response = Client(app_for(model)).post(path)
        errors = response.json()["errors"]
        missing = set(errors) if path == "/submitted" else {each["name"] for each in errors}
        assert missing == {"name", "guests"}

    def test_another_body_is_refused(self, model: Any, path: str) -> None:
        assert Client(app_for(model)).post(path, json={"name": "Ada"}).status == 415
        kind = {"content-type": "multipart/form-data; boundary=a"}
        assert Client(app_for(model)).post(path, body=b"x", headers=kind).status == 400


class TestFields:
    def make(self) -> App:
        app = App()

        @app.post("/{id}")
        async def add(
            id: int,
            name: Annotated[str, Form()],
            photo: UploadFile,
            files: list[UploadFile],
            q: int = 1,
            guests: Annotated[int, Form("number-of-guests")] = 3,
        ) -> Any:
            return [id, name, photo.filename, [each.filename for each in files], q, guests]

        @app.post("/whole/{id}")
        def whole(id: int, form: FormData) -> Any:
            return [id, form.pairs(), list(form.files)]

        @app.post("/both/{id}")
        def both(id: int, form: FormData, name: Annotated[str, Form()]) -> Any:
            return [id, name, len(form)]

        return app

    def test_parameters(self) -> None:
        files = [("photo", ("a", b"1")), ("files", ("b", b"2"))]
        response = Client(self.make()).post("/7?q=5", data={"name": "Ada", "number-of-guests": "2"}, files=files)
        assert response.json() == [7, "Ada", "a", ["b"], 5, 2]

    def test_all_errors_of_the_request_are_listed(self) -> None:
        response = Client(self.make()).post("/7?q=x", data={"number-of-guests": "x"})
        found = [(each["location"], each["name"]) for each in response.json()["errors"]]
        assert found == [("query", "q"), ("form", "number-of-guests"), ("form", "name"), ("form", "photo")] or set(
            found
        ) == {("query", "q"), ("form", "number-of-guests"), ("form", "name"), ("form", "photo")}

    def test_the_whole_form(self) -> None:
        client = Client(self.make())
        assert client.post("/whole/7", data={"a": "1"}, files={"b": b""}).json() == [7, [["a", "1"]], ["b"]]
        assert client.post("/both/7", data={"name": "Ada", "b": "1"}).json() == [7, "Ada", 2]

    def test_a_provider_may_take_the_form(self) -> None:
        app = App()

        def name_of(name: Annotated[str, Form()]) -> str:
            return name.upper()

        @app.post("/")
        async def add(name: Annotated[str, Depends(name_of)], age: Annotated[int, Form()]) -> Any:
            return [name, age]

        assert Client(app).post("/", data={"name": "ada", "age": "3"}, files={"f": b"x" * 400_000}).json() == ["ADA", 3]
        assert len(Client(app).post("/", data={"age": "x"}).json()["errors"]) == 2

    def test_a_provider_may_close_after_the_response(self) -> None:
        app = App()
        seen: list[str] = []

        async def session(name: Annotated[str, Form()]) -> AsyncIterator[str]:
            seen.append(f"open {name}")
            yield name
            seen.append("close")

        @app.post("/")
        async def add(session: Annotated[str, Depends(session)]) -> str:
            return session

        assert Client(app).post("/", data={"name": "ada"}).text == "ada"
        assert seen == ["open ada", "close"]

    def test_a_middleware_may_read_the_form_first(self) -> None:
        app = App()

        @app.middleware
        async def check(request: Request, next: Any) -> Any:
            request.state.token = (await request.form()).get("csrf_token")
            return await next(request)

        @app.post("/coroutine")
        async def add(request: Request, name: Annotated[str, Form()]) -> Any:
            return [request.state.token, name]

        @app.post("/plain")
        def plain(request: Request, name: Annotated[str, Form()]) -> Any:
            return [request.state.token, name]

        @app.post("/untyped")
        def untyped(request: Request) -> Any:
            return request.form().addCallback(lambda form: [request.state.token, form["name"]])

        for path in ("/coroutine", "/plain", "/untyped"):
            data = {"csrf_token": "t", "name": "Ada"}
            assert Client(app).post(path, data=data).json() == ["t", "Ada"]
            assert Client(app).post(path, data=data, files={"f": b"x" * 400_000}).json() == ["t", "Ada"]

    def test_the_limits_of_the_handler_apply_in_a_middleware(self) -> None:
        app = App()

        @app.middleware
        async def check(request: Request, next: Any) -> Any:
            await request.form()
            return await next(request)

        limits = FormLimits(body_limit=3 << 20, part_limit=1)

        def size_of(f: Annotated[UploadFile, Form(limits=limits)]) -> int:
            return f.size

        app.post("/handler")(size_of)

        @app.post("/provider")
        async def add(size: Annotated[int, Depends(size_of)]) -> int:
            return size

        for path in ("/handler", "/provider"):
            assert Client(app).post(path, files={"f": b"x" * (2 << 20)}).json() == 2 << 20
            assert Client(app).post(path, files={"f": b"x" * (4 << 20)}).status == 413
            assert Client(app).post(path, data={"a": "1"}, files={"f": b"x"}).status == 413

    def test_limits_of_the_marker(self) -> None:
        app = App()
        limits = FormLimits(body_limit=3 << 20, part_limit=2)

        @app.post("/coroutine")
        async def add(f: Annotated[UploadFile, Form(limits=limits)]) -> int:
            return f.size

        @app.post("/plain")
        def plain(f: Annotated[UploadFile, Form(limits=limits)]) -> int:
            return f.size

        for path in ("/coroutine", "/plain"):
            assert Client(app).post(path, files={"f": b"x" * (2 << 20)}).json() == 2 << 20
            assert Client(app).post(path, files={"f": b"x" * (4 << 20)}).status == 413
            assert Client(app).post(path, data={"a": "1", "b": "2"}, files={"f": b"x"}).status == 413

    def test_a_file_can_be_saved(self, tmp_path: Path) -> None:
        app = App()

        @app.post("/")
        async def add(photo: UploadFile) -> None:
            await photo.save(tmp_path / "photo")

        with Client(app) as client:
            assert client.post("/", files={"photo": b"x" * 500_000}).status == 204
        assert (tmp_path / "photo").stat().st_size == 500_000


class TestSubmitted:
    def test_a_handler_may_add_errors(self) -> None:
        app = App()

        @app.post("/")
        async def add(form: Annotated[Submitted[Booking], Form()]) -> Any:
            if form.value is not None and form.value.name == "Ada":
                form.errors.add("name", "Ada has a booking already.")
                form.errors.add("", "Try another day.")
            return [dict(form.errors), form.errors.get("guests"), bool(form.errors)]

        sent = {"name": "Ada", "guests": "1"}
        expected = [{"name": ["Ada has a booking already."], "": ["Try another day."]}, None, True]
        assert Client(app).post("/", data=sent).json() == expected
        assert Client(app).post("/", data={**sent, "name": "Bo"}).json() == [{}, None, False]

    def test_a_check_of_the_program_is_about_the_whole_form(self) -> None:
        @dataclass
        class Stay:
            first: int
            last: int
            notes: list[str] = field(default_factory=list)

            def __post_init__(self) -> None:
                if self.last < self.first:
                    raise ValueError("The last day is before the first.")

        app = App()

        @app.post("/")
        async def add(form: Annotated[Submitted[Stay], Form()]) -> Any:
            return dict(form.errors)

        assert Client(app).post("/", data={"first": "2", "last": "1"}).json() == {
            "": ["The last day is before the first."]
        }


class TestMistakes:
    @pytest.mark.parametrize(
        ("annotations", "message"),
        [
            ({"a": Annotated[str, Form()], "b": Booking}, "from the body and from a form"),
            ({"a": Annotated[str, Form()], "b": Annotated[bytes, Body()]}, "from the body and from a form"),
            ({"a": Annotated[Booking, Body()]}, "has a file, which only a form can have"),
            ({"a": Booking}, "has a file, which only a form can have"),
            ({"a": Annotated[Booking, Form("name")]}, "takes all values of this part"),
            ({"a": Annotated[FormData, Form("name")]}, "takes all values of this part"),
            ({"a": Annotated[Submitted, Form()]}, "is Submitted without a type"),
            ({"a": Annotated[Submitted[int], Form()]}, "is Submitted without a type"),
            (
                {
                    "a": Annotated[str, Form(limits=FormLimits(part_limit=1))],
                    "b": Annotated[str, Form(limits=FormLimits(part_limit=2))],
                },
                "have different limits",
            ),
            ({"a": Annotated[Path, Form()]}, "which cannot be read"),
        ],
    )
    def test_they_are_refused_at_registration(self, annotations: Any, message: str) -> None:
        async def handler(**_: Any) -> None: ...

        import inspect

        handler.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
                for name, kind in annotations.items()
            ]
        )
        with pytest.raises(HandlerError, match=f"RW214.*{message}"):
            App().post("/")(handler)

    def test_a_get_request_has_no_form(self) -> None:
        async def handler(a: Annotated[str, Form()]) -> None: ...

        with pytest.raises(HandlerError, match=r"RW214.*a would come from the body, which a GET request does not have"):
            App().get("/")(handler)

    def test_limits_of_another_type(self) -> None:
        limits: Any = 5
        with pytest.raises(HandlerError, match="RW214 Form has limits=5"):
            Form(limits=limits)
