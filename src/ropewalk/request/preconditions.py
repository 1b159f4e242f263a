"""Preconditions of changes: If-Match and If-None-Match, with 412 and 428 (RFC 9110, section 13; RFC 6585)."""

from ropewalk.errors import HTTPError
from ropewalk.etags import check_etag, matches
from ropewalk.request.disconnects import EndingExchange


class ConditionalExchange(EndingExchange):
    """An exchange whose handler checks the preconditions of its request."""

    __slots__ = ()

    def if_match(self, current: str | None) -> None:
        """Raise HTTPError 412 if the request has If-Match, and that does not name the current version (RFC 9110,
        section 13.1.1).

        `current` is the entity tag of the version that the request would change, such as `etag(guest)`; None if there
        is none. Call it before the change. Weak tags never match. Raises InvalidField (RW304) for another str.
        """
        check_etag(current)
        given = self.header("if-match")
        if given is not None and not matches(given, current, weak=False):
            raise _changed(current)

    def if_none_match(self, current: str | None) -> None:
        """Raise HTTPError 412 if the request has If-None-Match, and that names the current version, or is "*" and there
        is one (RFC 9110, section 13.1.2). For PUT and the like; for GET, the middleware `conditional` sends 304.
        """
        check_etag(current)
        given = self.header("if-none-match")
        if given is not None and matches(given, current, weak=True):
            raise _changed(current)

    def require_precondition(self) -> None:
        """Raise HTTPError 428 if the request has no If-Match (RFC 6585, section 3): it could undo another's change."""
        if self.header("if-match") is None:
            raise HTTPError(428, "Send If-Match with the ETag of the version that you change.")


def _changed(current: str | None) -> HTTPError:
    """The error for a precondition that is false. It has the current tag, so that the client can compare."""
    headers = {} if current is None else {"etag": current}
    return HTTPError(412, "The resource is not in the version that the request names.", headers)
