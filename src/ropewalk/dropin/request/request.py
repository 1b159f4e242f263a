"""A faster request class that replaces `twisted.web.server.Request`.

If a resource returns the whole response, `render` sends it; on our channel, with a single call. Twisted's own code
handles every other case: HEAD, a response without a body, an encoder, a method that the resource does not support. It
also handles a request whose `write`, `finish` or `setHeader` a program has replaced.
"""

from contextlib import suppress
from operator import attrgetter
from typing import Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

from twisted.python.failure import Failure
from twisted.web import resource, server
from twisted.web.error import UnsupportedMethod
from twisted.web.http import NO_BODY_CODES, OK
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from twisted.web.server import Request as TwistedRequest

from ropewalk.dropin.request.access_log import log
from ropewalk.dropin.request.dates import date_line
from ropewalk.dropin.request.lazy_request import LazyRequest
from ropewalk.dropin.request.rendered import Rendered
from ropewalk.dropin.request.response_headers import set_default_content_type, set_validators
from ropewalk.dropin.tree_check import error_to_log
from ropewalk.twisted_private import IEncodingResource

Kind = TypeVar("Kind", bound=type)


def named_like_twisted(kind: Kind) -> Kind:
    """Give a class the name of Twisted's class.

    Perspective Broker finds the class of a copied object by its name, on both sides, and error pages show the name.
    """
    kind.__module__ = TwistedRequest.__module__
    kind.__qualname__, kind.__name__ = TwistedRequest.__qualname__, TwistedRequest.__name__
    return kind


@named_like_twisted
class Request(LazyRequest):
    """A `twisted.web.server.Request`, for any channel.

    If the channel's `takes_whole_responses` is true, a whole response is sent with one call: `respond(request, code,
    reason, headers, body)`, with the headers in the form of `Headers._rawHeaders`. Such a channel must know its
    addresses as long as the request exists.
    """

    def process(self) -> None:
        """Find the resource and render it."""
        site = self.site = self.channel.site
        path = self.path
        if getattr(self.setHeader, "__func__", None) is _set_header and type(self.responseHeaders) is Headers:
            lines = self.responseHeaders._rawHeaders  # noqa: SLF001 - as Twisted's channels do
            lines[b"Server"] = [server.version]
            lines[b"Date"] = [date_line.now()]
        else:
            self.setHeader(b"Server", server.version)
            self.setHeader(b"Date", date_line.now())
        self.prepath = []
        self.postpath = path[1:].split(b"/")
        if _PERCENT_SIGN in path:
            self.postpath = list(map(unquote_to_bytes, self.postpath))
        if path == b"*":
            self._handleStar()
            return
        try:
            if getattr(site.getResourceFor, "__func__", None) is _get_resource_for:
                self.sitepath = []
                found = self._rw_find_resource(site.resource)
                if found is None:
                    return
            else:
                found = site.getResourceFor(self)
            if hasattr(found, "getEncoder") and IEncodingResource.providedBy(found):
                encoder = found.getEncoder(self)
                if encoder is not None:
                    self._encoder = encoder
            self.render(found)
        except BaseException as error:  # noqa: BLE001 - as in Twisted, even SystemExit makes only the request fail
            logged = error_to_log(error, getattr(site, "resource", None), (*self.prepath, *self.postpath))
            self.processingFailed(Failure() if logged is error else Failure(logged))

    def _rw_find_resource(self, found: Any) -> Any:
        """Return the resource that `resource.getChildForRequest` would return; None if a file was sent as response."""
        while self.postpath and not found.isLeaf:
            if type(found).__module__ == _STATIC and self.method == b"GET" and self._rw_can_send_files():
                from ropewalk.dropin.request import static_files  # imported here, because few programs need it

                if static_files.is_plain(found) and static_files.send(found, self):
                    return None
                break
            name = self.postpath.pop(0)
            self.prepath.append(name)
            found = found.getChildWithDefault(name, self)
        return resource.getChildForRequest(found, self)

    def _rw_can_send_files(self) -> bool:
        channel = self._rw_channel
        sends = channel is self.channel and getattr(channel, "serves_static_files", False)
        if not (sends and self.code == OK and self._rw_has_plain_body()):  # Twisted sets the code for a file
            return False
        try:
            return _called_for_file(self) == _CALLED_FOR_FILE
        except AttributeError:
            return False

    def render(self, resrc: Any) -> None:
        """Render a resource, and send the body that it returns."""
        render = resrc.render
        if getattr(render, "__func__", None) is _render and self.method in _RENDERERS:
            render = getattr(resrc, _RENDERERS[self.method], None) or render
        try:
            body = render(self)
        except UnsupportedMethod as error:
            self._rw_leave_to_twisted(resrc, error)
            return
        if body is NOT_DONE_YET:
            return
        if (
            type(body) is bytes
            and not self.startedWriting
            and self.channel is not None
            and self._rw_has_plain_body()
            and self._rw_is_unmodified()
        ):
            self._rw_send(body)
        else:
            self._rw_leave_to_twisted(resrc, body)

    def _rw_leave_to_twisted(self, resrc: Any, outcome: Any) -> None:
        """Let Twisted handle the value that a resource has returned, or the UnsupportedMethod that it has raised."""
        super().render(Rendered(resrc, outcome))

    def _rw_render_again(self, resrc: Any) -> Any:
        """Render a resource again, because Twisted responds to HEAD by rendering GET."""
        return resrc.render(self)

    def _rw_has_plain_body(self) -> bool:
        return (
            not self._encoder
            and not self._inFakeHead
            and self.code not in NO_BODY_CODES
            and self.method != b"HEAD"
            and type(self.responseHeaders) is Headers
        )

    def _rw_is_unmodified(self) -> bool:
        """Whether neither the class nor the instance replaces a method that Twisted's `render` calls."""
        own: Any = self
        try:
            return (
                own.write.__func__ is _write
                and own.finish.__func__ is _finish
                and own.setHeader.__func__ is _set_header
            )
        except AttributeError:
            return False

    def _rw_send(self, body: bytes) -> None:
        """Send the whole response, as `setHeader`, `write` and `finish` would."""
        headers = self.responseHeaders
        lines = headers._rawHeaders  # noqa: SLF001 - as Twisted's channels do
        lines[b"Content-Length"] = [b"%d" % len(body)]
        if body and not lines.get(b"Content-Type"):
            set_default_content_type(self)
        if self.lastModified is not None or self.etag is not None or self.cookies:
            set_validators(self)
        self.startedWriting = 1
        self.sentLength += len(body)
        channel = self.channel
        if self._rw_channel is channel:  # the program has not wrapped the channel
            channel.respond(self, self.code, self.code_message, lines, body)
        else:
            channel.writeHeaders(self.clientproto, b"%d" % self.code, self.code_message, headers)
            if body:
                channel.write(body)
        self._rw_end()

    def write(self, data: bytes) -> None:
        """Send a part of the body, and the head before the first part. Raises RuntimeError after `finish`."""
        if self.finished or self._disconnected or not self._rw_has_plain_body():
            super().write(data)
            return
        if not self.startedWriting:
            self._rw_send_head()
        self.sentLength += len(data)
        if data and self.chunked:
            self.channel.writeSequence((b"%x" % len(data), b"\r\n", data, b"\r\n"))
        elif data:
            self.channel.write(data)

    def _rw_send_head(self) -> None:
        headers = self.responseHeaders
        lines = headers._rawHeaders  # noqa: SLF001 - as Twisted's channels do
        length = lines.get(b"Content-Length")
        if not lines.get(b"Content-Type") and not (length and length[0] == b"0"):
            set_default_content_type(self)
        self.startedWriting = 1
        if not length and self.clientproto == b"HTTP/1.1":
            lines[b"Transfer-Encoding"] = [b"chunked"]
            self.chunked = 1
        if self.lastModified is not None or self.etag is not None or self.cookies:
            set_validators(self)
        self.channel.writeHeaders(self.clientproto, b"%d" % self.code, self.code_message, headers)

    def finish(self) -> None:
        """End the response. Raises RuntimeError if the connection is lost."""
        if self.finished or self._disconnected or self._encoder:
            super().finish()
            return
        if not self.startedWriting:
            self.write(b"")
        if self.chunked:
            self.channel.write(b"0\r\n\r\n")
        self._rw_end()

    def _rw_end(self) -> None:
        factory = getattr(self.channel, "factory", None)
        if factory is not None:
            log(factory, self)
        self.finished = 1
        if not self.queued:
            self._cleanup()

    def _cleanup(self) -> None:
        if self.producer:
            super()._cleanup()
            return
        self.channel.requestDone(self)
        del self.channel
        if self._rw_no_body:
            self._rw_no_body = False
        elif self.content is not None:
            with suppress(OSError):
                self.content.close()
            del self.content
        if self.notifications:
            for waiting in self.notifications:
                waiting.callback(None)
            self.notifications = []


_STATIC: Final = "twisted.web.static"
_RENDERERS: Final = {
    method.encode(): f"render_{method}" for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
_PERCENT_SIGN: Final = ord("%")

# The original functions. A different function means that a program has replaced the original.
_get_resource_for: Final = Site.getResourceFor
_render: Final = Resource.render
_write: Final = Request.write
_finish: Final = Request.finish
_set_header: Final = Request.setHeader
_CALLS: Final = (
    *("render", "getHeader", "setHeader", "setLastModified", "setResponseCode"),
    *("registerProducer", "unregisterProducer", "write", "finish"),
)
"""The functions that twisted.web calls to send a file."""
_called_for_file: Final = attrgetter(*(f"{name}.__func__" for name in _CALLS))
_CALLED_FOR_FILE: Final = tuple(getattr(Request, name) for name in _CALLS)
