"""A response that a test client has received."""

import json
from typing import Any, Self, TypeVar, overload

import msgspec

from ropewalk.charsets import UTF_8, find_codec
from ropewalk.errors import shown
from ropewalk.headers import Headers, content_type
from ropewalk.suggest import OtherNames
from ropewalk.testing.event_parser import EventParser, check_events
from ropewalk.testing.names_of_other_clients import RESPONSE_NAMES
from ropewalk.testing.status_error import StatusError
from ropewalk.typed import ServerSentEvent

Kind = TypeVar("Kind")


class ClientResponse(OtherNames):
    """A response that a test client has received. `body` is bytes; `text`, `json()` and `events()` decode it."""

    other_names = RESPONSE_NAMES

    def __init__(self, method: str = "GET") -> None:
        self.method = method
        self.status = 0
        self.reason = ""
        self.http_version = ""
        self.headers = Headers()
        self.trailers = Headers()
        self.body = b""
        """The body. If the request has an Accept-Encoding, a body in gzip, br or zstd is decoded."""
        self.encoded_size = 0
        """The bytes of the body as they were sent."""
        self.url = ""
        """The URL of the request, or of the last redirect that was followed."""
        self.history: list[ClientResponse] = []
        """The redirects that were followed, in order."""
        self.interim: list[tuple[int, Headers]] = []
        """The 1xx responses before this response: their statuses and fields."""

    def __repr__(self) -> str:
        return f"<{self.status} {self.reason}, {len(self.body)} bytes>"

    @property
    def text(self) -> str:
        """The body, decoded with the charset of its Content-Type, or else as UTF-8.

        Raises LookupError for an unknown charset.
        """
        charset = content_type(self.headers.get("content-type"))[1].get("charset", UTF_8)
        codec = find_codec(charset)
        if codec is None:
            raise LookupError(f"The charset {charset!r} of the response is not known.")
        return self.body.decode(codec)

    @overload
    def json(self) -> Any: ...

    @overload
    def json(self, kind: type[Kind]) -> Kind: ...

    def json(self, kind: Any = None) -> Any:
        """Parse the body as JSON. With `kind`, such as `Room` or `list[Room]`, convert it to that type.

        Raises json.JSONDecodeError, or with `kind` msgspec.DecodeError. A note on the exception contains the response's
        status and body.
        """
        try:
            return json.loads(self.body) if kind is None else msgspec.json.decode(self.body, type=kind, strict=True)
        except (ValueError, msgspec.MsgspecError) as error:
            error.add_note(f"The response to {self.method} {self.url} is {self.status} {self.reason}: {self._start()}")
            raise

    def events(self) -> list[ServerSentEvent]:
        """The events in a complete body of type `text/event-stream`. Raises ProtocolError for another Content-Type.

        The `data` of an event is a str, as it was sent.
        """
        check_events(self.status, self.headers)
        return list(EventParser().feed(self.body, last=True))

    def raise_for_status(self) -> Self:
        """Return the response if its status is 200 to 299; otherwise raise StatusError (RW227), which shows the
        body."""
        if not 200 <= self.status <= 299:
            raise StatusError(self, self._start())
        return self

    def _start(self) -> str:
        return shown(self.body[:1000])

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the response sets, by name, without their attributes."""
        pairs = (line.partition(";")[0].partition("=") for line in self.headers.all("set-cookie"))
        return {name: value for name, _, value in pairs}
