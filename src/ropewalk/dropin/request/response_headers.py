"""Sets the response headers that `Request` adds before it sends the head, as twisted.web does."""

from typing import Any, Final

from twisted.web.server import Request as TwistedRequest

from ropewalk.dropin.request.dates import date_of, modified_line

_HTML: Final[Any] = TwistedRequest.defaultContentType


def set_default_content_type(request: Any) -> None:
    """Set the Content-Type to `request.defaultContentType`, if there is one."""
    default: Any = request.defaultContentType
    if default is _HTML:
        request.responseHeaders._rawHeaders[b"Content-Type"] = [default]  # noqa: SLF001 - as Twisted's channels do
    elif default is not None:
        request.responseHeaders.setRawHeaders(b"Content-Type", [default])


def set_validators(request: Any) -> None:
    """Set Last-Modified, ETag and Set-Cookie from the attributes of a request."""
    headers = request.responseHeaders
    if request.lastModified is not None:
        if headers.hasHeader(b"Last-Modified"):
            message = "Warning: last-modified specified both in header list and lastModified attribute."
            request._log.info(message)  # noqa: SLF001 - as in Twisted
        else:
            line = modified_line(request.lastModified, date_of(headers))
            if line is not None:
                headers.setRawHeaders(b"Last-Modified", [line])
    if request.etag is not None:
        headers.setRawHeaders(b"ETag", [request.etag])
    if request.cookies:
        headers.setRawHeaders(b"Set-Cookie", request.cookies)
