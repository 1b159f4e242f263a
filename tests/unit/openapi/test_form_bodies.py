"""Forms as request bodies: fields, models and files."""

from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from tests.unit.openapi.described import described, operation

from ropewalk import App, Form, FormData, Submitted, UploadFile

BOTH = {"application/x-www-form-urlencoded", "multipart/form-data"}


class Booking(msgspec.Struct):
    name: str
    guests: int = 1


class WithFile(msgspec.Struct):
    name: str
    photo: UploadFile | None = None


class ModelWithFiles(pydantic.BaseModel):
    photos: list[UploadFile]


def app_for(annotation: Any) -> App:
    app = App()

    @app.post("/")
    async def handler(form: annotation) -> None: ...

    return app


@pytest.mark.parametrize("annotation", [Annotated[Booking, Form()], Annotated[Submitted[Booking], Form()]])
def test_a_model(annotation: Any) -> None:
    document = described(app_for(annotation))
    body = document["paths"]["/"]["post"]["requestBody"]
    assert body["required"] is True
    assert body["content"].keys() == BOTH
    assert body["content"]["multipart/form-data"] == {"schema": {"$ref": "#/components/schemas/Booking"}}
    assert document["components"]["schemas"]["Booking"]["required"] == ["name"]


@pytest.mark.parametrize("model", [WithFile, ModelWithFiles])
def test_a_model_with_files_is_multipart(model: Any) -> None:
    document = described(app_for(Annotated[model, Form(description="A booking.")]))
    body = document["paths"]["/"]["post"]["requestBody"]
    assert (body["content"].keys(), body["description"]) == ({"multipart/form-data"}, "A booking.")
    properties = document["components"]["schemas"][model.__name__]["properties"]
    if model is WithFile:
        assert properties["photo"]["anyOf"] == [{"type": "string", "format": "binary"}, {"type": "null"}]
    else:
        assert properties["photos"]["items"] == {"type": "string", "format": "binary"}


def test_parameters_are_the_fields_of_one_object() -> None:
    app = App()

    @app.post("/")
    async def handler(
        name: Annotated[str, Form(description="A name.", example="Ada")],
        photo: UploadFile,
        booking: Annotated[Booking, Form()],
        age: Annotated[int, Form("how-old", deprecated=True)] = 3,
        secret: Annotated[str, Form(hidden=True)] = "",
        page: int = 1,
    ) -> None: ...

    found = operation(app, "/", "post")
    assert [each["name"] for each in found["parameters"]] == ["page"]
    assert found["requestBody"] == {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string", "description": "A name.", "example": "Ada"},
                        "photo": {"type": "string", "format": "binary"},
                        "guests": {"type": "integer", "default": 1},
                        "how-old": {"type": "integer", "deprecated": True, "default": 3},
                    },
                    "required": ["name", "photo"],
                }
            }
        },
    }


def test_a_form_of_any_fields() -> None:
    body = operation(app_for(FormData), "/", "post")["requestBody"]
    assert body == {"content": {kind: {"schema": {"type": "object"}} for kind in BOTH}}


@pytest.mark.parametrize(
    ("annotation", "invalid"),
    [(Annotated[Booking, Form()], True), (FormData, False), (Annotated[Submitted[Booking], Form()], False)],
)
def test_the_responses_to_refused_forms(annotation: Any, invalid: bool) -> None:
    responses = operation(app_for(annotation), "/", "post")["responses"]
    assert {"400", "413", "415"} <= responses.keys()
    assert ("422" in responses) is invalid
