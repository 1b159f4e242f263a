"""Readers of request bodies: they convert JSON or MessagePack to a type, or return bytes or text."""

from typing import Any

import msgspec
from msgspec import ValidationError

from ropewalk.errors import HTTPError
from ropewalk.finite_numbers import INFINITE, Finder, finder_within
from ropewalk.headers import content_type
from ropewalk.json_values import MismatchedJSON, check_finite, is_too_deep, read_json
from ropewalk.msgpack_values import check_keys, is_msgpack, read_any_msgpack, read_msgpack, refuse_extension
from ropewalk.request import AcceptedTypes, Request
from ropewalk.typed.descriptions import cached_by_type, described
from ropewalk.typed.invalid_values import NO_FAULT, Fault, fault_of, faults_in
from ropewalk.typed.json_keys import takes_any_keys
from ropewalk.typed.markers import Body
from ropewalk.typed.parameter_sources import Input
from ropewalk.typed.unprocessable_content import FieldError
from ropewalk.typed.whole_numbers import with_plain_integers


class SentBody:
    """Takes the bytes of a request body, and checks its media type."""

    def __init__(self, body: Input) -> None:
        assert isinstance(body.marker, Body)
        self._required = body.required
        self._types = AcceptedTypes(body.marker.media_types)
        self._accepted = ", ".join(body.marker.media_types)
        self._usual = frozenset(body.marker.media_types)
        """The usual values of Content-Type, which are accepted without being parsed."""
        self.takes_msgpack = any(is_msgpack(each.lower()) for each in body.marker.media_types)
        """Whether the body may be MessagePack."""

    def take(self, request: Request) -> bytes | None:
        """Return the bytes of the body; None if the body is empty and optional. Raises HTTPError 415 for a wrong media
        type."""
        body = request.whole_body()
        if not body and not self._required:
            return None
        given = request.header("content-type")
        if given in self._usual:
            return body
        try:
            self._types.check(given)
        except HTTPError as error:
            if request.method == "PATCH":
                error.headers = (*error.headers, ("accept-patch", self._accepted))  # required by RFC 5789, section 2.2
            raise
        return body

    def is_msgpack(self, request: Request) -> bool:
        """Whether the body is MessagePack, not JSON."""
        if not self.takes_msgpack:
            return False
        given = request.header("content-type")
        return given is not None and is_msgpack(content_type(given)[0])


class JSONBody:
    """Converts a JSON body to a type. If the marker allows MessagePack, also converts a MessagePack body."""

    def __init__(self, body: Input) -> None:
        self._parameter = body.parameter
        self._kind = body.kind
        self._sent = SentBody(body)
        self._decode = msgspec.json.Decoder(body.kind).decode
        self._packed: Any = None
        if self._sent.takes_msgpack:
            self._packed = msgspec.msgpack.Decoder(body.kind, ext_hook=refuse_extension)
        self._has_infinite = _infinite_finder(body.kind)
        """The function that finds infinite numbers in a MessagePack body; None if the type cannot have any. In JSON, no
        number is infinite.
        """
        self._has_decimals = _has_decimals(body.kind)
        self._takes_any_keys = self._sent.takes_msgpack and takes_any_keys(body.kind)

    def read(self, request: Request) -> dict[str, Any]:
        """Return a dict with the argument. Raises ValidationError, and HTTPError 400 and 415."""
        body = self._sent.take(request)
        if body is None:
            return {}
        if self._sent.is_msgpack(request):
            made = read_msgpack(body, self._packed)
            raw = read_any_msgpack(body) if self._takes_any_keys or self._has_infinite is not None else None
            if self._takes_any_keys:
                check_keys(raw)
            if self._has_infinite is not None and self._has_infinite(raw):
                raise ValidationError(INFINITE)
            return {self._parameter: made}
        if is_too_deep(body):
            read_json(body, self._kind)  # raises BadBody
        try:
            made = self._decode(body)
        except ValidationError as error:
            made = self._decode_plain(body, error)
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
            try:
                return {self._parameter: read_json(body, self._kind)}  # usually raises a more precise error
            except MismatchedJSON as error:
                raise ValidationError(str(error.detail)) from None
        if self._has_decimals:
            check_finite(body, self._kind)
        return {self._parameter: made}

    def errors(self, request: Request) -> list[FieldError]:
        """List every error; empty if the body is valid."""
        try:
            self.read(request)
        except ValidationError as error:
            return body_errors(self._faults(request, error))
        return []

    def _decode_plain(self, body: bytes, first: ValidationError) -> Any:
        """Decode a body again with integers written plainly (such as 1.0 as 1).

        Raises ValidationError if it is still invalid.
        """
        plain = with_plain_integers(body)
        if plain is body:
            raise first
        try:
            return self._decode(plain)
        except ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
            raise first from None  # `errors` then finds the syntax error after the first fault

    def _faults(self, request: Request, first: ValidationError) -> list[Fault]:
        """List all faults in a body. Raises BadBody if it has a syntax error after the first fault."""
        body = request.whole_body()
        if not self._sent.is_msgpack(request):
            return json_faults(body, self._kind, first)
        try:
            faults = faults_in(read_any_msgpack(body), self._kind)
        except ValidationError:  # the body has, for example, a number out of range
            return [fault_of(str(first))]
        return [fault_of(str(first))] if faults == [NO_FAULT] else faults


@cached_by_type
def _infinite_finder(kind: Any) -> Finder | None:
    return finder_within(described(kind), floats=True)


@cached_by_type
def _has_decimals(kind: Any) -> bool:
    return finder_within(described(kind)) is not None


class RawBody:
    """Reads a body as bytes, or as str, decoded with the charset of the request."""

    def __init__(self, body: Input) -> None:
        self._parameter = body.parameter
        self._sent = SentBody(body)
        self._as_text = body.kind is str

    def read(self, request: Request) -> dict[str, Any]:
        """Return a dict with the argument. Raises HTTPError 400 and 415."""
        body = self._sent.take(request)
        if body is None:
            return {}
        return {self._parameter: request.decode(body) if self._as_text else body}

    def errors(self, request: Request) -> list[FieldError]:
        """Return an empty list, because bytes and str are not validated. Raises the errors of `read`."""
        self.read(request)
        return []


def json_faults(body: bytes, kind: Any, first: ValidationError) -> list[Fault]:
    """List all faults in a JSON body that does not match a type. Raises BadBody if there is a syntax error after the
    first fault."""
    try:
        value = msgspec.json.decode(with_plain_integers(body))
    except ValidationError:  # the body has, for example, a number out of range
        return [fault_of(str(first))]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [fault_of(str(read_json(body, Any)))]  # raises BadBody
    faults = faults_in(value, kind)
    return [fault_of(str(first))] if faults == [NO_FAULT] else faults


def body_errors(faults: list[Fault]) -> list[FieldError]:
    """Convert faults in a body to FieldErrors."""
    return [FieldError(location="body", pointer=each.pointer, code=each.code, message=each.message) for each in faults]
