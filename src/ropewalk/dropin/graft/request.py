"""The request that a grafted app receives."""

from collections.abc import Iterable
from io import SEEK_END
from typing import TYPE_CHECKING, Any

from ropewalk.dropin.connection.exchange import RelayedExchange
from ropewalk.errors import BodyTooLarge
from ropewalk.headers import Text, text
from ropewalk.request import PART, BodyStream, EngineHandler, Request

if TYPE_CHECKING:
    from ropewalk.dropin.graft.bridge import AppBridge

Fields = Iterable[tuple[Text, Text]]


class GraftedRequest(RelayedExchange):
    """The exchange of a twisted.web request, as the app uses it.

    Its body is the body that twisted.web has received. Its response includes the header fields that were set on the
    twisted.web request.
    """

    __slots__ = ()

    @staticmethod
    def of(exchange: RelayedExchange, bridge: "AppBridge") -> "GraftedRequest":
        """Convert an exchange. The engine has made it with another class, before it was known that an app responds."""
        exchange.__class__ = GraftedRequest
        assert isinstance(exchange, GraftedRequest)
        exchange.bridge = bridge
        exchange.notify_done = True
        if exchange.has_body:
            exchange._content = bridge.request.content  # noqa: SLF001 - an attribute of this class
            exchange._content.seek(0)  # noqa: SLF001 - as above
        return exchange

    @property
    def service(self) -> Any:
        """The bridge, which is the service for the app."""
        return self.bridge

    @property
    def engine_handler(self) -> EngineHandler | None:
        """The app's handler for the path; None before it is found."""
        return getattr(self.bridge, "engine_handler", None)

    def url_for(self, name: str, /, **params: Any) -> str:
        """Return the URL of a route, below the path of the app in the program's tree."""
        return self.bridge.prefix + self.bridge.url_for(name, params)

    def _find_route(self) -> str | None:
        """The pattern of the app's route, with the path at which the app is grafted."""
        return self.bridge.route

    # The body

    def check_size(self, limit: int | None) -> None:
        """Raise BodyTooLarge if the body exceeds a limit in bytes; None stands for the limit of the route."""
        if limit is None and self.engine_handler is not None:
            limit = self.engine_handler.body_limit
        limit = self.lowered(limit)
        if limit is not None and self.has_body and self._size() > limit:
            raise BodyTooLarge(f"The body is larger than {limit} bytes.")

    def _collected(self, limit: int | None) -> bytes:
        self.check_size(limit)
        return self._whole()

    def stream(self, body_limit: int | None = None) -> BodyStream:
        self.check_size(body_limit)
        self.content.seek(0)
        return BodyStream(self, self.content)

    def receive(self, limit: int | None = None, /) -> None:
        self.check_size(limit)

    def take(self) -> bytes | None:
        return self._content.read(PART) if self._reads_content() else super().take()

    @property
    def body_complete(self) -> bool:
        """Whether the whole body has been taken."""
        return self._content.tell() == self._size() if self._reads_content() else super().body_complete

    def _reads_content(self) -> bool:
        """Whether the request has a body. Raw bytes of another protocol are not a body."""
        return self.has_body and self.status != 101

    def _whole(self, _: None = None) -> bytes:
        if not self.has_body:
            return b""
        place = self._content.tell()
        self._content.seek(0)
        body = self._content.read()
        self._content.seek(place)
        return body

    def _size(self) -> int:
        place = self._content.tell()
        size = self._content.seek(0, SEEK_END)
        self._content.seek(place)
        return size

    def respond(self, status: int, fields: Fields, body: bytes | str, /) -> None:
        super().respond(status, self._with_carried(fields), body)

    def respond_file(self, status: int, fields: Fields, fd: int, offset: int, length: int, /) -> None:
        super().respond_file(status, self._with_carried(fields), fd, offset, length)

    def begin(self, status: int, fields: Fields, length: int | None = None, /) -> None:
        super().begin(status, self._with_carried(fields), length)

    def write(self, data: Text, /) -> bool:
        return super().write(data) and not self.bridge.paused

    @property
    def pressure(self) -> bool:
        """Whether code that writes the body should wait for the engine or for the transport."""
        return super().pressure or self.bridge.paused

    def transport_is_full(self) -> None:
        """Pause the producer, because the engine does not know that Twisted's transport is full."""
        self._pause_producer()

    def transport_has_room(self) -> None:
        """Resume the producer, because Twisted's transport has room again."""
        Request.on_writable(self)

    def _with_carried(self, fields: Fields) -> Fields:
        """Add the program's cookies to the fields of a response, and other fields of the program unless the app has set
        them."""
        carried = list(self.bridge.carried_fields())
        if not carried:
            return fields
        own = list(fields)
        names = {text(name).lower() for name, _ in own}
        return own + [line for line in carried if line[0] == b"set-cookie" or text(line[0]) not in names]

    def on_readable(self) -> None:
        Request.on_readable(self)

    def on_writable(self) -> None:
        if not self.bridge.paused:
            Request.on_writable(self)

    def on_gone(self, reason: str, /) -> None:
        super().on_gone(reason)
        Request.on_gone(self, reason)

    def on_done(self) -> None:
        super().on_done()
        self.bridge.done()
