"""`FakeService`: replies to the calls of an `HTTPClient` in tests, and records them."""

import json as json_module
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Never
from urllib.parse import parse_qsl, quote

from ropewalk.errors import OptionError, RopewalkError, is_int, shown, unknown_option
from ropewalk.headers import TOKEN, Fields, Headers
from ropewalk.methods import REGISTERED
from ropewalk.response import JSON, encode_json

if TYPE_CHECKING:
    from ropewalk.client import OutgoingRequest

_PATH: Final = re.compile(r"(?:https?://[^/?#]+)?/[^?#]*")
_KEPT: Final = "/:@!$&'()*+,;=-._~%[]{}"
"""Characters of a path that `HTTPClient` sends unchanged, and braces. All others are percent-encoded."""
_NAME: Final = re.compile(r"\\\{\w+\\\}")


class UnexpectedCall(RopewalkError, AssertionError):
    """RW361: a call has no reply in the FakeService."""

    def __init__(self, message: str) -> None:
        super().__init__("RW361", message)


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call that a FakeService has received."""

    method: str
    """The method, such as GET."""
    url: str
    """The full URL."""
    headers: Headers
    """The header fields."""
    body: bytes
    """The whole body."""

    @property
    def path(self) -> str:
        """The path of the URL, percent-encoded, without the query."""
        return f"/{self.url.partition('?')[0].split('/', 3)[3]}"

    @property
    def query(self) -> dict[str, str]:
        """The query of the URL. Of several pairs with one name, the last counts."""
        return dict(parse_qsl(self.url.partition("?")[2], keep_blank_values=True))

    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json_module.loads(self.body)


@dataclass(slots=True)
class _Reply:
    method: str
    pattern: "re.Pattern[str]"
    shown: str
    status: int
    headers: Headers
    body: bytes
    error: Exception | None
    times: int = 0


class FakeService:
    """Stands in for the services that an `HTTPClient` calls.

        fake = FakeService()
        fake.reply("GET", "/rooms/{id}", json={"id": 7})
        with client.using(fake):
            assert (await client.get("/rooms/7", type=Room)).id == 7
        assert fake.calls[0].path == "/rooms/7"

    A call without a reply raises UnexpectedCall (RW361).
    """

    def __init__(self) -> None:
        self.calls: list[RecordedCall] = []
        """The calls that were received, in order."""
        self._replies: list[_Reply] = []

    def reply(
        self,
        method: str,
        path: str,
        *,
        status: int = 200,
        headers: Fields = (),
        body: bytes | str = b"",
        json: Any = None,
        error: Exception | None = None,
        **others: Never,
    ) -> None:
        """Add the reply to a call. `path` is a path or a full URL, without a query; `{name}` matches one segment.

        Several replies for one method and path are used in order, and the last one for all further calls. `error` is an
        exception to raise instead, such as `ConnectionFailed("No route.")`.

        Raises OptionError: RW271 for a reply that no call can get, and RW270 for an unknown option.
        """
        for other in others:
            raise unknown_option("FakeService.reply", other, ("status", "headers", "body", "json", "error"))
        _check_reply(method, path, status, body, json, error)
        fields = Headers(headers)
        content = body.encode() if isinstance(body, str) else body
        if json is not None:
            content = encode_json(json)
            fields.setdefault("content-type", JSON)
        fields.setdefault("content-length", str(len(content)))
        pattern = re.compile(_NAME.sub("[^/]+", re.escape(quote(path, safe=_KEPT))))
        self._replies.append(_Reply(method, pattern, f"{method} {path}", status, fields, content, error))

    async def send(self, request: "OutgoingRequest") -> "_FakeResponse":
        """Record a request, and return its reply. Called by the client."""
        body = b"".join([part async for part in request.parts()])
        url = str(request.url)
        call = RecordedCall(request.method, url, Headers(request.headers.lines()), body)
        self.calls.append(call)
        reply = self._find(call)
        reply.times += 1
        if reply.error is not None:
            raise reply.error
        content = b"" if call.method == "HEAD" else reply.body
        return _FakeResponse(reply.status, Headers(reply.headers.lines()), content)

    async def close(self) -> None:
        """Do nothing: there are no connections. Called by the client."""

    def _find(self, call: RecordedCall) -> _Reply:
        url = call.url.partition("?")[0]
        fitting = [
            each
            for each in self._replies
            if each.method == call.method and (each.pattern.fullmatch(call.path) or each.pattern.fullmatch(url))
        ]
        for reply in fitting:
            if not reply.times:
                return reply
        if fitting:
            return fitting[-1]
        known = ", ".join(dict.fromkeys(each.shown for each in self._replies)) or "none"
        raise UnexpectedCall(f"{call.method} {shown(url)} has no reply. The replies are: {known}.")


def _check_reply(method: Any, path: Any, status: Any, body: Any, json: Any, error: Any) -> None:
    """Raises OptionError (RW271) for a reply that no call can get, and for a body or error of a wrong type."""
    if not isinstance(method, str) or not TOKEN.fullmatch(method) or method != method.upper() in REGISTERED:
        raise _wrong("method", method, "Give a method like GET.")
    if not isinstance(path, str) or not (path.isprintable() and _PATH.fullmatch(path)):
        raise _wrong("path", path, "Give a path like /rooms/{id}, or a full URL, without a query.")
    if not is_int(status) or not 200 <= status <= 599:
        raise _wrong("status", status, "Give an int from 200 to 599.")
    if not isinstance(body, bytes | str):
        raise _wrong("body", body, "Give bytes or str, or json= for a value to send as JSON.")
    if json is not None and body:
        raise OptionError("RW271", "FakeService.reply got body and json.", "Give one of them.")
    if error is not None and not isinstance(error, Exception):
        raise _wrong("error", error, 'Give an exception, such as ConnectionFailed("No route.").')


def _wrong(name: str, value: object, remedy: str) -> OptionError:
    return OptionError("RW271", f"FakeService.reply: {name} cannot be {shown(value)}.", remedy)


class _FakeResponse:
    """A reply, as the client reads it."""

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._parts = [body] if body else []

    async def read(self) -> bytes | None:
        return self._parts.pop() if self._parts else None

    async def close(self) -> None:
        self._parts.clear()
