"""`OpenAPI`: what an app publishes as the description of its API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class OpenAPI:
    """Publishes the description of an app's API: `App(openapi=OpenAPI("Hotel", "1.0"))`.

    Both routes are open to every client that reaches the app, unless a middleware of the app refuses it.
    """

    title: str
    """The name of your API."""
    version: str
    """The version of your API, not of OpenAPI."""
    description: str = ""
    """Markdown."""
    path: str = "/openapi.json"
    """The path of the document."""
    ui: str | None = "/docs"
    """The path of a page to read the document and try the operations: Swagger UI, from the extra `openapi`. None for no
    page."""
    servers: Sequence[str | Mapping[str, Any]] = ()
    """URLs of the API, or Server Objects of OpenAPI. Without any, it is where the document was requested."""
    tags: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    """Descriptions of tags, or Tag Objects of OpenAPI without the name, in the order of the page. Routes may have other
    tags."""
    contact: Mapping[str, str] = field(default_factory=dict)
    """Whom to ask about the API: `name`, `url` and `email`, or some of them."""
    license: Mapping[str, str] = field(default_factory=dict)
    """The license of the API: `name`, and `identifier` (SPDX) or `url`."""
    terms_of_service: str = ""
    """The URL of the terms of service."""
    external_docs: Mapping[str, str] = field(default_factory=dict)
    """Documentation elsewhere: `url`, and a `description`."""
    name_operation: Callable[[str, str, str], str] | None = None
    """Makes the `operationId` of operations whose routes have none: a function of the name of the handler, the method
    and the path. None for the name of the handler, with the method and path if another operation has it."""
    security_schemes: Mapping[str, Any] = field(default_factory=dict)
    """Security scheme objects of OpenAPI by name, for what your own middleware checks.

    Without this and `security`, they come from `ropewalk.auth`: the schemes of `authenticate`, for operations that need
    a principal."""
    security: Sequence[Mapping[str, Sequence[str]]] = ()
    """The security requirements of all operations."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Merged into the document at the end, such as `{"info": {"summary": "Rooms."}}`."""
