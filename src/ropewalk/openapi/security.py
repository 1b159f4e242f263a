"""Who may call an operation: its security requirements, from `authenticate`, `requires` and `Principal`."""

from collections.abc import Iterable, Mapping, Sequence
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

Requirements = Sequence[Mapping[str, Sequence[str]]]
"""Security Requirement Objects. A client needs to meet one of them, and an empty one is met by every client."""


def security_of(handler: Handler, function: Any, apps: Iterable[Any], inputs: Iterable[Input]) -> Security:
    """What a client needs to call the function of a handler inside some apps, outermost first."""
    from ropewalk.auth import REQUIREMENTS, Authenticate, NotAllowed, NotAuthenticated, Requirement

    around = [*(each for app in apps for each in app.middlewares), *handler.middleware]
    authenticates = [each for each in around if isinstance(each, Authenticate)]
    requirements = [each for each in around if isinstance(each, Requirement)]
    requirements += getattr(function, REQUIREMENTS, ())
    if not authenticates:
        return OPEN
    refused = (NotAuthenticated(400), NotAuthenticated(401))
    if not requirements and not _takes_principal(inputs) and all(each.optional for each in authenticates):
        return Security(errors=refused)  # for credentials that are malformed or invalid
    restricted = any(each.scopes or each.roles for each in requirements)
    return Security(
        schemes=authenticates[-1].schemes,
        scopes=tuple(dict.fromkeys(scope for each in requirements for scope in each.scopes)),
        errors=(*refused, NotAllowed(403)) if restricted else refused,
    )


def security_by_options(requirements: Requirements, operation: Mapping[str, Any]) -> Security:
    """What a client needs to call an operation of a program that describes its security itself.

    `requirements` are those of all operations, and `operation` has those of the route, if it has others. They are in
    the document as they are given: only the response to other clients is added.
    """
    needed: Requirements = operation.get("security", requirements)
    return Security(errors=(HTTPError(401),)) if any(needed) else OPEN


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
