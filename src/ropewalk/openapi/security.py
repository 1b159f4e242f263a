"""Who may call an operation: its security requirements, from `authenticate`, `requires` and `Principal`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

from ropewalk.errors import HandlerError, HTTPError
from ropewalk.resource import Handler
from ropewalk.typed.inputs import Input


@dataclass(frozen=True, slots=True, eq=False)
class Security:
    """What a client needs to call an operation."""

    schemes: tuple[Any, ...] = ()
    """The schemes of `ropewalk.auth`, of which one is needed; none if the operation is open to every client."""
    scopes: tuple[str, ...] = ()
    """All are needed."""
    errors: tuple[HTTPError, ...] = ()
    """What other clients get."""

    def requirements(self) -> list[dict[str, list[str]]]:
        """The security requirement objects of the operation."""
        return [{scheme.name: list(self.scopes)} for scheme in self.schemes]


OPEN = Security()


def security_of(handler: Handler, function: Any, apps: Iterable[Any], inputs: Iterable[Input]) -> Security:
    """What a client needs to call the function of a handler inside some apps, outermost first."""
    from ropewalk.auth import REQUIREMENTS, Authenticate, NotAllowed, NotAuthenticated, Requirement

    around = [*(each for app in apps for each in app.middlewares), *handler.middleware]
    authenticates = [each for each in around if isinstance(each, Authenticate)]
    requirements = [each for each in around if isinstance(each, Requirement)]
    requirements += getattr(function, REQUIREMENTS, ())
    if not authenticates:
        return OPEN
    if not requirements and not _takes_principal(inputs) and all(each.optional for each in authenticates):
        return Security(errors=(NotAuthenticated(401),))  # for credentials that are invalid
    restricted = any(each.scopes or each.roles for each in requirements)
    return Security(
        schemes=authenticates[-1].schemes,
        scopes=tuple(dict.fromkeys(scope for each in requirements for scope in each.scopes)),
        errors=(NotAuthenticated(401), NotAllowed(403)) if restricted else (NotAuthenticated(401),),
    )


def scheme_objects(securities: Iterable[Security]) -> dict[str, Any]:
    """The security scheme objects, by name. Raises HandlerError (RW219) for two different ones of one name."""
    found: dict[str, Any] = {}
    for scheme in dict.fromkeys(scheme for security in securities for scheme in security.schemes):
        described = scheme.openapi()
        if found.setdefault(scheme.name, described) != described:
            what = f"Two different schemes of ropewalk.auth have the name {scheme.name!r}."
            raise HandlerError("RW219", what, "Give one of them another name: name=.")
    return found


def _takes_principal(inputs: Iterable[Input]) -> bool:
    """Whether the handler is called only with a principal."""
    from ropewalk.auth import Principal

    return any(
        isinstance(each.marker, Principal) and each.required and type(None) not in get_args(each.kind)
        for each in inputs
    )
