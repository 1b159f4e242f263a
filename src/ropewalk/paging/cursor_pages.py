"""Pages that begin after a given item, so that no item is repeated or missed while others are added or removed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Annotated, Any, Final, Generic, Protocol, TypeVar

from msgspec import Meta, Struct

from ropewalk.errors import HandlerError, OptionError
from ropewalk.paging.cursors import MOST_CHARACTERS, Cursors, InvalidCursor, Secret
from ropewalk.paging.links import set_links
from ropewalk.request import Request
from ropewalk.typed import FieldError, InvalidInput
from ropewalk.typed.invalid_values import Fault

_WRONG: Final = "This is not a cursor of this list. Send a cursor from a page of the list, unchanged."
_MOST_DECODED: Final = 100
"""The maximum number of cursors whose decoded positions are kept: about the number of requests that one process handles
at once."""

Item = TypeVar("Item")
Key = TypeVar("Key")


class CursorQuery(Struct, kw_only=True):
    """The query parameters of a list: `query: Annotated[CursorQuery, Query()]`.

    Derive from it to add filters or another limit.
    """

    cursor: Annotated[str, Meta(max_length=MOST_CHARACTERS, description="From the page before.")] | None = None
    """The cursor of the page, which a previous response contained. None: the first page."""
    limit: Annotated[int, Meta(ge=1, le=100, description="The maximum number of items on the page.")] = 20
    """The maximum number of items of the page, from 1 to 100."""


class HasCursor(Protocol):
    """A CursorQuery, or another type with the same fields, such as a pydantic model."""

    @property
    def cursor(self) -> str | None: ...
    @property
    def limit(self) -> int: ...


class Page(Struct, Generic[Item], kw_only=True):
    """A page of a list, with the cursors of the next and the previous page."""

    items: list[Item]
    """At most as many items as the query's `limit`."""
    next: str | None = None
    """The cursor of the next page; None at the end of the list."""
    previous: str | None = None
    """The cursor of the previous page; None at the beginning, and without `two_way`."""


@dataclass(frozen=True, slots=True)
class Position(Generic[Key]):
    """The position in a list at which a page begins."""

    key: Key | None
    """The key of the last item before the page, in the direction of reading. None: no item is before the page in this
    direction."""
    backward: bool = False
    """Whether the page is read toward the beginning of the list."""


class CursorPages(Generic[Key]):
    """Makes the pages of a list that is sorted by a key of its items: `CursorPages(int)`.

    `key` is the type of the keys, such as `int`, or `tuple[datetime, int]` for an order by time and id. Each item must
    have a different key. With a `secret` of 16 bytes or more, cursors are signed, so that clients cannot make their
    own. If you give several secrets, the first one signs, and cursors signed with any of them are valid. Give each list
    its own `name`, so that its cursors are not valid for another list. With `two_way`, pages can be read backward as
    well.

    Raises HandlerError (RW266) for a wrong key or secret.
    """

    def __init__(
        self,
        key: type[Key] | Any,
        *,
        secret: Secret | Sequence[Secret] | None = None,
        name: str = "",
        two_way: bool = False,
    ) -> None:
        kind: Any = key
        try:
            self._cursors = Cursors(GenericAlias(tuple, (bool, kind | None)), secret, name)
        except HandlerError:  # a wrong secret; HandlerError is a subclass of TypeError
            raise
        except TypeError as error:
            raise OptionError(
                "RW266", f"The key of CursorPages is not a type that msgspec supports: {error}."
            ) from error
        self._two_way = two_way
        self._decoded: dict[str, Position[Key]] = {}
        """The positions of the last valid cursors, because `page` needs the position that `position` has decoded."""

    def position(self, query: HasCursor) -> Position[Key]:
        """The position at which the page of a query begins.

        Raises InvalidInput (422) for a malformed cursor, or a cursor of another list.
        """
        if query.cursor is None:
            return Position(None)
        known = self._decoded.get(query.cursor)
        if known is not None:
            return known
        try:
            backward, key = self._cursors.decode(query.cursor)
            if backward and not self._two_way:
                raise InvalidCursor("The list is read in one direction.")
        except InvalidCursor as error:
            wrong = FieldError(location="query", name="cursor", code="invalid", message=_WRONG)
            raise InvalidInput([wrong]) from error
        return self._kept(query.cursor, Position(key, backward))

    def faults_in(self, values: Mapping[str, Any]) -> list[Fault]:
        """Return a list with the fault of the cursor, empty if the cursor is valid. `values` has the query parameters
        as str. A typed handler with `query: Annotated[CursorQuery, Query(), ROOMS]`, where ROOMS is this object, calls
        this method, so that a wrong cursor is listed together with the other invalid values of the request.
        """
        cursor = values.get("cursor")
        if not isinstance(cursor, str):
            return []
        try:
            self.position(CursorQuery(cursor=cursor))
        except InvalidInput:
            return [Fault(("cursor",), "invalid", _WRONG)]
        return []

    def page(self, request: Request, query: HasCursor, found: Sequence[Item], key: Callable[[Item], Key]) -> Page[Item]:
        """Return the page with the items in `found`, and set the response's Link field: first, prev, next, and last.

        `found` has the items after the position, in the direction of reading: at most `query.limit` items, and one more
        if the list continues. `key` returns the key of an item. Raises the errors of `position`.
        """
        position = self.position(query)
        items = list(found[: query.limit])
        more = len(found) > query.limit
        if position.backward:
            items.reverse()
        at_begin = not more if position.backward else position.key is None
        at_end = position.key is None if position.backward else not more
        page: Page[Item] = Page(items=items)
        if items and not at_end:
            page.next = self._cursors.encode((False, key(items[-1])))
        if items and not at_begin and self._two_way:
            page.previous = self._cursors.encode((True, key(items[0])))
        last = self._cursors.encode((True, None)) if self._two_way and not at_end else None
        links: dict[str, dict[str, str | None] | None] = {"first": None if at_begin else {"cursor": None}}
        for rel, cursor in (("prev", page.previous), ("next", page.next), ("last", last)):
            links[rel] = None if cursor is None else {"cursor": cursor}
        set_links(request, links)
        return page

    def _kept(self, cursor: str, position: Position[Key]) -> Position[Key]:
        """Keep the position of a cursor, unless its key is unhashable: a handler could change such a key."""
        try:
            hash(position.key)
        except TypeError:
            return position
        if len(self._decoded) >= _MOST_DECODED:
            del self._decoded[next(iter(self._decoded))]
        self._decoded[cursor] = position
        return position
