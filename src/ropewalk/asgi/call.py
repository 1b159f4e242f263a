"""One request on its way through an application: what it receives, and what it sends.

The head is kept until there is something of the body, so that a whole answer leaves in one piece, but no longer than
until the application waits. `http.response.early_hint` is sent before the head has left, and dropped behind it.
"""

from asyncio import CancelledError, get_running_loop, sleep
from collections.abc import Callable, Iterable
from contextlib import suppress
from os import pread
from typing import Any, Final

from twisted.logger import Logger

from ropewalk.asgi.call_state import BODY, COMPLETE, GONE, HEAD, NEW, TRAILERS
from ropewalk.asgi.messages import ClientGone, Message, octets, pairs, says_client_left, unfit
from ropewalk.asgi.receiving import ReceivingCall
from ropewalk.calling import log_late
from ropewalk.errors import (
    AnswerOver,
    Disconnected,
    HostedError,
    InvalidField,
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
"""Messages for a client that has left which are dropped before `send` raises."""

BLOCK: Final = 64 * 1024
"""Bytes that are gathered at most; and of a file that are read at once, where the engine cannot send it by itself."""

_LENGTH: Final = (b"content-length", "content-length")

_WHEN: Final = (
    "before http.response.start",
    "where the body is awaited",
    "where the body is awaited",
    "where http.response.trailers is awaited",
    "behind the end of the answer",
)
"""By stage: why a message does not fit."""


class ASGICall(ReceivingCall):
    """The two ends that an application is given, `receive` and `send`, and what is behind them."""

    __slots__ = ()

    async def send(self, message: Message) -> None:
        """Take a message, and come back when there is room for another.

        Raises HostedError (RW713) for one that does not fit, what the engine says of a head or a body that cannot be
        sent (InvalidField, WrongLength), and ClientGone after many messages to a client that has left.
        """
        try:
            kind = message["type"]
            stage = self.stage
            if kind == "http.response.body" and HEAD <= stage <= BODY:
                body = message.get("body", b"")
                if type(body) is not bytes:
                    body = octets(body)
                more = bool(message.get("more_body"))
                if more or stage == BODY or self._trailers is not None:
                    await self._send_part(body, more)
                else:
                    self._send_whole(self.out.respond, b"" if self._status in BODILESS else body)
            elif kind == "http.response.start" and stage == NEW:
                self._start(message)
            elif stage == GONE:
                await self._drop()
            elif kind == "http.response.pathsend" and HEAD <= stage <= BODY:
                await self._send_file(message["path"])
            elif kind == "http.response.trailers" and stage == TRAILERS:
                self._send_trailers(message)
            elif kind == "http.response.early_hint" and stage <= BODY:
                self._send_hint(message["links"])
            else:
                raise unfit(message, _WHEN[stage])
        except Disconnected:
            self.left()
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, RopewalkError):
                raise
            raise unfit(message, _misshapen(error)) from error

    def fail(self, error: BaseException) -> None:
        if self.out is self.request:
            super().fail(error)
        else:
            self.out.fail(error)

    def flush(self) -> None:
        """The application waits: send a head that is kept."""
        if self.stage == HEAD:
            try:
                self._begin()
            except Disconnected:
                self.left()
            except (RopewalkError, TypeError, ValueError, OverflowError) as error:
                self.refuse(error)

    def ended(self, error: BaseException | None, application: object) -> None:
        """The application has returned, or raised. What it has left undone is a 500, or cuts the connection."""
        over = self.stage >= COMPLETE or self.request.gone
        if self.told and self._half_closed():  # it has heard that the client stops sending, and answers no more
            over = True
            self.left()
            self.request.abort()
        if error is None:
            if over:
                return
            what = "without an answer" if self.stage == NEW else "before the end of its answer"
            error = HostedError("RW714", f"{named(application)} returned {what}.")
        elif over:
            # What was sent to its end stands, though middleware or a slow client may still be reading it.
            self.left()
            if isinstance(error, CancelledError) or (self.told and says_client_left(error)):
                log.debug("{who} ended with {error} after its call.", who=named(application), error=shown(error))
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
        """What Content-Length says, where a body has to keep to it, and middleware gets it before the engine does."""
        if self._status not in BODILESS:
            for name, value in self._headers:
                if name.lower() in _LENGTH and octets(value).isdigit():
                    return int(octets(value))
        return None

    def _count(self, size: int, *, last: bool) -> None:
        """Count bytes of a body that go to middleware. Raises WrongLength as the engine does, which is told later."""
        if self._announced is None:
            return
        sent = self._sent + size
        if sent > self._announced or (last and sent < self._announced):
            raise WrongLength(f"{self._announced} bytes were announced and {sent} written.")
        self._sent = sent

    def _send_whole(self, answer: Callable[..., None], *body: Any) -> None:
        if self.out is not self.request:
            size = body[-1] if len(body) > 1 else len(body[0])
            if size or self.request.method != "HEAD":
                self._count(size, last=True)
        self._with_head(answer, *body)
        self.over(COMPLETE)

    def stop(self) -> None:
        """A stop has begun, and this is a stream of events: end it. The application hears that its client has left."""
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
            self._with_head(self.out.respond, b"")  # middleware is given no stream where nothing may come of it
        else:
            self._with_head(self.out.begin)
            self.out.end_stream_by(self.stop)
        self._gathers = not any(name.lower() in _LENGTH for name, _ in self._headers)
        self._parts = []
        self._gathered = 0
        self.stage = BODY

    def _with_head(self, command: Callable[..., None], *rest: Any) -> None:
        """Have the engine send the head: as the application gives it, else as the engine takes it."""
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
            raise unfit({"type": "http.response.start"}, _misshapen(error)) from error

    async def _send_part(self, body: bytes, more: bool) -> None:
        if self.stage == HEAD:
            self._begin()
        if self._status in BODILESS:
            body = b""
        if self.out is not self.request and self.request.method != "HEAD":
            self._count(len(body), last=not more and self._trailers is None)
        if more and self._gathers:
            await self._rest(len(body), self._gather(body))
            return
        room = self._write(body)
        if more:
            await self._rest(len(body), room)
        elif self._trailers is None:
            self.out.end()
            self.over(COMPLETE)
        else:
            self.stage = TRAILERS

    def _gather(self, part: bytes) -> bool:
        """Keep a part until the loop's next turn, to go with those that come meanwhile; whether there is room for more.

        Not where there is a Content-Length: who sends too much is to be told at once.
        """
        if not part:
            return True
        if not self._parts:
            get_running_loop().call_soon(self._push)
        self._parts.append(part)
        self._gathered += len(part)
        return self._write(b"") if self._gathered >= BLOCK else not self.out.pressure

    def _push(self) -> None:
        """The next turn has come."""
        if self.stage != BODY:
            return
        try:
            self._write(b"")
        except Disconnected:
            self.left()
        except RopewalkError as error:
            self.refuse(error)

    def _write(self, part: bytes) -> bool:
        """Hand to the engine what was gathered, and this part behind it; whether there is room for more."""
        if self._parts:
            self._parts.append(part)
            part = b"".join(self._parts)
            self._parts.clear()
            self._gathered = 0
        return not part or self.out.write(part)

    async def _rest(self, size: int, room: bool) -> None:
        """Wait until the client has taken enough; and let others have their turn where it takes all."""
        self._share -= size + PART_COST
        if not room:
            with suppress(AnswerOver):  # another task of the application has sent the end meanwhile
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
        """How much of a file is sent: no more than it has now, and no more than the application has announced."""
        for name, value in self._headers:
            if name.lower() in _LENGTH and value.isdigit():
                left: int = int(value) - self.out.bytes_sent
                return max(min(file.size, left), 0)
        return file.size

    def _send_trailers(self, message: Message) -> None:
        """They go to a client only that has said it takes them (RFC 9110, section 6.5.1)."""
        assert self._trailers is not None
        self._trailers += pairs(message.get("headers", ()))
        if not message.get("more_trailers"):
            taken = [coding.strip() for coding in (self.request.header("te") or "").lower().split(",")]
            self.out.end(self._trailers if "trailers" in taken else None)
            self.over(COMPLETE)

    def _send_hint(self, links: Iterable[bytes]) -> None:
        if self.stage < BODY:
            self.request.interim(103, [(b"link", link) for link in links])

    async def _drop(self) -> None:
        self._dropped += 1
        if self._dropped > MOST_DROPPED:
            self.told = True
            raise ClientGone("The client has left.")
        await sleep(0)


def _misshapen(error: BaseException) -> str:
    """How a message was sent that is not what its type has it be."""
    return f"with something missing or of the wrong kind ({shown(error)})"
