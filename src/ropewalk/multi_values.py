"""`MultiValues`: values by name, of which a name may have several, as in a query string or a form."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

Value = TypeVar("Value")


class MultiValues(Mapping[str, Value], Generic[Value]):
    """Values by name. A name may have several: `values["tag"]` is the first, and `values.all("tag")` has all."""

    __slots__ = ("_pairs", "_values")

    def __init__(self, pairs: Iterable[tuple[str, Value]] = ()) -> None:
        self._pairs = tuple(pairs)
        self._values: dict[str, list[Value]] = {}
        for name, value in self._pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> Value:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"

    def all(self, name: str) -> list[Value]:
        """Every value of a name, in order; an empty list if the name is absent."""
        return list(self._values.get(name, ()))

    def given(self, name: str) -> Sequence[Value]:
        """Like `all`, but the result is not a copy, so do not change it."""
        return self._values.get(name, ())

    def pairs(self) -> list[tuple[str, Value]]:
        """Every pair of name and value, in the order in which the client sent them."""
        return list(self._pairs)
