"""Preconditions for changes: check If-Match and If-None-Match, and respond with 412 or 428 (RFC 9110, section 13; RFC
6585)."""

from ropewalk.errors import HTTPError
from ropewalk.etags import check_etag, has_weak_form, matches
from ropewalk.request.disconnects import EndingExchange


class ConditionalExchange(EndingExchange):
    """An exchange with methods that check the preconditions in its request."""

    __slots__ = ()

    def if_match(self, current: str | None) -> None:
        """Raise HTTPError 412 if the request has an If-Match that does not list the current version (RFC 9110, section
        13.1.1).

        `current` is the entity tag of the version that the request would change, such as `etag(guest)`; None if the
        resource does not exist. Call it before the change. Weak tags never match, except the weak form of a strong
        `current` if responses are compressed: the client has read this version in compressed form. Raises InvalidField
        (RW304) if `current` is not an entity tag.
        """
        check_etag(current)
        given = self.header("if-match")
        if given is None or matches(given, current, weak=False):
            return
        if not (self.compresses and has_weak_form(given, current)):
            raise _changed(current)

    def if_none_match(self, current: str | None) -> None:
        """Raise HTTPError 412 if the request has an If-None-Match that lists the current version, or that is "*" while
        a current version exists (RFC 9110, section 13.1.2).

        Use it for PUT and other changes. For GET, the middleware `conditional` sends 304.
        """
        check_etag(current)
        given = self.header("if-none-match")
        if given is not None and matches(given, current, weak=True):
            raise _changed(current)

    def require_precondition(self) -> None:
        """Raise HTTPError 428 if the request has no If-Match: without this field, the request could overwrite another
        client's change (RFC 6585, section 3)."""
        if self.header("if-match") is None:
            raise HTTPError(428, "Send If-Match with the ETag of the version that you change.")


def _changed(current: str | None) -> HTTPError:
    """The HTTPError 412 for a precondition that is false.

    It contains the current ETag, so that the client can compare.
    """
    headers = {} if current is None else {"etag": current}
    return HTTPError(412, "`If-Match` or `If-None-Match` of the request does not allow the change.", headers)
