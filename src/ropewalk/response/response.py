"""`Response`: a status, header fields, and a body of any type that a handler may return."""

from collections.abc import Coroutine, Sequence
from copy import copy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Generic, Never, cast

import msgspec

from ropewalk.charsets import UTF_8, codec_for, encode
from ropewalk.cookies import SameSite, format_cookie, is_secure_name
from ropewalk.errors import HandlerError, InvalidField, ResponseStarted, is_int, shown, unknown_option
from ropewalk.headers import Fields, Headers, Text, location, reason_phrase
from ropewalk.json_values import EncodedJSON
from ropewalk.open_files import OpenFile, open_file
from ropewalk.request import BODILESS, Request, ValueWithStatus, check_status
from ropewalk.response.body_checks import check_unicode, unexpected_body
from ropewalk.response.body_encoding import encode_body
from ropewalk.response.body_type import Value
from ropewalk.response.compression_choice import CompressionChoice
from ropewalk.response.content_disposition import attachment
from ropewalk.response.file_delivery import send_file
from ropewalk.response.framing_checks import check_framing
from ropewalk.response.json_encoding import to_json
from ropewalk.response.media_types import BYTES, HTML, JSON, KNOWN_TYPES, PLAIN_LINES, TEXT
from ropewalk.response_types import ResponseOf
from ropewalk.streaming import stream

REDIRECTS: Final = (301, 302, 303, 307, 308)
"""Statuses of responses that redirect the client to their Location (RFC 9110, section 15.4)."""

_new: Final[Any] = object.__new__


class Response(CompressionChoice, Generic[Value]):
    """A response with a status, header fields and a body. Return it from a handler if a plain value is not enough.

    `body` is str, bytes, dict, list, a msgspec Struct, a dataclass or a model of pydantic 2 (sent as JSON), a
    `pathlib.Path` (a file), an iterator or async iterator of bytes or str (streamed at the client's pace), or None
    (empty). `content_type` replaces the default Content-Type for the body's type, and `reason` replaces the registered
    reason phrase. Raises HandlerError (RW201) for any other body, and InvalidField (RW304) for a status that is not an
    int and for invalid headers.

    A str is encoded in the charset of the Content-Type, or in UTF-8 if it has no charset. Raises HandlerError (RW213)
    for an unsupported charset (see `ropewalk.charsets`), for text that the charset cannot encode, and for JSON in any
    charset other than UTF-8 (RFC 8259, section 8.1).

    `Response[Room](value, 201)` converts the value to a Room: it accepts any object with the attributes of a Room, and
    drops other fields. Raises HandlerError (RW215) for a value that does not match.
    """

    __slots__ = (
        "_error",
        "_headers",
        "_json",
        "_kind",
        "_part_types",
        "_reason",
        "_settled_body",
        "_settled_lines",
        "_settled_status",
        "_value",
        "body",
        "status",
    )

    _error: BaseException | None
    """The exception from which the response was made; unset if there was none."""
    _headers: Headers | None
    """The header fields. None, until they are read, for a response whose only field is a Content-Type from KNOWN_TYPES,
    which is in `_kind`."""
    _kind: str
    """The Content-Type of a response that was made without `_headers`; unset for other responses."""
    _settled_body: Any
    _settled_lines: list[tuple[str, str]] | None
    """The header lines at the last `mark_settled`; None if `_headers` was None."""
    _settled_status: int
    """The status at the last `mark_settled`. `_settled_body` is the body at that time."""
    _value: Any
    """The value that was encoded as JSON; unset for any other body."""

    def __class_getitem__(cls, kind: Any) -> Any:
        """Return `Response[kind]`: the class with the type of its body."""
        return ResponseOf(cls, kind)

    def __init__(
        self,
        body: Any = None,
        status: int = 200,
        headers: Fields = (),
        *,
        content_type: str | None = None,
        reason: Text | None = None,
    ) -> None:
        if type(status) is not int and not is_int(status):
            raise InvalidField(f"The status of a Response is an int such as 404, not {shown(status)}.", "Give an int.")
        self.status = status
        self._reason = None if reason is None else reason_phrase(reason)
        fields = Headers(headers) if headers else None
        self.body, default_type = encode_body(body)
        self._json = self.body if default_type is JSON and self.body is not body else None
        """The body if this class has encoded it as JSON; otherwise None."""
        if self._json is not None:
            self._value = body
        self._part_types = (TEXT, BYTES)
        kind = default_type if content_type is None else content_type
        if fields is None and kind in KNOWN_TYPES:
            self._headers, self._kind = None, kind
            return
        self._headers = fields = fields or Headers()
        if content_type is not None:
            fields["content-type"] = content_type
            self._in_charset(self.body, content_type)
        elif "content-type" in fields:
            self._in_charset(self.body, fields["content-type"])
        elif default_type is not None:
            fields.add("content-type", default_type)

    @classmethod
    def of(cls, value: Any, text_type: str = TEXT, bytes_type: str = BYTES) -> "Response":
        """Make a Response from a value that a handler has returned: a Response stays unchanged, None becomes a 204."""
        if isinstance(value, Response):
            return value
        if value is None:
            return cls(status=204)
        if isinstance(value, (str, bytes)):
            kind = text_type if isinstance(value, str) else bytes_type
            if cls is Response and kind in KNOWN_TYPES:
                return cls.plain(value, kind)
            response = cls(value)
            response.headers["content-type"] = kind  # a handler may have another default Content-Type
            return response
        if cls is Response and (isinstance(value, msgspec.Struct) or type(value) is dict or type(value) is list):
            response = cls.plain(to_json(value), JSON)  # like `Response(value)`, but faster
            response._json = response.body  # noqa: SLF001 - an object of this class
            response._value = value  # noqa: SLF001 - as above
            response._part_types = (text_type, bytes_type)  # noqa: SLF001 - as above
            return response
        if type(value) is ValueWithStatus:
            response = cls.of(value.value, text_type, bytes_type)
            response.status = value.status
            return response
        response = cls(value)
        response._part_types = (text_type, bytes_type)
        return response

    @classmethod
    def plain(cls, body: str | bytes, kind: str) -> "Response":
        """Like `Response(body, content_type=kind)` for a Content-Type in KNOWN_TYPES, but faster."""
        response: Response = _new(cls)
        response.status = 200
        response._reason = None
        response._headers = None
        response._kind = kind
        response.body = response._settled_body = body
        response._settled_status = 200
        response._settled_lines = None
        response._json = None
        response._part_types = (TEXT, BYTES)
        return response

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Fields = ()) -> "Response":
        """A response whose body is a value encoded as JSON. The value may be of any type that msgspec supports."""
        response = cls(to_json(value), status, headers, content_type=JSON)
        response._json = response.body
        response._value = value
        return response

    @classmethod
    def html(cls, text: str, status: int = 200, headers: Fields = ()) -> "Response":
        """A response whose body is HTML."""
        return cls(text, status, headers, content_type=HTML)

    @classmethod
    def file(
        cls,
        path: Path | str,
        status: int = 200,
        headers: Fields = (),
        *,
        content_type: str | None = None,
        download: str | None = None,
    ) -> "Response":
        """A response whose body is a file. `download` is the name under which browsers save it (RFC 6266).

        If the file does not exist when the response is sent, the client gets a 404; if it cannot be read, a 403. For
        the status 200, the conditions and ranges in a GET request are respected (RFC 9110, sections 13 and 14).
        """
        response = cls(Path(path), status, headers, content_type=content_type)
        if download is not None:
            response.headers["content-disposition"] = attachment(download)
        return response

    @classmethod
    def redirect(cls, target: Text, status: int = 302, headers: Fields = ()) -> "Response":
        """A response that redirects the client (RFC 9110, section 15.4). 303 changes the method to GET; 307 and 308
        keep it.

        Characters that are invalid in a URL are percent-encoded. The body is empty, so that the target cannot inject
        markup. Raises InvalidField for control characters in the target, and for a status that is not a redirect.
        """
        if status not in REDIRECTS:
            raise InvalidField(f"{shown(status)} is not the status of a redirect.", "Use 301, 302, 303, 307 or 308.")
        response = cls(None, status, headers)
        response.headers["location"] = location(target)
        return response

    def set_cookie(
        self,
        name: str,
        value: str,
        *,
        max_age: int | timedelta | None = None,
        expires: datetime | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        http_only: bool = True,
        same_site: SameSite | None = "lax",
        **others: Never,
    ) -> None:
        """Add a cookie (RFC 6265, section 4.1). `max_age` is in seconds; 0 or less deletes the cookie.

        By default, scripts cannot read the cookie, and it is not sent with forms of other sites. If you use TLS, set
        `secure`, too. Raises InvalidField (RW304) for a cookie that a browser would drop or change (see
        `cookies.format_cookie`).
        """
        for other in others:
            known = ("max_age", "expires", "path", "domain", "secure", "http_only", "same_site")
            raise unknown_option("set_cookie", other, known)
        cookie = format_cookie(
            name,
            value,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=secure,
            http_only=http_only,
            same_site=same_site,
        )
        self.headers.add("set-cookie", cookie)

    def delete_cookie(self, name: str, *, path: str | None = "/", domain: str | None = None) -> None:
        """Delete a cookie at the client. Give the same `path` and `domain` with which the cookie was set."""
        self.set_cookie(name, "", max_age=0, path=path, domain=domain, secure=is_secure_name(f"{name}"))

    @property
    def headers(self) -> Headers:
        """The header fields of the response."""
        fields = self._headers
        if fields is None:
            fields = self._headers = Headers.checked(self._plain_lines())
        return fields

    @headers.setter
    def headers(self, fields: Headers) -> None:
        self._headers = fields

    def mark_settled(self) -> None:
        """Remember the body, the status and the header lines after they were checked. If `is_as_settled` is true later,
        they need no second check."""
        fields = self._headers
        self._settled_body = self.body
        self._settled_status = self.status
        self._settled_lines = None if fields is None else fields.lines()

    def is_as_settled(self) -> bool:
        """Whether the body, the status and the header lines are the same as at the last `mark_settled`."""
        if self.body is not self._settled_body or self.status is not self._settled_status:
            return False
        fields = self._headers
        if fields is None:
            return True
        known = self._settled_lines
        return fields.has_lines(self._plain_lines() if known is None else known)

    def adds_to_settled(self, checked: frozenset[str]) -> bool:
        """Whether the only change since `mark_settled` is that header lines were added, none of them with a name in
        `checked`."""
        if self.body is not self._settled_body or self.status is not self._settled_status:
            return False
        known = self._plain_lines() if self._settled_lines is None else self._settled_lines
        lines = self.headers.lines()
        return lines[: len(known)] == known and checked.isdisjoint(name for name, _ in lines[len(known) :])

    def add_settled(self, lines: Sequence[tuple[str, str]]) -> None:
        """Add header lines that are known to be valid. If `is_as_settled` was true, it stays true."""
        if self._headers is None:
            self._settled_lines = [*self._plain_lines(), *lines]
            self._headers = Headers.checked([*self._settled_lines])
            return
        if self._settled_lines is None:
            self._settled_lines = self._plain_lines()
        self._settled_lines.extend(lines)
        self._headers.add_checked(lines)

    def is_plain(self) -> bool:
        """Whether the response has no header field except a Content-Type from KNOWN_TYPES, and `headers` was never
        read."""
        return self._headers is None

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether there is a header field with one of these names, which are in lower case."""
        fields = self._headers
        return "content-type" in names if fields is None else fields.has_any(names)

    def plain_body(self, types: dict[type, str]) -> str | bytes | EncodedJSON | None:
        """The body if the engine can send it by itself: the response is unchanged since it was settled, has status 200,
        and has no field except Content-Type. None for any other response. `types` has the Content-Types with which the
        engine sends str and bytes.
        """
        body = self.body
        if (
            self._headers is None
            and body is self._settled_body
            and self.status is self._settled_status
            and self.status == 200
            and self._reason is None
        ):
            if types.get(type(body)) == self._kind:
                return cast("str | bytes", body)
            if self._kind is JSON and body is self._json:
                return EncodedJSON(cast("bytes", body), self._value)
        return None

    def _plain_lines(self) -> list[tuple[str, str]]:
        return [("content-type", self._kind)]

    @property
    def reason(self) -> bytes | None:
        """The reason phrase; None for the registered reason phrase. You can also assign a str.

        Assignment raises InvalidField (RW304) for an invalid phrase.
        """
        return self._reason

    @reason.setter
    def reason(self, reason: Text | None) -> None:
        self._reason = None if reason is None else reason_phrase(reason)

    @property
    def error(self) -> BaseException | None:
        """The exception from which this response was made, for use in middleware; None if there was none."""
        return getattr(self, "_error", None)

    def raise_error(self) -> None:
        """Raise `error`, if there is one, so that a surrounding context manager rolls back.

        Even if the middleware does not catch the exception, this response is sent.
        """
        if self.error is not None:
            raise self.error

    def with_error(self, error: BaseException) -> "Response":
        """A copy with an exception as its `error`."""
        response = self.detached()
        response._error = error  # noqa: SLF001 - an object of this class
        return response

    def forget_error(self) -> None:
        """Drop `error`. Its traceback may refer to this response, and such a cycle would keep both alive."""
        self._error = None

    @property
    def value(self) -> Any:
        """The value that was encoded as JSON, or else the body itself."""
        return self._value if self._json is not None and self.body is self._json else self.body

    def with_value(self, value: Any) -> "Response":
        """A copy with another value as its body. An existing Content-Type is kept."""
        response = self.detached()
        response.body = value
        return response._encoded()  # noqa: SLF001 - an object of this class

    def detached(self) -> "Response":
        """A copy with its own headers, because a handler may return the same Response for several requests at the same
        time."""
        response = copy(self)
        if self._headers is not None:
            response._headers = copy(self._headers)  # noqa: SLF001 - of this class
        return response

    def settle(self, request: Request) -> "Response":
        """Return this response, or a copy, with a body that is ready to be sent: encoded, or an open file.

        It raises the errors that `send` would raise later: HTTPError 404 or 403 for a file, InvalidField for the status
        and for fields that frame the body, HandlerError for the body (RW201) and its charset (RW213), and WrongLength
        for its length.
        """
        if type(self.status) is not int or not 200 <= self.status <= 599:
            check_status(self.status)
        settled = self if isinstance(self.body, (bytes, str)) else self._encoded()
        settled.check(request)
        return settled

    def _encoded(self) -> "Response":
        """This response if its body is ready to be sent. Otherwise a copy with such a body, because a handler may
        return this response again."""
        body, default_type = encode_body(self.body)
        if isinstance(body, Path):
            body = open_file(body)
        if body is self.body:
            return self
        encoded = copy(self)
        encoded.body = body
        encoded._json = body if default_type is JSON else None  # noqa: SLF001 - an object of this class
        encoded._value = self.body  # noqa: SLF001 - as above
        if default_type is not None and "content-type" not in self.headers:
            encoded.headers = Headers([*self.headers.lines(), ("content-type", default_type)])
        return encoded

    def check(self, request: Request) -> None:
        """Raises the errors of `settle` if the body cannot be sent with this status and these fields."""
        body = self.body
        if isinstance(body, str) or (body is not None and body is self._json):
            body = self._in_charset(body, self.headers.content_type())
            check_unicode(body)
        if body and self.status in BODILESS:
            raise unexpected_body(self.status)
        check_framing(self.headers.lines(), self.status, body, request.method)

    def send(self, request: Request) -> Coroutine[Any, Any, None] | None:
        """Send this response. Return a coroutine that sends the rest of a streamed body; otherwise None."""
        status = self.status
        if type(status) is not int or not 200 <= status <= 599:
            check_status(status)
        if self._reason is not None:
            request.set_reason(status, self._reason)
        if self._headers is not None and hasattr(self, "_compress"):
            request.compress = self._compress
        body = self.body
        if type(body) is str or type(body) is bytes:  # for the most frequent types, this is faster than `isinstance`
            headers = self._headers
            if headers is not None:
                kind = headers.content_type()
                if kind not in KNOWN_TYPES:
                    body = self._in_charset(body, kind)
            if status in BODILESS and body:
                raise unexpected_body(status)
            request.respond(status, PLAIN_LINES[self._kind] if headers is None else headers.encoded(), body)
            return None
        if not isinstance(body, (bytes, str)):
            body, default_type = encode_body(body)  # encoded again, because `body` may have been replaced
            if body is not self.body and default_type is not None:
                self._json = body if default_type is JSON else None
                self.headers.setdefault("content-type", default_type)
        if isinstance(body, str) or body is self._json:
            body = self._in_charset(body, self.headers.content_type())
        if body and status in BODILESS:
            raise unexpected_body(status)
        if isinstance(body, (bytes, str)):
            request.respond(status, self.headers.encoded(), body)
            return None
        if isinstance(body, Path):
            body = open_file(body)
        if isinstance(body, OpenFile):
            return self.send_file(body, request)
        if request.started and not request.gone:
            raise ResponseStarted("The handler returned a body after it had written one.")
        return stream(request, self, body)

    def send_file(self, file: OpenFile, request: Request) -> Coroutine[Any, Any, None] | None:
        """Send a file, or the part of it that the request asks for."""
        return send_file(self, file, request)

    def begin(self, request: Request) -> None:
        """Send the head of a streamed response."""
        request.begin(self.status, self.headers.encoded())

    def take_type_of(self, part: bytes | str) -> None:
        """If there is no Content-Type, set the default for the type of the first part of a streamed body."""
        if self.headers.content_type() is None:
            text_type, bytes_type = self._part_types
            self.headers.add("content-type", text_type if isinstance(part, str) else bytes_type)

    def _in_charset(self, body: Any, field: str | None) -> Any:
        """Return the body, encoded in the charset of a Content-Type if it is text. Raises HandlerError (RW213)."""
        if field in KNOWN_TYPES or (not isinstance(body, str) and (body is None or body is not self._json)):
            return body
        codec = codec_for(field)
        if codec == UTF_8:
            return body
        if isinstance(body, str):
            return encode(body, codec)
        remedy = "Leave out the charset: JSON is UTF-8 (RFC 8259, section 8.1)."
        raise HandlerError("RW213", f"JSON cannot be sent as {shown(field)}.", remedy)
