"""What is logged where a program's response cannot be sent."""

from typing import Any

from ropewalk.errors import HostedError, InvalidField, RopewalkError, is_status


def explain(error: RopewalkError, requests: list[Any]) -> RopewalkError:
    """The error to log for a response to the first of these requests: RW751 where its status is the cause."""
    request = requests[0] if requests else None
    status = getattr(request, "code", None)
    if request is None or is_status(status) or not isinstance(error, InvalidField):
        return error
    target = b"%b %b" % (request.method, request.uri)
    message = f"{target.decode(errors='backslashreplace')}: the program responds with the status {status!r}."
    found = HostedError("RW751", message)
    found.__cause__ = error
    return found
