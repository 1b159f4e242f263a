"""Suggest the known word that a user has probably mistyped, or the name of an attribute that another library has."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean x?`, with a leading space, or an empty string if no known word is similar."""
    close = get_close_matches(word, sorted(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


class OtherNames:
    """A base class. If an attribute is missing that the classes of other libraries have, its AttributeError names the
    attribute to use instead."""

    other_names: ClassVar[Mapping[str, str]] = {}
    """The names in other libraries, and what to write instead."""

    if not TYPE_CHECKING:  # with `__getattr__`, type checkers would not report missing names

        def __getattr__(self, name: str) -> Any:
            """Raise AttributeError. Python calls this method only for missing names."""
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            ours = self.other_names.get(name)
            raise AttributeError(message if ours is None else f"{message}. Here it is {ours}.", name=name, obj=self)
