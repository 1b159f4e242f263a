"""Encode and decode responses for the store of idempotency keys."""

import msgspec

from ropewalk.calling import SentResponse
from ropewalk.charsets import codec_for, encode
from ropewalk.headers import Headers
from ropewalk.response import Response


class StoredResponse(msgspec.Struct, frozen=True, array_like=True):
    """A response in the form in which it is stored."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    compress: bool | None = None


def encode_response(response: Response, body_limit: int) -> bytes:
    """Encode a response for the store. Return b"" if it was already sent, is a stream or a file, or is too large."""
    body = response.body
    if isinstance(response, SentResponse) or not isinstance(body, bytes | str) or len(body) > body_limit:
        return b""
    if isinstance(body, str):
        body = encode(body, codec_for(response.headers.content_type()))
    if len(body) > body_limit:
        return b""
    return msgspec.msgpack.encode(StoredResponse(response.status, response.headers.lines(), body, response.compress))


def decode_response(stored: bytes) -> Response:
    """Decode a response that `encode_response` has encoded."""
    found = msgspec.msgpack.decode(stored, type=StoredResponse)
    response = Response(found.body or None, found.status)
    response.headers = Headers(found.headers)
    response.compress = found.compress
    return response
