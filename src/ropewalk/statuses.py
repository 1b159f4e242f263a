"""Response classes with a fixed status, for the return annotations of handlers that send several statuses.

    @app.post("/rooms")
    def add_room(room: NewRoom) -> Created[Room] | Conflict[Refusal]:
        if room.number in ROOMS:
            return Conflict(Refusal("The number is taken."))
        ...
        return Created(added, location=app.url_for("show_room", room=added.id))

For another status, derive a class: `class Locked(StatusResponse[Refusal], status=423)`.
"""

from typing import Any, ClassVar

from ropewalk.errors import InvalidField, is_status, shown
from ropewalk.headers import Fields, Text
from ropewalk.headers import location as encoded_location
from ropewalk.response import Response, Value


class StatusResponse(Response[Value]):
    """The base of response classes with a fixed status. Raises InvalidField (RW304) for any other status."""

    __slots__ = ()

    fixed_status: ClassVar[int] = 200

    def __init_subclass__(cls, *, status: int | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if status is not None:
            if not is_status(status):
                raise InvalidField(f"{shown(status)} is not the status of a response.", "Give an int from 200 to 599.")
            cls.fixed_status = status

    def __init__(
        self,
        body: Any = None,
        status: int | None = None,
        headers: Fields = (),
        *,
        content_type: str | None = None,
        reason: Text | None = None,
    ) -> None:
        # `Response.json` and similar class methods pass 200, their default status, so 200 is accepted, too.
        if status not in (None, 200, self.fixed_status):
            raise InvalidField(
                f"The status of {type(self).__name__} is {self.fixed_status}, not {shown(status)}.",
                "Leave it out, or use the class of that status.",
            )
        super().__init__(body, self.fixed_status, headers, content_type=content_type, reason=reason)


class Created(StatusResponse[Value], status=201):
    """201: the request has created a resource, whose URL or path is `location` (RFC 9110, section 15.3.2).

    The location is encoded, or rejected, as in `Response.redirect`. `request.url_for` makes such a path.
    """

    __slots__ = ()

    def __init__(
        self,
        body: Any = None,
        status: int | None = None,
        headers: Fields = (),
        *,
        location: Text | None = None,
        content_type: str | None = None,
        reason: Text | None = None,
    ) -> None:
        super().__init__(body, status, headers, content_type=content_type, reason=reason)
        if location is not None:
            self.headers["location"] = encoded_location(location)


class Accepted(StatusResponse[Value], status=202):
    """202: the request will be processed later (RFC 9110, section 15.3.3)."""

    __slots__ = ()


class NoContent(StatusResponse[None], status=204):
    """204: the request has succeeded, and the response has no body (RFC 9110, section 15.3.5)."""

    __slots__ = ()


class BadRequest(StatusResponse[Value], status=400):
    """400: the request is malformed or invalid (RFC 9110, section 15.5.1)."""

    __slots__ = ()


class NotFound(StatusResponse[Value], status=404):
    """404: the resource does not exist (RFC 9110, section 15.5.5)."""

    __slots__ = ()


class Conflict(StatusResponse[Value], status=409):
    """409: the request conflicts with the state of the resource (RFC 9110, section 15.5.10)."""

    __slots__ = ()
