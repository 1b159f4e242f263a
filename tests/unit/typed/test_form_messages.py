"""The sentences for people in the errors of `Submitted`."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
import pydantic
import pytest

from ropewalk import App, Form, Submitted, UploadFile
from ropewalk.errors import HandlerError
from ropewalk.testing import Client


class Message(msgspec.Struct, kw_only=True):
    title: Annotated[str, msgspec.Meta(min_length=10, max_length=12, pattern=r"\w*")]
    name: Annotated[str, msgspec.Meta(min_length=1)]
    guests: Annotated[int, msgspec.Meta(ge=1, le=4)]
    price: Annotated[float, msgspec.Meta(gt=1.5, multiple_of=0.5)] = 2.0
    kind: Literal["a", "b"] = "a"
    day: date | None = None
    number: int | None = None
    code: Annotated[str, msgspec.Meta(pattern="^x$")] = "x"
    tags: Annotated[list[str], msgspec.Meta(max_length=2)]
    photo: UploadFile | None = None
    agreed: bool = False


class MessageModel(pydantic.BaseModel):
    title: Annotated[str, pydantic.Field(min_length=10, max_length=12)]
    name: Annotated[str, pydantic.Field(min_length=1)]
    guests: Annotated[int, pydantic.Field(ge=1, le=4)]
    price: Annotated[float, pydantic.Field(gt=1.5)] = 2.0
    kind: Literal["a", "b"] = "a"
    day: date | None = None
    number: int | None = None
    code: Annotated[str, pydantic.Field(pattern="^x$")] = "x"
    tags: Annotated[list[str], pydantic.Field(max_length=2)]
    photo: UploadFile | None = None
    agreed: bool = False


VALID: dict[str, Any] = {"title": "0123456789", "name": "Ada", "guests": "2"}
CASES = [
    ("title", "a", "Use at least 10 characters."),
    ("title", "a" * 13, "Use at most 12 characters."),
    ("name", "", "Fill in this field."),
    ("guests", "", "Fill in this field."),
    ("guests", "two", "Enter a whole number."),
    ("guests", "0", "Enter a number of at least 1."),
    ("guests", "5", "Enter a number of at most 4."),
    ("guests", ["1", "2"], "Give only one value."),
    ("price", "x", "Enter a number."),
    ("price", "1", "Enter a number above 1.5."),
    ("kind", "c", "Choose one of: a, b."),
    ("day", "soon", "Enter a date."),
    ("number", "x", "Enter a whole number."),
    ("code", "y", "This value has the wrong format."),
    ("tags", ["a", "b", "c"], "Choose at most 2."),
    ("photo", "x", "Choose a file."),
    ("agreed", "x", "Enter yes or no."),
]


def app_for(model: Any, form: Form) -> App:
    app = App()

    @app.post("/")
    async def add(sent: Annotated[Submitted[model], form]) -> Any:
        return dict(sent.errors)

    return app


@pytest.mark.parametrize("model", [Message, MessageModel])
@pytest.mark.parametrize(("field", "value", "message"), CASES)
def test_a_sentence_for_people(model: Any, field: str, value: Any, message: str) -> None:
    errors = Client(app_for(model, Form())).post("/", data=VALID | {field: value}).json()
    if model is MessageModel and message == "Choose one of: a, b.":
        message = "Choose one of: a or b."
    assert errors == {field: [message]}


def test_problem_details_are_for_programs() -> None:
    app = App()

    @app.post("/")
    async def add(sent: Annotated[Message, Form()]) -> None: ...

    [error] = Client(app).post("/", data=VALID | {"title": "a"}).json()["errors"]
    assert error["message"] == "Expected `str` of length >= 10"


class TestOwnMessages:
    @pytest.mark.parametrize("model", [Message, MessageModel])
    def test_by_field_and_rule(self, model: Any) -> None:
        asked: list[Any] = []

        def german(field: str, rule: str, limit: Any) -> str | None:
            asked.append((field, rule, limit))
            return {"min_length": f"Mindestens {limit} Zeichen."}.get(rule)

        sent = VALID | {"title": "a", "guests": "0"}
        assert Client(app_for(model, Form(messages=german))).post("/", data=sent).json() == {
            "title": ["Mindestens 10 Zeichen."],
            "guests": ["Enter a number of at least 1."],
        }
        assert asked == [("title", "min_length", 10), ("guests", "ge", 1)]

    def test_translated_in_the_handler(self) -> None:
        app = App()

        @app.post("/")
        async def add(sent: Annotated[Submitted[Message], Form()]) -> Any:
            sent.errors.translate(lambda field, rule, limit: f"{field}: {rule} {limit}")
            return dict(sent.errors)

        sent = VALID | {"kind": "c", "day": "x"}
        assert Client(app).post("/", data=sent).json() == {
            "kind": ["kind: choice ('a', 'b')"],
            "day": ["day: type date"],
        }

    def test_not_a_function(self) -> None:
        with pytest.raises(HandlerError, match="RW214.*messages="):
            Form(messages={"title": "x"})  # type: ignore[arg-type]
