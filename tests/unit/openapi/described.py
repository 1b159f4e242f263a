"""The description of an app, and parts of it."""

import json
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from ropewalk import App, OpenAPI
from ropewalk.openapi import document_of, encode_document

OPTIONS = OpenAPI("Hotel", "1.0", ui=None)


def described(app: App, options: OpenAPI = OPTIONS) -> dict[str, Any]:
    """The document of an app, which is valid, and the same as JSON."""
    document = document_of(app.resource, options)
    assert json.loads(encode_document(app.resource, options)) == document
    OpenAPIV31SpecValidator(document).validate()
    return document


def operation(app: App, path: str, method: str = "get") -> dict[str, Any]:
    """One operation of an app."""
    found: dict[str, Any] = described(app)["paths"][path][method]
    return found


def parameters(app: App, path: str, method: str = "get") -> dict[str, dict[str, Any]]:
    """The parameters of an operation by name."""
    return {each["name"]: each for each in operation(app, path, method).get("parameters", ())}
