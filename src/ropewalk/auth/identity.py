"""The identity of a request's sender: the principal that a scheme found, with its scopes and roles."""

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
    """A principal with its scopes and roles. `requires` compares these with the required scopes and roles."""

    principal: Any
    """The object that your check returned, such as a user."""
    scopes: frozenset[str] = frozenset()
    """What the principal may do, such as `rooms:write`."""
    roles: frozenset[str] = frozenset()
    """The groups of users that the principal belongs to, such as `clerk`."""
    logout: Callable[[], object] | None = None
    """A function to call when the response is complete or the client has left."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """The result of `authenticate` for a request, kept in `request.state.authentication`."""

    schemes: "tuple[Scheme, ...]"
    """The schemes of the middleware. A 401 response has their challenges."""
    identity: Identity | None
    """The identity of the client; None for an anonymous client."""
    scheme: "Scheme | None" = None
    """The scheme that found the identity."""

    @property
    def principal(self) -> Any:
        """The principal; None for an anonymous client."""
        return None if self.identity is None else self.identity.principal


def identity_for(principal: Any) -> Identity:
    """The identity of a principal. Its scopes and roles are the principal's attributes `scopes` and `roles`, if any."""
    return Identity(principal, words(getattr(principal, "scopes", ())), words(getattr(principal, "roles", ())))


def words(value: Any) -> frozenset[str]:
    """The set of scopes or roles in `value`: an iterable of str, or a str with spaces (RFC 6749, section 3.3)."""
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, Iterable) and not isinstance(value, Mapping):  # a mapping could map a scope to False
        return frozenset(each for each in value if isinstance(each, str))
    return frozenset()


async def checked(check: Callable[..., Any], *given: Any) -> Any:
    """Call a check of your application. Returns the principal, awaited if necessary; None if the check refuses.

    Raises HandlerError (RW242) if the check returned True, which is not a principal.
    """
    found = await awaited(check(*given))
    if found is True:
        raise HandlerError("RW242", f"{named(check)} returned True.")
    return None if found is False else found


async def awaited(value: Any) -> Any:
    """The value that a function of your application returned, awaited if necessary."""
    return await value if isawaitable(value) else value


def authentication_of(request: Request) -> Authentication:
    """The result of `authenticate` for a request. Raises HandlerError (RW241) without this middleware."""
    found = getattr(request.state, "authentication", None)
    if not isinstance(found, Authentication):
        handler = request.engine_handler
        who = f"{request.method} {request.path}" if handler is None else named(handler.call)
        raise HandlerError("RW241", f"{who} needs a principal.")
    return found
