"""Factories of twisted.web, those that wrap them, and the limits that are given from outside of the program."""

from collections.abc import Mapping
from typing import Any

from twisted.web.http import HTTPFactory

from ropewalk._engine import Limits
from ropewalk.dropin.connection.factory_engine import limits_of


def innermost(factory: Any) -> Any:
    """What stands inside of all that wraps it in the way of `twisted.protocols.policies`: TLS, PROXY headers."""
    while (wrapped := getattr(factory, "wrappedFactory", None)) is not None:
        factory = wrapped
    return factory


def limit(factory: HTTPFactory, given: Mapping[str, float]) -> Limits | None:
    """The limits of a factory with the given ones, by name, over its own; None where none are given.

    The idle timeout becomes the factory's `timeOut`, for that is where its channels look.
    """
    if not given:
        return None
    if "idle_timeout" in given:
        factory.timeOut = given["idle_timeout"] or None
    return limits_of(factory, given)
