"""The public surface: what `from ropewalk import ...` offers. If this list changes, the API for our users changes."""

import tomllib
from pathlib import Path

import ropewalk

SURFACE = [
    "NOT_DONE_YET",
    "ASGIOptions",
    "After",
    "App",
    "BadBody",
    "Body",
    "BodyTooLarge",
    "Compression",
    "Converter",
    "Cookie",
    "Depends",
    "Disconnected",
    "FieldError",
    "Files",
    "FilesOptions",
    "Form",
    "FormData",
    "HTTPError",
    "Header",
    "Headers",
    "IfMatch",
    "InvalidInput",
    "JSONPatch",
    "Limits",
    "MergePatch",
    "OpenAPI",
    "OptionalIfMatch",
    "Path",
    "Query",
    "QueryParams",
    "Request",
    "Resource",
    "Response",
    "RopewalkError",
    "Routes",
    "ServerSentEvent",
    "Site",
    "Submitted",
    "TLSOptions",
    "TrustedProxies",
    "UploadFile",
    "WSGIOptions",
    "__version__",
    "asgi",
    "install_reactor",
    "wsgi",
]


def test_the_surface() -> None:
    assert ropewalk.__all__ == SURFACE


def test_every_name_is_there() -> None:
    assert [name for name in SURFACE if not hasattr(ropewalk, name)] == []


def test_nothing_else_is_public() -> None:
    modules = {name for name, value in vars(ropewalk).items() if type(value).__name__ == "module"}
    assert {name for name in vars(ropewalk) if not name.startswith("_")} - modules == set(SURFACE) - {"__version__"}


def test_the_version_is_cargos() -> None:
    manifest = tomllib.loads((Path(__file__).parent.parent / "Cargo.toml").read_text(encoding="utf-8"))
    assert ropewalk.__version__ == manifest["workspace"]["package"]["version"]


def test_what_is_public_is_documented() -> None:
    undocumented = [
        name for name in SURFACE if isinstance(getattr(ropewalk, name), type) and not getattr(ropewalk, name).__doc__
    ]
    assert undocumented == []
