"""`HTTPResponse`: a response of a service that was read as a whole."""

from codecs import BOM_UTF8
from typing import Any, Final, Self, TypeVar, overload

from ropewalk.charsets import UTF_8, find_codec
from ropewalk.client.errors import BadResponse, BadStatus
from ropewalk.errors import BadBody, shown
from ropewalk.headers import Headers, content_type
from ropewalk.json_values import MismatchedJSON, read_json
from ropewalk.suggest import OtherNames

Kind = TypeVar("Kind")


RESPONSE_NAMES: Final = {"status_code": "status", "code": "status", "is_success": "ok", "content": "body"}
"""Names of attributes in httpx, requests and treq, each with the name of this attribute here."""


class HTTPResponse(OtherNames):
    """A response of a service. `body` is bytes; `text` and `json()` decode it."""

    other_names = RESPONSE_NAMES

    def __init__(self, *, method: str, url: str, status: int, headers: Headers, body: bytes) -> None:
        self.method = method
        """The method of the request, or of the last request after redirects."""
        self.url = url
        """The URL of the request, or of the last request after redirects."""
        self.status = status
        """The status, such as 200."""
        self.headers = headers
        """The header fields."""
        self.body = body
        """The body, decompressed."""

    def __repr__(self) -> str:
        return f"<HTTPResponse {self.status}, {len(self.body)} bytes>"

    @property
    def ok(self) -> bool:
        """Whether the status is 200 to 299."""
        return 200 <= self.status <= 299

    @property
    def text(self) -> str:
        """The body, decoded with the charset of its Content-Type, or else as UTF-8. Raises BadResponse (RW354)."""
        charset = content_type(self.headers.get("content-type"))[1].get("charset", UTF_8)
        codec = find_codec(charset)
        if codec is None:
            raise self._bad(f"The charset {shown(charset)} is not known.")
        try:
            return self.body.decode(codec)
        except UnicodeDecodeError as error:
            raise self._bad(f"The body is not {charset}: {error.reason}.") from error

    @overload
    def json(self) -> Any: ...

    @overload
    def json(self, type: type[Kind]) -> Kind: ...

    def json(self, type: Any = Any) -> Any:
        """Decode the body as JSON. With a type, such as `Room` or `list[Room]`, convert it to this type. A byte order
        mark of UTF-8 before the JSON is ignored (RFC 8259, section 8.1).

        Raises BadResponse (RW354) for a body that is not JSON, or does not match the type.
        """
        if not self.body:
            raise self._bad(f"The body is empty, and the status is {self.status}.")
        try:
            return read_json(self.body.removeprefix(BOM_UTF8), type)
        except (BadBody, MismatchedJSON) as error:
            raise self._bad(f"{error.detail} It begins with {shown(self.body[:200])}.") from error

    def raise_for_status(self) -> Self:
        """Return the response if its status is 200 to 299; otherwise raise BadStatus (RW353)."""
        if not self.ok:
            raise BadStatus(self)
        return self

    def _bad(self, what: str) -> BadResponse:
        return BadResponse(what, method=self.method, url=self.url)
