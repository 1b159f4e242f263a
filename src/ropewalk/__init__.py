"""Ropewalk: an HTTP server and toolkit for Twisted with a native engine."""

from ropewalk import _command_start  # noqa: F401 - first, for Ctrl+C during the other imports

# isort: split
from ropewalk import _adapters
from ropewalk._engine import Limits, __version__
from ropewalk.app import App
from ropewalk.asgi import ASGIOptions, asgi
from ropewalk.compression import Compression
from ropewalk.converters import Converter
from ropewalk.errors import BadBody, BodyTooLarge, Disconnected, HTTPError, RopewalkError
from ropewalk.files import Files, FilesOptions
from ropewalk.forms import FormData, UploadFile
from ropewalk.headers import Headers
from ropewalk.openapi import OpenAPI
from ropewalk.proxies import TrustedProxies
from ropewalk.request import QueryParams, Request
from ropewalk.resource import NOT_DONE_YET, Resource
from ropewalk.response import Response
from ropewalk.routing import Routes
from ropewalk.server import Site, TLSOptions, install_reactor
from ropewalk.typed import (
    After,
    Body,
    Cookie,
    Depends,
    FieldError,
    Form,
    Header,
    IfMatch,
    InvalidInput,
    JSONPatch,
    MergePatch,
    OptionalIfMatch,
    Path,
    Query,
    ServerSentEvent,
    Submitted,
)
from ropewalk.wsgi import WSGIOptions, wsgi

__all__ = [
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

_adapters.register()
