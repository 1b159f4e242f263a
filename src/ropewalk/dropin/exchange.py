"""What the engine makes of each request to a twisted.web program."""

from collections.abc import Iterable
from io import SEEK_END
from typing import TYPE_CHECKING, Any

from ropewalk.errors import BodyTooLarge
from ropewalk.headers import Text, text
from ropewalk.request import BodyStream, Endpoint, Request
from ropewalk.waiting import Waiter, failed

if TYPE_CHECKING:
    from ropewalk.dropin.channel import HTTPChannel
    from ropewalk.dropin.joint import Joint

Fields = Iterable[tuple[Text, Text]]


class Incoming(Request):
    """One request on the wire and its answer, below the `twisted.web.http.Request` that the program sees.

    It is a request of ours besides: where an app is grafted upon the program's tree, it is what the app gets. Its body
    then is what the program has received.
    """

    __slots__ = ("channel", "joint")

    channel: "HTTPChannel"
    joint: "Joint"
    """Set where an app answers."""

    # Called by the engine

    def on_readable(self) -> None:
        super().on_readable()
        self.channel.readable(self)

    def on_writable(self) -> None:
        super().on_writable()
        self.channel.writable()

    def on_gone(self, reason: str, /) -> None:
        self.channel.gone(self)
        super().on_gone(reason)

    def on_done(self) -> None:
        super().on_done()
        if self._joint is not None:
            self._joint.done()

    # For the app

    def graft(self, joint: "Joint") -> None:
        """An app answers from here on."""
        self.joint = joint
        self.watched = True
        if self.has_body:
            self._content = joint.request.content
            self._content.seek(0)

    def has_room(self) -> None:
        """There is room below the engine too."""
        super().on_writable()

    @property
    def pressure(self) -> bool:
        """Whether a writer should wait."""
        return super().pressure or (self._joint is not None and self._joint.paused)

    def write(self, data: Text, /) -> bool:
        return super().write(data) and not self.pressure

    @property
    def service(self) -> Any:
        """The app's, where one answers."""
        return super().service if self._joint is None else self._joint

    @property
    def endpoint(self) -> Endpoint | None:
        """What the app has for the path."""
        return getattr(self._joint, "endpoint", None)

    def url_for(self, name: str, /, **params: Any) -> str:
        """As ever, below the place of the app in the program's tree."""
        return self.joint.prefix + super().url_for(name, **params)

    def check_size(self, limit: int | None) -> None:
        """Raises BodyTooLarge for a body over a limit in bytes; where none is given, over that of the route."""
        if limit is None and self.endpoint is not None:
            limit = self.endpoint.body_limit
        if limit is not None and self.has_body and self._size() > limit:
            raise BodyTooLarge(f"The body is larger than {limit} bytes.")

    def body(self, limit: int | None = None) -> Waiter[bytes]:
        try:
            self.check_size(limit)
        except BodyTooLarge as error:
            return failed(error)
        return super().body(limit)

    def stream(self, limit: int | None = None) -> BodyStream:
        self.check_size(limit)
        return super().stream(limit)

    def answer(self, status: int, fields: Fields, body: bytes | str, /) -> None:
        super().answer(status, self._and_carried(fields), body)

    def answer_file(self, status: int, fields: Fields, fd: int, offset: int, length: int, /) -> None:
        super().answer_file(status, self._and_carried(fields), fd, offset, length)

    def begin(self, status: int, fields: Fields, length: int | None = None, /) -> None:
        super().begin(status, self._and_carried(fields), length)

    @property
    def _joint(self) -> "Joint | None":
        return getattr(self, "joint", None)

    def _whole(self, _: None = None) -> bytes:
        if not self.has_body or self._joint is None:
            return super()._whole()
        place = self._content.tell()
        self._content.seek(0)
        self._body = self._content.read()
        self._content.seek(place)
        return self._body

    def _size(self) -> int:
        place = self._content.tell()
        size = self._content.seek(0, SEEK_END)
        self._content.seek(place)
        return size

    def _and_carried(self, fields: Fields) -> Fields:
        """The fields of an answer, with those that the program has set and the app has not; and all its cookies."""
        carried = [] if self._joint is None else list(self._joint.carried())
        if not carried:
            return fields
        own = list(fields)
        names = {text(name).lower() for name, _ in own}
        return own + [line for line in carried if line[0] == b"set-cookie" or text(line[0]) not in names]
