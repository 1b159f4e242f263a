"""Descriptions of types by msgspec, and what they contain."""

from collections.abc import Iterator

from msgspec import inspect as shapes


def plain(node: shapes.Type) -> shapes.Type:
    """A description without its metadata."""
    while isinstance(node, shapes.Metadata):
        node = node.type
    return node


def within(node: shapes.Type, *, keys: bool = False) -> Iterator[shapes.Type]:
    """A description, and those of the members of its unions, arrays and dicts, without metadata.

    It does not descend into the fields of objects. `keys`: it includes the keys of dicts.
    """
    node = plain(node)
    yield node
    members: tuple[shapes.Type, ...] = ()
    if isinstance(node, shapes.UnionType):
        members = node.types
    elif isinstance(node, shapes.TupleType):
        members = node.item_types
    elif isinstance(node, shapes.CollectionType):
        members = (node.item_type,)
    elif isinstance(node, shapes.DictType):
        members = (node.key_type, node.value_type) if keys else (node.value_type,)
    for member in members:
        yield from within(member, keys=keys)
