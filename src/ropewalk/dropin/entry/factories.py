"""Unwraps factories of twisted.web, and applies limits that are given outside the program."""

from collections.abc import Mapping
from typing import Any

from twisted.web.http import HTTPFactory

from ropewalk._engine import Limits
from ropewalk.dropin.connection.factory_engine import limits_of


def unwrap(factory: Any) -> Any:
    """Return the factory inside all wrappers that have a `wrappedFactory`, such as those for TLS."""
    while (wrapped := getattr(factory, "wrappedFactory", None)) is not None:
        factory = wrapped
    return factory


def limits_for(factory: HTTPFactory, given: Mapping[str, float]) -> Limits | None:
    """Return the limits of a factory, with the given limits replaced. None if no limits are given.

    The idle timeout is also set as the factory's `timeOut`, which its channels read.
    """
    if not given:
        return None
    if "idle_timeout" in given:
        factory.timeOut = given["idle_timeout"] or None
    return limits_of(factory, given)
