"""`Lazy`: an attribute that is made when it is first read."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class Lazy(Generic[Value]):
    """An attribute that is made at the first read, and then set on the instance, where it hides this descriptor.

    `functools.cached_property` is not used, because it reads the instance's `__dict__`, and CPython is slower with
    instances whose `__dict__` was read.
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
