"""Find the security requirements of an operation. `authenticate`, `requires` and `Principal` determine them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from ropewalk.errors import HandlerError, HTTPError
from ropewalk.resource import Handler
from ropewalk.typed.parameter_sources import Input


@dataclass(frozen=True, slots=True, eq=False)
class Security:
    """What a client needs to call an operation."""

    schemes: tuple[Any, ...] = ()
    """The schemes of `ropewalk.auth`. A client needs one of them; if there are none, every client may call the
    operation."""
    scopes: tuple[str, ...] = ()
    """The scopes that the client needs, all of them."""
    errors: tuple[HTTPError, ...] = ()
    """The errors that a client gets if it may not call the operation."""

    def requirements(self) -> list[dict[str, list[str]]]:
        """The Security Requirement Objects of the operation."""
        return [{scheme.name: list(self.scopes)} for scheme in self.schemes]


OPEN = Security()

Requirements = Sequence[Mapping[str, Sequence[str]]]
"""Security Requirement Objects. A client must satisfy one of them. Every client satisfies an empty requirement."""


def security_of(handler: Handler, function: Any, apps: Iterable[Any], inputs: Iterable[Input]) -> Security:
    """Return the Security of a handler's function inside `apps`, which are given outermost first."""
    from ropewalk.auth import REQUIREMENTS, Authenticate, NotAllowed, NotAuthenticated, Requirement

    around = [*(each for app in apps for each in app.middlewares), *handler.middleware]
    authenticates = [each for each in around if isinstance(each, Authenticate)]
    requirements = [each for each in around if isinstance(each, Requirement)]
    requirements += getattr(function, REQUIREMENTS, ())
    if not authenticates:
        return OPEN
    refused = (NotAuthenticated(400), NotAuthenticated(401))
    if not requirements and not _takes_principal(inputs) and all(each.optional for each in authenticates):
        return Security(errors=refused)  # no credentials are needed, but malformed or invalid ones are refused
    restricted = any(each.scopes or each.roles for each in requirements)
    return Security(
        schemes=authenticates[-1].schemes,
        scopes=tuple(dict.fromkeys(scope for each in requirements for scope in each.scopes)),
        errors=(*refused, NotAllowed(403)) if restricted else refused,
    )


def security_by_options(requirements: Requirements, operation: Mapping[str, Any]) -> Security:
    """Return the Security of an operation whose security is described by the options of `OpenAPI`.

    `requirements` apply to all operations, unless `operation`, the route's own part of the document, has other
    requirements. The document already contains the requirements, so only the response 401 is added.
    """
    needed: Requirements = operation.get("security", requirements)
    return Security(errors=(HTTPError(401),)) if any(needed) else OPEN


def scheme_objects(securities: Iterable[Security]) -> dict[str, Any]:
    """The Security Scheme Objects, by name. Raises HandlerError (RW219) if two different schemes have the same name."""
    found: dict[str, Any] = {}
    for scheme in dict.fromkeys(scheme for security in securities for scheme in security.schemes):
        described = scheme.openapi()
        if found.setdefault(scheme.name, described) != described:
            what = f"Two different schemes of ropewalk.auth have the name {scheme.name!r}."
            raise HandlerError("RW219", what, "Give one of the schemes another name with name=.")
    return found


def _takes_principal(inputs: Iterable[Input]) -> bool:
    """Whether the handler is called only with a principal."""
    from ropewalk.auth import Principal

    return any(
        isinstance(each.marker, Principal) and each.required and type(None) not in get_args(each.kind)
        for each in inputs
    )
