"""Who sends a request: the principal that a scheme found, and what it may do."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ropewalk.errors import HandlerError, named
from ropewalk.request import Request

if TYPE_CHECKING:
    from ropewalk.auth.scheme import Scheme


class Identity(Struct, frozen=True):
    """A principal with its scopes and roles, which `requires` compares with those that it needs."""

    principal: Any
    """What the check of the program returned, such as a user."""
    scopes: frozenset[str] = frozenset()
    """What it may do, such as `rooms:write`."""
    roles: frozenset[str] = frozenset()
    """What it is, such as `clerk`."""
    logout: Callable[[], object] | None = None
    """Called when the response is complete or the client has left."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """What `authenticate` found for a request: `request.state.authentication`."""

    schemes: "tuple[Scheme, ...]"
    """Those of the middleware, whose challenges a client gets."""
    identity: Identity | None
    """None for an anonymous client."""
    scheme: "Scheme | None" = None
    """The scheme that found the identity."""

    @property
    def principal(self) -> Any:
        """The principal; None for an anonymous client."""
        return None if self.identity is None else self.identity.principal


def identity_for(principal: Any) -> Identity:
    """The identity of a principal, with the `scopes` and `roles` that are its attributes."""
    return Identity(principal, words(getattr(principal, "scopes", ())), words(getattr(principal, "roles", ())))


def words(value: Any) -> frozenset[str]:
    """Scopes or roles: an iterable of str, or one str with spaces between them (RFC 6749, section 3.3)."""
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, Iterable) and not isinstance(value, Mapping):  # which may map a name to False
        return frozenset(each for each in value if isinstance(each, str))
    return frozenset()


async def checked(check: Callable[..., Any], *given: Any) -> Any:
    """The principal that a check of the program returns, awaited if necessary; None if it refuses.

    Raises HandlerError (RW242) if it returned True, which is not a principal.
    """
    found = await awaited(check(*given))
    if found is True:
        raise HandlerError("RW242", f"{named(check)} returned True.")
    return None if found is False else found


async def awaited(value: Any) -> Any:
    """What a function of the program returned, awaited if necessary."""
    return await value if isawaitable(value) else value


def authentication_of(request: Request) -> Authentication:
    """What `authenticate` found. Raises HandlerError (RW241) if no such middleware is around the handler."""
    found = getattr(request.state, "authentication", None)
    if not isinstance(found, Authentication):
        raise HandlerError("RW241", f"{request.method} {request.path} needs a principal.")
    return found
