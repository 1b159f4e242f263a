"""Bearer tokens: the credentials of a request, and the challenge (RFC 6750)."""

from ropewalk.auth.challenges import Challenge
from ropewalk.auth.scheme import Scheme, authorization
from ropewalk.auth.unauthorized import Refused
from ropewalk.request import Request


class BearerScheme(Scheme):
    """A scheme for tokens in the Authorization field."""

    def challenge(self) -> Challenge:
        """The challenge `Bearer`, with the realm."""
        return Challenge("Bearer", (("realm", self.realm),))


def bearer_token(request: Request) -> bytes | None:
    """The token of a request; None if it has none. Raises Refused (400) for an empty token."""
    written = authorization(request, "bearer")
    if written is not None and not written:
        raise Refused({"error": "invalid_request"}, 400, "there is no token after `Bearer`")
    return written
