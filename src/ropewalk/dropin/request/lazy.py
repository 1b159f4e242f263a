"""Attributes that are made when somebody asks for them."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class Lazy(Generic[Value]):
    """An attribute that the first reader has made. The instance keeps it, and from then on its own hides this one.

    `functools.cached_property` does so in the instance's `__dict__`. CPython's instances are slower once they have one.
    """

    __slots__ = ("_make", "_name")

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make = make
        self._name = make.__name__

    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:
            return self
        value = self._make(instance)
        setattr(instance, self._name, value)
        return value
