"""Errors of a body that cannot be sent."""

from ropewalk.errors import HandlerError


def check_unicode(body: str | bytes) -> None:
    """Raises UnicodeEncodeError for text that cannot be encoded as UTF-8. This is the error that sending the text would
    raise."""
    if isinstance(body, str) and not body.isascii():
        body.encode()


def unexpected_body(status: int) -> HandlerError:
    return HandlerError(
        "RW201", f"A response of status {status} has a body.", "Leave it out, or choose another status."
    )
