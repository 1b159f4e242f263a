"""The routes that publish an app's OpenAPI document and the Swagger UI page."""

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from ropewalk.errors import HandlerError, OptionError, shown
from ropewalk.openapi.document import document_of
from ropewalk.openapi.options import OpenAPI
from ropewalk.openapi.swagger_ui import LOGIN, SCRIPT, START, STYLE, SwaggerUI, files_folder
from ropewalk.request import Request
from ropewalk.resource import Resource, node_of
from ropewalk.response import JSON, Response
from ropewalk.routing import Routes

_FIELDS: Final = {"x-content-type-options": "nosniff"}


class Published:
    """Adds the routes of the document and the Swagger UI page to an app. The document is made for the first request,
    and again after the resource tree has changed.
    """

    def __init__(self, routes: Routes, options: OpenAPI) -> None:
        """Raises HandlerError (RW219) for wrong options, StartError (RW750) if swagger-ui-py is not installed, and
        TreeError (RW104) if one of the paths has a route already."""
        _check(options)
        self.options = options
        self._root = routes.resource
        self._made: bytes | None = None
        self._has_servers = False
        ui = None if options.ui is None else _page(options, options.ui, self._token_urls)
        node_of(self._root).own(self)
        routes.get(options.path, name="openapi", hidden=True)(self.document)
        if ui is not None and options.ui is not None:
            folder = options.ui.rstrip("/")
            routes.get(options.ui, name="openapi_ui", hidden=True)(ui.page)
            for name in (STYLE, SCRIPT):
                routes.get(f"{folder}/{name}", name=f"openapi_ui/{name}", hidden=True)(_file(ui, name))
            routes.get(f"{folder}/{START}", name=f"openapi_ui/{START}", hidden=True)(_start(ui))
            routes.get(f"{folder}/{LOGIN}", name=f"openapi_ui/{LOGIN}", hidden=True)(_login(ui))

    def changed(self, seen: set[int]) -> None:
        """Discard the document, because the resource tree has changed."""
        del seen
        self._made = None

    def document(self, request: Request) -> Response:
        """Respond with the document. If the app is mounted, the document's `servers` has the path of the mount."""
        made = self._document()
        place = _place_of_app(request.raw_path.decode("ascii"), self.options.path)
        if place and not place.startswith("//") and not self._has_servers:
            made = b'{"servers":' + msgspec.json.encode([{"url": place}]) + b"," + made[1:]
        return Response(made, headers=_FIELDS, content_type=JSON)

    def _document(self) -> bytes:
        if self._made is None:
            document = document_of(self._root, self.options)
            self._has_servers = "servers" in document
            self._made = _encoded(document)
        return self._made

    def _token_urls(self) -> list[str]:
        """The URLs from which the Swagger UI page may fetch tokens: those in the document's security schemes."""
        schemes = msgspec.json.decode(self._document()).get("components", {}).get("securitySchemes", {})
        described = [each for each in schemes.values() if isinstance(each, dict)]
        flows = [flow for each in described for flow in dict(each.get("flows") or {}).values()]
        names = ("tokenUrl", "refreshUrl", "openIdConnectUrl")
        return [part[name] for part in (*described, *flows) for name in names if isinstance(part.get(name), str)]


def encode_document(root: Resource, options: OpenAPI) -> bytes:
    """The OpenAPI document as JSON. Raises HandlerError (RW219)."""
    return _encoded(document_of(root, options))


def _encoded(document: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(document)
    except (TypeError, ValueError) as error:
        what = f"The description of the API has a value that JSON cannot have: {error}."
        raise HandlerError(
            "RW219", what, "Correct `extra` of OpenAPI, or `operation` or `responses` of a route."
        ) from error


def _place_of_app(requested: str, path: str) -> str:
    """The path at which an app is mounted: `requested` without the segments of `path` at its end.

    The segments are only counted, because clients may percent-encode them in any way.
    """
    own = path.rstrip("/").count("/")
    segments = requested.removesuffix("/").split("/")
    place = "/".join(segments[: len(segments) - own])
    return place.replace("{", "%7B").replace("}", "%7D")  # in a server URL, braces mark variables


def _check(options: Any) -> None:
    if not isinstance(options, OpenAPI):
        raise OptionError("RW219", f"app.openapi is {shown(options)}.", 'Set it to OpenAPI("Title", "1.0").')
    for name in ("title", "version", "description", "terms_of_service"):
        text = getattr(options, name)
        if not isinstance(text, str):
            raise OptionError("RW219", f"OpenAPI({name}={shown(text)}) is not a str.", f'Write {name}="{text}".')
    paths: tuple[tuple[str, Any], ...] = (("path", options.path), ("ui", options.ui))
    for name, path in paths:
        if path is not None and not (isinstance(path, str) and path.startswith("/") and "{" not in path):
            what = f"OpenAPI({name}={path!r}) is not a path without parameters."
            raise OptionError("RW219", what, 'Write it as "/openapi.json".')
    if isinstance(options.servers, str):
        what = f"OpenAPI(servers={options.servers!r}) is not a list."
        raise OptionError("RW219", what, f"Write servers=[{options.servers!r}].")
    for server in options.servers:
        if not isinstance(_url_of(server), str):
            what = f"OpenAPI(servers=...) has {shown(server)}."
            raise OptionError("RW219", what, 'Give each server as a str, or as a dict with a "url".')


def _page(options: OpenAPI, path: str, token_urls: Callable[[], Sequence[str]]) -> SwaggerUI:
    folder = path.rstrip("/")
    files = files_folder(path)
    return SwaggerUI(
        title=options.title,
        folder=files,
        name=posixpath.basename(folder),
        document=posixpath.relpath(options.path, folder or "/"),
        servers=tuple(_url_of(each) for each in options.servers),
        token_urls=token_urls,
        login_page=(files / LOGIN).read_text(encoding="utf-8"),
    )


def _url_of(server: Any) -> Any:
    """The URL of an item of `OpenAPI.servers`, which may be a str or a dict."""
    return server.get("url") if isinstance(server, Mapping) else server


def _file(ui: SwaggerUI, name: str) -> Callable[[Request], Response]:
    def openapi_ui_file(request: Request) -> Response:
        del request
        return ui.file(name)

    return openapi_ui_file


def _start(ui: SwaggerUI) -> Callable[[Request], Response]:
    def openapi_ui_start(request: Request) -> Response:
        del request
        return ui.start()

    return openapi_ui_start


def _login(ui: SwaggerUI) -> Callable[[Request], Response]:
    def openapi_ui_login(request: Request) -> Response:
        del request
        return ui.login()

    return openapi_ui_login
