"""Find the user who sends a request, or their credentials. Each user has separate rate limits and idempotency keys.
`client_network.py` finds the address of a client without a user."""

from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from ropewalk.errors import HandlerError, full_name, shown
from ropewalk.request import Request

CREDENTIALS: Final = ("authorization", "cookie", "x-api-key")
"""Request fields with credentials, which distinguish users whose identity is not known."""


def user_of(request: Request) -> str | None:
    """The identity of the request's user; None if there is no user.

    The user is `request.state.user`, which your own middleware sets, or else the principal that
    `ropewalk.auth.authenticate` has found. If the user is a str, bytes, an int or a UUID, this value is the identity.
    Otherwise the identity is the user's attribute `id`; for a principal, it may also be `subject`. Principals of
    different classes or issuers are different users. A principal with an empty identity counts as none. Raises
    HandlerError (RW236) if `request.state.user` has no identity.
    """
    user = getattr(request.state, "user", None)
    if user is None:
        return _principal_identity(getattr(getattr(request.state, "authentication", None), "principal", None))
    identity = _identity(user, "id")
    if identity is None:
        raise HandlerError("RW236", f"request.state.user is {shown(user)}, which has no id.")
    return identity


def credentials_of(request: Request) -> str:
    """A hash of the credentials in a request, for a user without an identity. The hash covers the fields in
    `CREDENTIALS`, and the field, cookie or query parameter that the authentication scheme reads. Raises HandlerError
    (RW236) if the request lacks what the scheme reads, because principals could not be distinguished then. Also raises
    it for Digest authentication, whose credentials differ in each request.
    """
    lines = [(name, value) for name in CREDENTIALS for value in request.headers.all(name)]
    found: Any = getattr(request.state, "authentication", None)
    scheme = getattr(found, "scheme", None)
    if scheme is not None:
        described = scheme.openapi()
        where, name = "header", "authorization"
        if described.get("type") == "apiKey":
            where = described["in"]
            name = "cookie" if where == "cookie" else described["name"]
        given = request.query.all(name) if where == "query" else request.headers.all(name.lower())
        if described.get("scheme") == "digest":
            given = []  # with Digest, each request of a user has different credentials
        if not given:
            what = f"The principal is a {full_name(type(found.principal))}, which has neither an id nor a subject."
            raise HandlerError(
                "RW236", what, "Give the user an `id`, or set a function in the options of the middleware."
            )
        lines += [(f"{where} {name}", value) for value in given]
    return digest(*(part for line in lines for part in line))


def _principal_identity(principal: Any) -> str | None:
    identity = _identity(principal, "id") or _identity(principal, "subject") or None
    if identity is None or isinstance(principal, str | int | bytes | UUID):
        return identity
    claims = getattr(principal, "claims", None)
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return f"{full_name(type(principal))} {[identity, issuer]!r}"


def _identity(user: object, attribute: str) -> str | None:
    identity = user if isinstance(user, str | int | bytes | UUID) else getattr(user, attribute, None)
    if isinstance(identity, bytes):  # avatar ids of twisted.cred are bytes
        return identity.decode("utf-8", "surrogateescape")
    return None if isinstance(identity, bool) or not isinstance(identity, str | int | UUID) else str(identity)


def digest(*parts: bytes | str) -> str:
    """A hash of several values: 64 hexadecimal digits. The length of each value is hashed, too, so ("ab", "c") and
    ("a", "bc") have different hashes.
    """
    found = sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        found.update(b"%d:" % len(data))
        found.update(data)
    return found.hexdigest()
