"""The page that shows the document: Swagger UI, from an installed package, without the network.

The package is swagger-ui-py, of which only the static files are used. It is not imported.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ropewalk.errors import StartError
from ropewalk.request import Request
from ropewalk.response import Response

STYLE: Final = "swagger-ui.css"
SCRIPT: Final = "swagger-ui-bundle.js"
START: Final = "start.js"

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


@dataclass(frozen=True, slots=True, eq=False)
class SwaggerUI:
    """The responses for the page and its files."""

    title: str
    folder: Path
    """Where the static files are."""
    name: str
    """The last segment of the page's path."""
    document: str
    """The path of the document, relative to the folder of the page's files."""
    servers: Sequence[str]

    def page(self, request: Request) -> Response:
        """The page. Its links are relative, so that it works in a mounted app."""
        folder = "." if request.raw_path.endswith(b"/") else f"./{self.name}"
        text = _PAGE.format(title=escape(self.title), folder=escape(folder))
        return Response.html(text, headers=self._fields())

    def file(self, name: str) -> Response:
        """One of the files of the package."""
        fields = {"x-content-type-options": "nosniff"}
        return Response.file(self.folder / name, headers=fields, content_type=_TYPES[name])

    def start(self) -> Response:
        """The script that starts the page. It is a file of its own, so that no inline script need be allowed."""
        # A validator of swagger.io would get the document otherwise.
        options = {"dom_id": "#ui", "deepLinking": True, "validatorUrl": None}
        text = (
            f"const url = new URL({json.dumps(self.document)}, document.currentScript.src).href;\n"
            f"SwaggerUIBundle({{...{json.dumps(options)}, url}});\n"
        )
        fields = {"x-content-type-options": "nosniff"}
        return Response(text, headers=fields, content_type="text/javascript; charset=utf-8")

    def _fields(self) -> dict[str, str]:
        origins = [
            f"{each.scheme}://{each.netloc}"
            for each in map(urlsplit, self.servers)
            if each.netloc and "{" not in each.netloc
        ]
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
    """The folder of Swagger UI's files. Raises StartError (RW750) if it is not installed."""
    try:
        package = find_spec("swagger_ui")
    except ImportError:  # raised by a finder that blocks the import of a package
        package = None
    for place in () if package is None else package.submodule_search_locations or ():
        folder = Path(place) / "static"
        if (folder / SCRIPT).is_file() and (folder / STYLE).is_file():
            return folder
    what = f"OpenAPI(ui={path!r}) needs swagger-ui-py, which is not installed."
    raise StartError("RW750", what, "Run `pip install 'ropewalk[openapi]'`, or set ui=None.")
