"""The parts of a multipart form as they arrive, without a copy on disk."""

from collections import deque
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from ropewalk.errors import BadBody, BodyTooLarge, HandlerError
from ropewalk.forms.content_types import codec_of
from ropewalk.forms.limits import DEFAULT_LIMITS, FormLimits
from ropewalk.forms.multipart_events import Event, MultipartEvents, PartHead


class FormPart:
    """A part of a form: `async for data in part` yields its content as it arrives.

    Its content can be read once, before the next part is taken. `filename` and `content_type` are data from the client,
    as in `UploadFile`.
    """

    def __init__(self, head: PartHead, stream: "PartStream") -> None:
        self._stream = stream
        self._charset = head.charset
        self.name = head.name
        """The name of the field."""
        self.filename = head.filename
        """The name of the file on the client's machine, without folders; None if the part is a field."""
        self.content_type = head.content_type
        """The media type in lower case, without parameters."""
        self.headers = head.headers
        """The header lines of the part: names in lower case, and values."""
        self.complete = False
        """Whether the whole content has been read."""

    def __repr__(self) -> str:
        return f"FormPart(name={self.name!r}, filename={self.filename!r}, content_type={self.content_type!r})"

    def __aiter__(self) -> "FormPart":
        return self

    async def __anext__(self) -> bytes:
        if self.complete:
            raise StopAsyncIteration
        event = await self._stream.next_event(self)
        if type(event) is not bytes:
            self.complete = True
            raise StopAsyncIteration
        return event

    async def read(self, limit: int = DEFAULT_LIMITS.field_limit) -> bytes:
        """The rest of the content. Raises BodyTooLarge (413) if it is larger than `limit` bytes."""
        found: list[bytes] = []
        size = 0
        async for data in self:
            size += len(data)
            if size > limit:
                raise BodyTooLarge(f"The part {self.name!r} of the form is larger than {limit} bytes.")
            found.append(data)
        return b"".join(found)

    async def text(self, limit: int = DEFAULT_LIMITS.field_limit) -> str:
        """The rest of the content as text in its charset, or else in UTF-8.

        Raises BadBody (400) if it is not text in this charset, HTTPError 415 if the charset is not supported, and
        BodyTooLarge (413).
        """
        codec = codec_of(self._charset)
        try:
            return (await self.read(limit)).decode(codec)
        except UnicodeDecodeError:
            raise BadBody("A field of the form is not text in its charset.") from None


class PartStream:
    """An iterator over the parts of a form: `async for part in request.multipart()`.

    What is left of a part is dropped when the next one is taken.
    """

    def __init__(self, body: AsyncIterator[bytes], boundary: str, limits: FormLimits) -> None:
        self._body = body
        self._parser = MultipartEvents(boundary, limits)
        self._events: deque[Event] = deque()
        self._part: FormPart | None = None
        self._ended = False

    def __aiter__(self) -> "PartStream":
        return self

    async def __anext__(self) -> FormPart:
        if self._part is not None:
            async for _ in self._part:
                pass
        head = await self._next()
        if head is None:
            raise StopAsyncIteration
        assert isinstance(head, PartHead)
        self._part = FormPart(head, self)
        return self._part

    def next_event(self, part: FormPart) -> Coroutine[Any, Any, Event]:
        """The next event of a part. Raises HandlerError (RW279) if a later part has been taken."""
        if part is not self._part:
            raise HandlerError("RW279", f"The part {part.name!r} of a form was read after the next part was taken.")
        return self._next()

    async def _next(self) -> Event:
        """The next event; None at the end of a part, and at the end of the form."""
        while not self._events:
            if self._ended:
                return None
            try:
                data = await anext(self._body)
            except StopAsyncIteration:
                self._ended = True
                self._parser.end()
            else:
                self._events.extend(self._parser.feed(data))
        return self._events.popleft()
