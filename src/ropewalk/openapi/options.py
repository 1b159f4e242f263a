"""`OpenAPI`: what an app publishes as the description of its API."""

from collections.abc import Mapping, Sequence
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
    servers: Sequence[str] = ()
    """URLs of the API. Without any, it is where the document was requested."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Descriptions of tags, in the order of the page. Routes may have other tags."""
    security_schemes: Mapping[str, Any] = field(default_factory=dict)
    """Security scheme objects of OpenAPI by name, for what your own middleware checks.

    Without this and `security`, they come from `ropewalk.auth`: the schemes of `authenticate`, for operations that need
    a principal."""
    security: Sequence[Mapping[str, Sequence[str]]] = ()
    """The security requirements of all operations."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Merged into the document at the end, such as `{"info": {"license": {"name": "MIT"}}}`."""
