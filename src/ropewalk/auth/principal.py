"""`Principal` marks a parameter of a typed handler that takes the principal; other code calls `principal_of`."""

from dataclasses import dataclass
from inspect import Parameter
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin

from ropewalk.auth.forbidden import NotAllowed
from ropewalk.auth.identity import authentication_of
from ropewalk.auth.unauthorized import not_authenticated
from ropewalk.request import Request
from ropewalk.typed.markers import Computed

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Principal(Computed):
    """The principal that `authenticate` found: `def mine(user: Annotated[User, Principal()])`.

    An anonymous client gets 401, unless the type allows None or the parameter has a default. A client whose principal
    has another type, for example from another scheme, gets 403.
    """

    @property
    def ropewalk_needs_user(self) -> bool:
        """See `ropewalk.middleware.order`."""
        return True

    def compute(self, request: Request, kind: Any, default: Any) -> Any:
        """The principal. For an anonymous client, the default, or None if the type allows it.

        Raises NotAuthenticated (401) for any other anonymous client, NotAllowed (403) for a principal of another type,
        and HandlerError (RW241) without `authenticate`.
        """
        found = authentication_of(request)
        if found.identity is None:
            if default is not Parameter.empty:
                return default
            if _allows(kind, None):
                return None
            raise not_authenticated(found.schemes)
        if not _allows(kind, found.principal):
            raise NotAllowed(403)
        return found.principal


def principal_of(request: Request, kind: type[Kind]) -> Kind:
    """The principal of a request. It must be an instance of the class `kind`.

    Raises NotAuthenticated (401) for an anonymous client, NotAllowed (403) for a principal of another class, and
    HandlerError (RW241) if `authenticate` is not around the handler.
    """
    found: Kind = Principal().compute(request, kind, Parameter.empty)
    return found


def _allows(kind: Any, principal: Any) -> bool:
    """Whether a principal has the type `kind`. None is allowed only if the type contains None."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _allows(get_args(kind)[0], principal)
    if origin is Union or origin is UnionType:
        return any(_allows(each, principal) for each in get_args(kind))
    if origin is Literal:
        return any(type(each) is type(principal) and each == principal for each in get_args(kind))
    kind = NoneType if kind is None else origin or kind
    if hasattr(kind, "__value__"):  # an alias that was made with a `type` statement
        return _allows(kind.__value__, principal)
    if isinstance(kind, NewType):
        return _allows(kind.__supertype__, principal)
    if principal is None:
        return kind is NoneType
    if kind is Any:
        return True
    try:
        return isinstance(principal, kind)
    except TypeError:
        # A protocol that is not @runtime_checkable cannot be checked, so it allows every principal. Any other object
        # that is not a class allows none.
        return isinstance(kind, type) and bool(getattr(kind, "_is_protocol", False))
