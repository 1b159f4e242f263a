"""Browser refresh: pages get a script that loads them again after a change.

The script is a file of the same origin. Its tag has the nonce of the page's Content-Security-Policy, if the policy has
a nonce. The policy itself is never changed.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import AsyncIterator, Iterable
from importlib.resources import files
from typing import Any, Final
from uuid import uuid4

from twisted.internet.defer import Deferred

from ropewalk.dev.paths import EVENTS, SCRIPT
from ropewalk.headers import content_type
from ropewalk.open_files import OpenFile
from ropewalk.request import Request
from ropewalk.response import Response

RETRY: Final = 150
"""Milliseconds after which a browser connects again when a worker has stopped."""
MOST_READ: Final = 1 << 20
"""The size in bytes up to which a file with a page gets the script."""

_NONCE: Final = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")
_END: Final = re.compile(rb"</body\s*>", re.IGNORECASE)
_AFTER: Final = re.compile(rb"(?:\s|</html\s*>|<!--(?:(?!-->).)*+-->)*+", re.IGNORECASE | re.DOTALL)
"""What may follow the end of a body. If something else does, `</body>` is in a script or in a comment."""
_OTHER_CHARSETS: Final = ("utf-16", "utf-32", "ucs-", "iso-10646", "unicode", "csunicode")
"""The beginnings of the names of charsets in which the script cannot be added as ASCII."""
_OTHER_MARKS: Final = (BOM_UTF16_LE, BOM_UTF16_BE)
"""The byte order marks of charsets in which the script cannot be added. A byte order mark takes precedence over the
charset in Content-Type."""
_SCRIPT_RULES: Final = ("script-src-elem", "script-src", "default-src")
"""The directives of a Content-Security-Policy that say which scripts run. The first of them that a policy has is the
one that applies."""
_BEGINNING: Final = re.compile(
    rb"\s*+(?>(?><!--.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
"""The beginning of a page, after comments. A part that has matched is never tried again, so that many comments cost
only linear time."""
_UNCACHED: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_PAGES: Final = ("document", "iframe", "frame")
"""The values of Sec-Fetch-Dest with which browsers request pages. Scripts that request fragments send other values."""


class BrowserRefresh:
    """The script, the event stream to which it listens, and its tag in pages. `worker` identifies this process."""

    def __init__(self) -> None:
        self.worker = uuid4().hex
        self._script = (files("ropewalk.dev") / "refresh.js").read_bytes()
        self._waiting: set[Deferred[str]] = set()

    def notify(self, what: str) -> None:
        """Tell all browsers what has changed: "page" or "styles"."""
        waiting, self._waiting = self._waiting, set()
        for each in waiting:
            each.callback(what)

    def response(self, request: Request) -> Response | None:
        """The response to a request for the script, or for the events that the script reads; None for any other
        request."""
        if request.method == "GET" and request.path == SCRIPT:
            return Response(self._script, headers=_UNCACHED, content_type="text/javascript; charset=utf-8")
        if request.method == "GET" and request.path == EVENTS:
            return Response(self._events(), headers=_UNCACHED, content_type="text/event-stream")
        return None

    async def _events(self) -> AsyncIterator[str]:
        yield f"retry: {RETRY}\nevent: worker\ndata: {self.worker}\n\n"
        while True:
            change: Deferred[str] = Deferred()
            self._waiting.add(change)
            try:
                what = await change
            finally:
                self._waiting.discard(change)
            yield f"event: {what}\ndata: {self.worker}\n\n"

    def add_to(self, response: Response, request: Request) -> Response:
        """The response with the script, if it is a page; otherwise the response unchanged."""
        if not _may_be_a_page(response, request):
            return response
        body = response.body
        if isinstance(body, OpenFile):
            body = _content_of(body)
        if isinstance(body, str):
            page = self._with_tag(body.encode("utf-8", "surrogatepass"), response, request)
            return response if page is None else _replaced(response, page.decode("utf-8", "surrogatepass"))
        if isinstance(body, bytes):
            page = self._with_tag(body, response, request)
            return response if page is None else _replaced(response, page)
        if body is None or "content-length" in response.headers or not _is_navigation(request):
            return response
        return _replaced(response, _followed_by(body, self._tag(response)))

    def _with_tag(self, body: bytes, response: Response, request: Request) -> bytes | None:
        """The page with the script before the end of its body. None for a fragment."""
        ends = [found.start() for found in _END.finditer(body)]
        if body.startswith(_OTHER_MARKS) or not (ends or _BEGINNING.match(body) or _is_navigation(request)):
            return None
        at = next((end for end in ends[:-4:-1] if _is_last(body, end)), len(body))
        return body[:at] + self._tag(response).encode() + body[at:]

    def _tag(self, response: Response) -> str:
        found = _nonce(response.headers.all("content-security-policy"))
        nonce = f' nonce="{found}"' if found else ""
        return f'<script src="{SCRIPT}?worker={self.worker}"{nonce}></script>\n'


def _may_be_a_page(response: Response, request: Request) -> bool:
    """Whether the script may be added: not to a response that was sent already, or that is compressed. A page in
    response to a form is left out, too, because loading it again would send the form again."""
    if request.method != "GET" or request.started or response.status in (204, 206, 304):
        return False
    kind, parameters = content_type(response.headers.content_type())
    if kind != "text/html" or "content-encoding" in response.headers:
        return False
    return not parameters.get("charset", "").strip().lower().startswith(_OTHER_CHARSETS)


def _is_last(body: bytes, end: int) -> bool:
    """Whether a page ends with the tag at `end`, which is `</body>`."""
    return _AFTER.fullmatch(body, body.index(b">", end) + 1) is not None


def _nonce(policies: Iterable[str]) -> str | None:
    """The nonce with which Content-Security-Policies allow a script."""
    for policy in ",".join(policies).split(","):
        directives: dict[str, str] = {}
        for directive in policy.split(";"):
            name, *sources = directive.split() or [""]
            directives.setdefault(name.lower(), " ".join(sources))  # the first of equal names counts
        rule = next((name for name in _SCRIPT_RULES if name in directives), None)
        found = None if rule is None else _NONCE.search(directives[rule])
        if found:
            return found[1]
    return None


def _is_navigation(request: Request) -> bool:
    return request.header("sec-fetch-dest") in _PAGES


def _content_of(file: OpenFile) -> bytes | None:
    """The content of a small file that is sent whole; otherwise None."""
    if file.offset or file.size > MOST_READ or file.size != file.version[1]:
        return None
    return file.read(0, file.size)


def _replaced(response: Response, body: Any) -> Response:
    """A copy of a response with another body. Browsers must not store the copy, because its tag of the script names
    this worker."""
    changed = response.detached()
    for name in ("content-length", "etag", "last-modified", "accept-ranges"):
        changed.headers.pop(name, None)
    changed.headers["cache-control"] = "no-store"
    changed.body = body
    return changed


async def _followed_by(parts: Any, tag: str) -> AsyncIterator[Any]:
    """The parts of a streamed body, and then the tag: browsers accept a script after the end of the page."""
    if hasattr(parts, "__aiter__"):
        async for part in parts:
            yield part
    else:
        for part in parts:
            yield part
    yield tag
