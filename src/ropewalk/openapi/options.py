"""`OpenAPI`: the options of an app's OpenAPI document."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ropewalk.errors import KnownOptions


@dataclass(frozen=True, slots=True, eq=False)
class OpenAPI(KnownOptions):
    """Publishes an app's OpenAPI document: `App(openapi=OpenAPI("Hotel", "1.0"))`.

    Every client can read the document and the Swagger UI page, unless a middleware of the app refuses the request.
    """

    title: str
    """The name of your API."""
    version: str
    """The version of your API, not of OpenAPI."""
    description: str = ""
    """A description of your API, in Markdown."""
    path: str = "/openapi.json"
    """The path of the document."""
    ui: str | None = "/docs"
    """The path of the Swagger UI page, on which users read the document and try the operations. It needs the extra
    `openapi`. None for no page."""
    servers: Sequence[str | Mapping[str, Any]] = ()
    """URLs of the API, or Server Objects of OpenAPI. By default, the only server is the app that serves the
    document."""
    tags: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    """Descriptions of tags, or Tag Objects of OpenAPI without the name, in the order in which the page shows them.
    Routes may also use tags that are not listed here."""
    contact: Mapping[str, str] = field(default_factory=dict)
    """The contact for questions about the API: any of `name`, `url` and `email`."""
    license: Mapping[str, str] = field(default_factory=dict)
    """The license of the API: `name`, and `identifier` (SPDX) or `url`."""
    terms_of_service: str = ""
    """The URL of the terms of service."""
    external_docs: Mapping[str, str] = field(default_factory=dict)
    """Other documentation of the API: its `url`, and a `description`."""
    name_operation: Callable[[str, str, str], str] | None = None
    """A function that takes the handler's name, the method and the path, and returns the `operationId` of an operation
    whose route has none. By default, the id is the handler's name, followed by the method and path if another operation
    has the same handler name."""
    security_schemes: Mapping[str, Any] = field(default_factory=dict)
    """Security Scheme Objects of OpenAPI by name, for authentication schemes that your own middleware checks. If this
    and `security` are empty, the schemes of `ropewalk.auth.authenticate` are described, for operations that need a
    principal."""
    security: Sequence[Mapping[str, Sequence[str]]] = ()
    """The Security Requirement Objects that apply to all operations."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Members that are merged into the finished document, such as `{"info": {"summary": "Rooms."}}`."""
