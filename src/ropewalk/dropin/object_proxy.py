"""Proxies for objects of Twisted, which delegate the attributes that programs use."""

from copy import copy, deepcopy
from typing import Any, ClassVar


class ObjectProxy:
    """A proxy for another object, the original. It delegates attributes that it does not have itself to the original.

    It is needed because programs read attributes that no interface declares, such as the `_port` of an endpoint, and
    check the class. Names with two underscores at both ends are not delegated: Python and zope.interface read them to
    copy, pickle and call an object, and a proxy implements this itself.
    """

    original_name: ClassVar[str]
    """The name of the attribute that holds the original."""
    own_names: ClassVar[frozenset[str]]
    """The names of the proxy's own attributes, including the attribute that holds the original."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original(name), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._is_own(name) or not hasattr(self._original(name), name):
            object.__setattr__(self, name, value)
        else:
            setattr(self._original(name), name, value)

    def __delattr__(self, name: str) -> None:
        if self._is_own(name) or name in vars(self):
            object.__delattr__(self, name)
        else:
            delattr(self._original(name), name)

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *dir(vars(self).get(self.original_name))})

    @property
    def __class__(self) -> Any:
        """The class of the original. `isinstance` then accepts both that class and the proxy's."""
        original = vars(self).get(self.original_name)
        return type(self) if original is None else original.__class__

    @__class__.setter
    def __class__(self, kind: Any) -> None:
        raise TypeError(f"The class of {self!r} is that of its original, and cannot be set.")

    def __copy__(self) -> Any:
        return self._again(vars(self) | {self.original_name: copy(vars(self)[self.original_name])})

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._again(deepcopy(vars(self), memo))

    def __reduce__(self) -> Any:
        return _blank, (type(self),), vars(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def _again(self, state: dict[str, Any]) -> Any:
        made = _blank(type(self))
        made.__setstate__(state)
        return made

    def _is_own(self, name: str) -> bool:
        return name in self.own_names or _is_special(name) or hasattr(type(self), name)

    def _original(self, name: str) -> Any:
        """Return the original. Raises AttributeError for `name` if there is none yet, as in an unfinished copy."""
        original = vars(self).get(self.original_name)
        if original is None or _is_special(name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        return original


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _blank(kind: type[ObjectProxy]) -> ObjectProxy:
    """Make a proxy without attributes."""
    return kind.__new__(kind)
