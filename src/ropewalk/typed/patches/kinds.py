"""Find the patch types in the annotations of handlers, and the types that they change."""

from types import NoneType, UnionType
from typing import Any, ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar, Union, get_args, get_origin

from ropewalk.typed.patches.nulls import Place

Changed = TypeVar("Changed")


class Target(Protocol):
    """The interface of the type that a patch changes, which `ropewalk.typed.patches.targets` implements."""

    def document(self, value: Any) -> Any: ...
    def converted(self, document: Any, value: Any) -> Any: ...
    @property
    def place(self) -> Place: ...


class Patch(Generic[Changed]):
    """A request body that describes changes to an object."""

    media_type: ClassVar[str]


UNNAMED: Final = object()
"""Stands for the changed type in a patch type that names none, such as `MergePatch` without brackets."""


class PatchKind(NamedTuple):
    """A patch type in an annotation, such as `MergePatch[Room]`."""

    patch: type[Patch[Any]]
    changed: Any
    """The type of the object that the patch changes."""


def patch_kinds(kind: Any) -> tuple[PatchKind, ...]:
    """The patch types in an annotation, such as `MergePatch[Room] | JSONPatch[Room]`. Empty for any other type."""
    members = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    found = []
    for each in members:
        if each is NoneType:
            continue
        patch = get_origin(each) or each
        if not (isinstance(patch, type) and issubclass(patch, Patch)):
            return ()
        found.append(PatchKind(patch, next(iter(get_args(each)), UNNAMED)))
    return tuple(found)
