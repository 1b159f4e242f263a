"""Objects of ours in the place of objects that programs know, and whose attributes they read."""

from copy import copy, deepcopy
from typing import Any, ClassVar


class ObjectProxy:
    """An object in the place of another one: what it has not itself is the other one's, to read, to set and to delete.

    Programs read what no interface names, such as the `_port` of an endpoint, and ask for the class. Names with two
    underscores at both ends are not looked up in the other one: Python and zope.interface ask for them to find out how
    to copy, to pickle and to call an object, and that is the stand-in's own matter.
    """

    stands_for: ClassVar[str]
    """The attribute that holds the other one."""
    own: ClassVar[frozenset[str]]
    """The attributes that belong to the stand-in, of which that is one."""

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
        return sorted({*object.__dir__(self), *dir(vars(self).get(self.stands_for))})

    @property
    def __class__(self) -> Any:
        """To `isinstance`, which looks at the type besides."""
        original = vars(self).get(self.stands_for)
        return type(self) if original is None else original.__class__

    @__class__.setter
    def __class__(self, kind: Any) -> None:
        raise TypeError(f"The class of {self!r} is that of what it stands for.")

    def __copy__(self) -> Any:
        return self._again(vars(self) | {self.stands_for: copy(vars(self)[self.stands_for])})

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
        return name in self.own or _is_special(name) or hasattr(type(self), name)

    def _original(self, name: str) -> Any:
        """The other one. Raises AttributeError for `name` where there is none yet, as in a copy that is being made."""
        original = vars(self).get(self.stands_for)
        if original is None or _is_special(name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        return original


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _blank(kind: type[ObjectProxy]) -> ObjectProxy:
    """One without attributes, which are set next."""
    return kind.__new__(kind)
