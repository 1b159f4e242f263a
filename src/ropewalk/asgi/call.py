"""One request on its way through an application: what it receives, and what it sends.

| stage | what was sent | what may come |
|---|---|---|
| NEW | nothing | `http.response.start` |
| HEAD | the start, which is kept | `http.response.body`, `http.response.pathsend` |
| BODY | the head, and perhaps parts of the body | the same |
| TRAILERS | head and body | `http.response.trailers` |
| COMPLETE | the whole answer | nothing |
| GONE | whatever it was when the client left, or was refused | anything; it is dropped |

The head is kept until there is something of the body, so that a whole answer leaves in one piece, but no longer than
until the application waits. `http.response.early_hint` is sent at NEW and HEAD, and dropped at BODY.
"""

from asyncio import CancelledError, Future, get_running_loop, sleep
from collections.abc import Callable, Iterable
from os import pread
from typing import Any, Final

from twisted.logger import Logger

from ropewalk.asgi.messages import ClientGone, Message, octets, pairs, unfit
from ropewalk.errors import BadBody, BodyTooLarge, Disconnected, HostedError, InvalidField, RopewalkError, named, shown
from ropewalk.request import BODILESS, Request
from ropewalk.response import PART, SHARE, Response, open_file
from ropewalk.waiting import Waiter

log = Logger(namespace="ropewalk.asgi")

NEW: Final = 0
HEAD: Final = 1
BODY: Final = 2
TRAILERS: Final = 3
COMPLETE: Final = 4
GONE: Final = 5

MOST_DROPPED: Final = 100
"""Messages for a client that has left which are dropped before `send` raises."""

BLOCK: Final = 64 * 1024
"""Bytes of a file that are read at once, where the engine cannot send it by itself."""

_WHEN: Final = (
    "before http.response.start",
    "where the body is awaited",
    "where the body is awaited",
    "where http.response.trailers is awaited",
    "behind the end of the answer",
)
"""By stage: why a message does not fit."""


class Call:
    """The two ends that an application is given, `receive` and `send`, and what is behind them."""

    __slots__ = (
        "_arriving",
        "_body_over",
        "_dropped",
        "_headers",
        "_leaving",
        "_share",
        "_status",
        "_told",
        "_trailers",
        "_waiting",
        "inline",
        "request",
        "stage",
    )

    _headers: list[Any]
    _status: int

    def __init__(self, request: Request) -> None:
        self.request = request
        self.stage = NEW
        self.inline = True
        """Whether the application runs in the call's own task, which will see to a head that is kept."""
        self._body_over = False
        self._dropped = 0
        self._arriving = False  # it was asked to be told of more of the body
        self._leaving: Waiter[None] | None = None
        self._share = SHARE
        self._told = False  # the application knows that the client has left
        self._trailers: list[Any] | None = None
        self._waiting: list[Future[None]] | None = None

    # What the application awaits

    async def receive(self) -> Message:
        """The next part of the body; behind it, that the answer is complete or the client has left, once it is so.

        A body over its limit or malformed is answered by 413 or 400; to the application the client has left then.
        """
        if not self._body_over and self.stage < COMPLETE:
            try:
                part = await self._take()
            except (BodyTooLarge, BadBody) as error:
                self._refuse(error)
            except Disconnected:
                self.left()
            else:
                if part is not None:
                    self._body_over = not part or self.request.body_complete
                    return {"type": "http.request", "body": part, "more_body": not self._body_over}
        while self.stage < COMPLETE:
            self._listen()
            await self._news()
        if self.stage == GONE:
            self._told = True
        return {"type": "http.disconnect"}

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
                    self._send_whole(self.request.answer, b"" if self._status in BODILESS else body)
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
            raise unfit(message, f"with something missing or of the wrong kind ({shown(error)})") from error

    # Told by others

    def flush(self) -> None:
        """The application waits: send a head that is kept."""
        if self.stage == HEAD:
            try:
                self._begin()
            except Disconnected:
                self.left()
            except (RopewalkError, TypeError, ValueError, OverflowError) as error:
                self._refuse(error)

    def left(self, _: object = None) -> None:
        """There is nobody any more who could be answered."""
        if self.stage < COMPLETE:
            self._over(GONE)

    def ended(self, error: BaseException | None, application: object) -> None:
        """The application has returned, or raised. What it has left undone is a 500, or cuts the connection."""
        over = self.stage >= COMPLETE or self.request.gone
        if error is None:
            if over:
                return
            what = "without an answer" if self.stage == NEW else "before the end of its answer"
            error = HostedError("RW714", f"{named(application)} returned {what}.")
        elif over and (self._told or isinstance(error, CancelledError)):
            log.debug("{who} ended with {error} behind its call.", who=named(application), error=shown(error))
            return
        self.left()
        self.request.service.fail(self.request, error)

    # The request's body

    async def _take(self) -> bytes | None:
        """A part of the body, empty at its end; None where nobody wants it any more."""
        request = self.request
        if not request.has_body:
            return b""
        request.receive()
        while self.stage < COMPLETE:
            part: bytes | None = request.take()
            if part is not None:
                return part
            if not self._arriving:
                self._arriving = True
                request._readable().addBoth(self._arrived)  # noqa: SLF001 - as BodyStream has it
            await self._news()
        return None

    def _arrived(self, _: object) -> None:
        self._arriving = False
        self._wake()

    def _listen(self) -> None:
        """Be told when the client leaves."""
        if self._leaving is None:
            self._leaving = self.request.disconnected
            self._leaving.addCallbacks(self.left, _nothing)

    async def _news(self) -> None:
        """Wait for something to happen. Several tasks may do so, and be cancelled each by itself."""
        future: Future[None] = get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(future)
        try:
            await future
        finally:
            self._waiting.remove(future)

    def _wake(self) -> None:
        for future in self._waiting or ():
            if not future.done():
                future.set_result(None)

    def _over(self, stage: int) -> None:
        """Nothing more will be sent, and nobody need be told that the client has left."""
        self.stage = stage
        if self._waiting is not None:
            self._wake()
            leaving = self._leaving
            if leaving is not None and not leaving.called:
                leaving.cancel()  # the request may live on, and would hold us

    # The answer

    def _start(self, message: Message) -> None:
        status = message["status"]
        headers = message.get("headers", ())
        if type(headers) is not list:
            headers = list(headers)
        if self.request.prepared:
            response = self.request.complete(Response(None, status, pairs(headers)))
            status, headers = response.status, response.headers.encoded()
        if message.get("trailers"):
            self._trailers = []
        self._status = status
        self._headers = headers
        self.stage = HEAD
        if not self.inline:
            get_running_loop().call_soon(self.flush)

    def _send_whole(self, answer: Callable[..., None], *body: Any) -> None:
        self._with_head(answer, *body)
        self._over(COMPLETE)

    def _begin(self) -> None:
        self._with_head(self.request.begin)
        self.stage = BODY

    def _with_head(self, command: Callable[..., None], *rest: Any) -> None:
        """Have the engine send the head: as the application gives it, else as the engine takes it."""
        try:
            command(self._status, self._headers, *rest)
        except (TypeError, InvalidField):
            pass
        else:
            return
        command(self._status, pairs(self._headers), *rest)

    async def _send_part(self, body: bytes, more: bool) -> None:
        request = self.request
        if self.stage == HEAD:
            self._begin()
        room = not body or self._status in BODILESS or request.write(body)
        if more:
            await self._rest(len(body), room)
        elif self._trailers is None:
            request.end()
            self._over(COMPLETE)
        else:
            self.stage = TRAILERS

    async def _rest(self, size: int, room: bool) -> None:
        """Wait until the client has taken enough; and let others have their turn where it takes all."""
        self._share -= size + PART
        if not room:
            await self.request.writable()
        elif self._share > 0:
            return
        else:
            await sleep(0)
        self._share = SHARE

    async def _send_file(self, path: str) -> None:
        request = self.request
        if self._status in BODILESS:
            await self._send_part(b"", more=False)
            return
        file = open_file(path)
        if self.stage == HEAD and self._trailers is None:
            self._send_whole(request.answer_file, file.fd, 0, file.size)
            return
        loop = get_running_loop()
        offset = 0
        while part := await loop.run_in_executor(None, pread, file.fd, BLOCK, offset):
            offset += len(part)
            await self._send_part(part, more=True)
        await self._send_part(b"", more=False)

    def _send_trailers(self, message: Message) -> None:
        """They go to a client only that has said it takes them (RFC 9110, section 6.5.1)."""
        assert self._trailers is not None
        self._trailers += pairs(message.get("headers", ()))
        if not message.get("more_trailers"):
            taken = [coding.strip() for coding in (self.request.header("te") or "").lower().split(",")]
            self.request.end(self._trailers if "trailers" in taken else None)
            self._over(COMPLETE)

    def _send_hint(self, links: Iterable[bytes]) -> None:
        if self.stage < BODY:
            self.request.interim(103, [(b"link", link) for link in links])

    def _refuse(self, error: BaseException) -> None:
        """Answer for an error that the application does not get to see."""
        self.left()
        self._told = True
        self.request.service.fail(self.request, error)

    async def _drop(self) -> None:
        self._dropped += 1
        if self._dropped > MOST_DROPPED:
            self._told = True
            raise ClientGone("The client has left.")
        await sleep(0)


def _nothing(_: object) -> None:
    """Nobody need be told any more."""
