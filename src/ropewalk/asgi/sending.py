"""The class for one call of an ASGI application. It provides `send`, and inherits `receive` from `ReceivingCall`.

The head is kept until the first part of the body, so that both are sent together. If the application waits before it
sends that part, the head is sent alone. `http.response.early_hint` is sent before the head, and dropped after it.
"""

from asyncio import CancelledError, get_running_loop, sleep
from collections.abc import Callable, Iterable
from contextlib import suppress
from os import pread
from typing import Any, Final

from twisted.logger import Logger

from ropewalk.asgi.message_order import BODY, COMPLETE, GONE, HEAD, NEW, STAGES, TRAILERS, WHEN
from ropewalk.asgi.messages import ClientGone, Message, octets, pairs, says_client_left, unfit
from ropewalk.asgi.receiving import ReceivingCall
from ropewalk.calling import log_late
from ropewalk.errors import (
    Disconnected,
    HostedError,
    HTTPError,
    InvalidField,
    ResponseEnded,
    RopewalkError,
    WrongLength,
    named,
    shown,
)
from ropewalk.open_files import OpenFile, open_file
from ropewalk.request import BODILESS
from ropewalk.response import Response
from ropewalk.streaming import PART_COST, QUANTUM

log = Logger(namespace="ropewalk.asgi")

MOST_DROPPED: Final = 100
"""After the client has left, `send` drops this many messages, and raises for any further message."""

BLOCK: Final = 64 * 1024
"""The maximum number of bytes that are gathered before they are sent, or that are read from a file at once."""

_LENGTH: Final = (b"content-length", "content-length")


class ASGICall(ReceivingCall):
    """Provides `receive` and `send` to an application for one request."""

    __slots__ = ()

    async def send(self, message: Message) -> None:
        """Take a message. Returns when there is room for another message.

        Raises HostedError (RW713) for a message that is malformed or out of order, InvalidField and WrongLength for a
        head or a body that cannot be sent, and ClientGone after many messages to a client that has left.
        """
        try:
            kind = message["type"]
            stage = self.stage
            if stage not in STAGES.get(kind, ()):
                if stage == NEW and isinstance(kind, str) and kind.startswith("websocket."):
                    self._refuse_websocket()
                elif stage != GONE:
                    raise unfit(message, WHEN[stage])
                await self._drop()
            elif kind == "http.response.body":
                body = message.get("body", b"")
                if type(body) is not bytes:
                    body = octets(body)
                more = bool(message.get("more_body"))
                if more or stage == BODY or self._trailers is not None:
                    await self._send_part(body, more)
                else:
                    self._send_whole(self.out.respond, b"" if self._status in BODILESS else body)
            elif kind == "http.response.start":
                self._start(message)
            elif kind == "http.response.pathsend":
                await self._send_file(message["path"])
            elif kind == "http.response.trailers":
                self._send_trailers(message)
            else:
                self._send_hint(message["links"])
        except Disconnected:
            self.left()
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, RopewalkError):
                raise
            raise unfit(message, _malformed(error)) from error

    def fail(self, error: BaseException) -> None:
        if self.out is self.request:
            super().fail(error)
        else:
            self.out.fail(error)

    def flush(self) -> None:
        """Send the kept head, because the application waits."""
        if self.stage == HEAD:
            try:
                self._begin()
            except Disconnected:
                self.left()
            except (RopewalkError, TypeError, ValueError, OverflowError) as error:
                self.refuse(error)

    def ended(self, error: BaseException | None, application: object) -> None:
        """Handle the end of the application's call.

        If it has sent no response, the client gets a 500. If the response is incomplete, the connection is closed.
        """
        over = self.stage >= COMPLETE or self.request.gone
        if self.notified and self._half_closed():  # the application was notified, and has not responded
            over = True
            self.left()
            self.request.abort()
        if error is None:
            if over:
                return
            what = "without a response" if self.stage == NEW else "before the end of its response"
            error = HostedError("RW714", f"{named(application)} returned {what}.")
        elif over:
            # A complete response stays as it is: middleware or a slow client may still be reading it.
            self.left()
            if isinstance(error, CancelledError) or (self.notified and says_client_left(error)):
                log.debug(
                    "{who} raised {error} after the exchange had ended.", who=named(application), error=shown(error)
                )
            else:
                log_late(self.request, error)
            return
        self.left()
        self.fail(error)

    def _start(self, message: Message) -> None:
        status = message["status"]
        headers = message.get("headers", ())
        if type(headers) is not list:
            headers = list(headers)
        if self.request.prepared and self.out is self.request:
            response = self.request.complete(Response(None, status, pairs(headers)))
            status, headers = response.status, response.headers.encoded()
        if message.get("trailers"):
            self._trailers = []
        self._status = status
        self._headers = headers
        if self.out is not self.request:
            self._announced = self._announced_length()
            self._sent = 0
        self.stage = HEAD
        if not self.inline:
            get_running_loop().call_soon(self.flush)

    def _announced_length(self) -> int | None:
        """The value of Content-Length, if the length of the body is checked before the body reaches middleware."""
        if self._status not in BODILESS:
            for name, value in self._headers:
                if name.lower() in _LENGTH and octets(value).isdigit():
                    return int(octets(value))
        return None

    def _count(self, size: int, *, last: bool) -> None:
        """Count body bytes that are passed to middleware. Raises WrongLength if their number differs from
        Content-Length.

        The engine would raise it only later, after the middleware.
        """
        if self._announced is None:
            return
        sent = self._sent + size
        if sent > self._announced or (last and sent < self._announced):
            raise WrongLength(f"{self._announced} bytes were announced and {sent} written.")
        self._sent = sent

    def _send_whole(self, command: Callable[..., None], *body: Any) -> None:
        if self.out is not self.request:
            size = body[-1] if len(body) > 1 else len(body[0])
            if size or self.request.method != "HEAD":
                self._count(size, last=True)
        self._with_head(command, *body)
        self.over(COMPLETE)

    def stop(self) -> None:
        """End an event stream, because the app is stopping. The application is notified that its client has left."""
        if self.stage == BODY:
            try:
                self._write(b"")
                self.out.end()
            except Disconnected:
                pass
            except RopewalkError as error:
                self.refuse(error)
            self.left()

    def _begin(self) -> None:
        if self._status in BODILESS and self.out is not self.request:
            self._with_head(self.out.respond, b"")  # this status allows no body, so middleware gets no stream
        else:
            self._with_head(self.out.begin)
            self.out.end_stream_by(self.stop)
        self._gathers = not any(name.lower() in _LENGTH for name, _ in self._headers)
        self._parts = []
        self._gathered = 0
        self.stage = BODY

    def _with_head(self, command: Callable[..., None], *rest: Any) -> None:
        """Call a function with the head.

        If the function refuses the types in the head, convert them and call the function again.
        """
        try:
            command(self._status, self._headers, *rest)
        except (TypeError, OverflowError, UnicodeEncodeError, InvalidField):
            pass
        else:
            return
        try:
            self._headers = pairs(self._headers)
            command(self._status, self._headers, *rest)
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, RopewalkError):
                raise
            raise unfit({"type": "http.response.start"}, _malformed(error)) from error

    async def _send_part(self, body: bytes, more: bool) -> None:
        if self.stage == HEAD:
            self._begin()
        if self._status in BODILESS:
            body = b""
        if self.out is not self.request and self.request.method != "HEAD":
            self._count(len(body), last=not more and self._trailers is None)
        if more and self._gathers:
            await self._wait_for_room(len(body), self._gather(body))
            return
        room = self._write(body)
        if more:
            await self._wait_for_room(len(body), room)
        elif self._trailers is None:
            self.out.end()
            self.over(COMPLETE)
        else:
            self.stage = TRAILERS

    def _gather(self, part: bytes) -> bool:
        """Keep a part until the loop's next iteration, to send it with later parts. Returns whether there is room.

        It is not used for a body with a Content-Length, because a part that exceeds this length must raise at once.
        """
        if not part:
            return True
        if not self._parts:
            get_running_loop().call_soon(self._flush_parts)
        self._parts.append(part)
        self._gathered += len(part)
        return self._write(b"") if self._gathered >= BLOCK else not self.out.pressure

    def _flush_parts(self) -> None:
        """Send the gathered parts. Called in the loop's next iteration after `_gather`."""
        if self.stage != BODY:
            return
        try:
            self._write(b"")
        except Disconnected:
            self.left()
        except RopewalkError as error:
            self.refuse(error)

    def _write(self, part: bytes) -> bool:
        """Send the gathered parts and then `part`. Returns whether there is room for more."""
        if self._parts:
            self._parts.append(part)
            part = b"".join(self._parts)
            self._parts.clear()
            self._gathered = 0
        return not part or self.out.write(part)

    async def _wait_for_room(self, size: int, room: bool) -> None:
        """Wait until the buffer has room. If it always has room, let other tasks run from time to time."""
        self._share -= size + PART_COST
        if not room:
            with suppress(ResponseEnded):  # another task of the application has ended the body meanwhile
                await self.out.writable()
        elif self._share > 0:
            return
        else:
            await sleep(0)
        self._share = QUANTUM

    async def _send_file(self, path: str) -> None:
        if self._status in BODILESS:
            await self._send_part(b"", more=False)
            return
        file = open_file(path)
        if self.stage == HEAD and self._trailers is None:
            self._send_whole(self.out.respond_file, file.fd, 0, self._size_of(file))
            return
        loop = get_running_loop()
        offset, size = 0, self._size_of(file)
        while part := await loop.run_in_executor(None, pread, file.fd, min(BLOCK, size - offset), offset):
            offset += len(part)
            await self._send_part(part, more=True)
        await self._send_part(b"", more=False)

    def _size_of(self, file: OpenFile) -> int:
        """The number of bytes of a file to send: its size, or the rest of the Content-Length if that is smaller."""
        for name, value in self._headers:
            if name.lower() in _LENGTH and value.isdigit():
                left: int = int(value) - self.out.bytes_sent
                return max(min(file.size, left), 0)
        return file.size

    def _send_trailers(self, message: Message) -> None:
        """Send trailers, but only to a client that accepts them (RFC 9110, section 6.5.1)."""
        assert self._trailers is not None
        self._trailers += pairs(message.get("headers", ()))
        if not message.get("more_trailers"):
            taken = [coding.strip() for coding in (self.request.header("te") or "").lower().split(",")]
            self.out.end(self._trailers if "trailers" in taken else None)
            self.over(COMPLETE)

    def _send_hint(self, links: Iterable[bytes]) -> None:
        if self.stage < BODY:
            self.request.interim(103, [(b"link", link) for link in links])

    def _refuse_websocket(self) -> None:
        """Refuse a request that the application treats as a WebSocket request. The application receives a disconnect.

        A client can cause this with an ordinary request, because some applications look only at the query, such as
        `?transport=websocket`.
        """
        if "websocket" in (self.request.header("upgrade") or "").lower():
            self.refuse(HTTPError(501, "This server has no WebSockets."))
        else:
            self.refuse(HTTPError(400, "This is not a request for a WebSocket."))

    async def _drop(self) -> None:
        self._dropped += 1
        if self._dropped > MOST_DROPPED:
            self.notified = True
            raise ClientGone("The client has left.")
        await sleep(0)


def _malformed(error: BaseException) -> str:
    """Describe a message that lacks a key or has a value of the wrong type."""
    return f"with something missing or of the wrong kind ({shown(error)})"
