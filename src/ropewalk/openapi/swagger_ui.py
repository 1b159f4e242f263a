"""The page that shows the document: Swagger UI, from the installed package swagger-ui-py instead of a CDN. Only the
static files of this package are used; the package is not imported.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ropewalk.errors import StartError, install_remedy
from ropewalk.request import Request
from ropewalk.response import Response

STYLE: Final = "swagger-ui.css"
SCRIPT: Final = "swagger-ui-bundle.js"
START: Final = "start.js"
LOGIN: Final = "oauth2-redirect.html"
"""The page to which an OAuth 2.0 provider redirects the browser."""

_TYPES: Final = {STYLE: "text/css; charset=utf-8", SCRIPT: "text/javascript; charset=utf-8"}

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{folder}/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="{folder}/swagger-ui-bundle.js"></script>
<script src="{folder}/start.js"></script>
</body>
</html>
"""

_INLINE: Final = re.compile(r'<script>(.*?)</script>|\bonload="([^"]*)"', re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class SwaggerUI:
    """Makes the responses for the Swagger UI page and its files."""

    title: str
    folder: Path
    """The folder of the static files."""
    name: str
    """The last segment of the page's path."""
    document: str
    """The path of the OpenAPI document, relative to the folder of the page's files."""
    servers: Sequence[str]
    token_urls: Callable[[], Sequence[str]]
    """A function that returns the URLs from which the page may fetch tokens."""
    login_page: str
    """The HTML of the page to which an OAuth 2.0 provider redirects the browser after a login."""

    def page(self, request: Request) -> Response:
        """Respond with the page. Its links are relative, so that it works in a mounted app."""
        folder = "." if request.raw_path.endswith(b"/") else f"./{self.name}"
        text = _PAGE.format(title=escape(self.title), folder=escape(folder))
        return Response.html(text, headers=self._fields())

    def file(self, name: str) -> Response:
        """Respond with a static file of swagger-ui-py."""
        fields = {"x-content-type-options": "nosniff"}
        return Response.file(self.folder / name, headers=fields, content_type=_TYPES[name])

    def start(self) -> Response:
        """Respond with the script that starts the page. It is a separate file, so that the Content-Security-Policy need
        not allow inline scripts."""
        # Without `validatorUrl: None`, the page would send the document to a validator of swagger.io.
        options = {"dom_id": "#ui", "deepLinking": True, "validatorUrl": None}
        text = (
            f"const url = new URL({json.dumps(self.document)}, document.currentScript.src).href;\n"
            f"const oauth2RedirectUrl = new URL({json.dumps(LOGIN)}, document.currentScript.src).href;\n"
            f"SwaggerUIBundle({{...{json.dumps(options)}, url, oauth2RedirectUrl}})"
            ".initOAuth({usePkceWithAuthorizationCodeGrant: true});\n"
        )
        fields = {"x-content-type-options": "nosniff"}
        return Response(text, headers=fields, content_type="text/javascript; charset=utf-8")

    def login(self) -> Response:
        """Respond with the page at which a login ends. Its Content-Security-Policy allows only its own inline
        scripts."""
        found = _INLINE.findall(self.login_page)
        hashes = [b64encode(sha256((script or handler).encode()).digest()).decode() for script, handler in found]
        sources = " ".join(f"'sha256-{each}'" for each in hashes)
        policy = (
            f"default-src 'none'; script-src 'unsafe-hashes' {sources}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        fields = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
        }
        return Response.html(self.login_page, headers=fields)

    def _fields(self) -> dict[str, str]:
        urls = map(urlsplit, (*self.servers, *self.token_urls()))
        origins = [f"{each.scheme}://{each.netloc}" for each in urls if each.netloc and "{" not in each.netloc]
        sources = " ".join(dict.fromkeys(("'self'", *origins)))
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            f"connect-src {sources}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        }


def files_folder(path: str) -> Path:
    """The folder of Swagger UI's files. Raises StartError (RW750) if swagger-ui-py is not installed."""
    try:
        package = find_spec("swagger_ui")
    except ImportError:  # raised by a finder that blocks the import of the package
        package = None
    for place in () if package is None else package.submodule_search_locations or ():
        folder = Path(place) / "static"
        if all((folder / name).is_file() for name in (SCRIPT, STYLE, LOGIN)):
            return folder
    what = f"OpenAPI(ui={path!r}) needs swagger-ui-py, which is not installed."
    raise StartError("RW750", what, f"{install_remedy('openapi')} Or set ui=None.")
