"""Parameters of handlers, shared by all functions that have the same parameter: `id: int`, `limit: PageSize = 20`.

Applications have many handlers and few different parameters. So each parameter is analysed only once, and the result is
kept with it.
"""

import inspect
from collections.abc import Hashable
from functools import lru_cache
from types import CodeType, FunctionType, GenericAlias, UnionType
from typing import Any, Final

MOST: Final = 2048
"""The maximum number of parameters that are kept. When there are more, all are dropped from the cache, and made again
when they are needed."""

_EMPTY: Final = inspect.Parameter.empty
_POSITIONAL_OR_KEYWORD: Final = inspect.Parameter.POSITIONAL_OR_KEYWORD
_KEYWORD_ONLY: Final = inspect.Parameter.KEYWORD_ONLY
_NOT_SHARED: Final = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


class SharedParameter(inspect.Parameter):
    """A parameter that several functions share."""

    __slots__ = ("inputs",)

    def __init__(self, name: str, kind: Any, *, default: Any = _EMPTY, annotation: Any = _EMPTY) -> None:
        super().__init__(name, kind, default=default, annotation=annotation)
        self.inputs: dict[Hashable, Any] = {}
        """The Inputs that were made from this parameter. The key of an Input is what else it depends on: whether the
        path has a parameter of this name, and whether it is the function's first parameter.
        """


_shared: Final[dict[Hashable, SharedParameter]] = {}


def signature_of_plain(function: Any) -> inspect.Signature | None:
    """The signature of a function that wraps no other, with evaluated annotations; None for any other callable.

    Most handlers are such functions. `inspect.signature` handles many other callables, and takes several times as long.
    Raises NameError for an annotation with a name that does not exist at run time.
    """
    if type(function) is not FunctionType or function.__dict__ or getattr(function, "__type_params__", None):
        return None
    code = function.__code__
    if code.co_posonlyargcount or code.co_flags & _NOT_SHARED:
        return None
    types = function.__annotations__
    if str in map(type, types.values()):
        types = {name: _evaluated(kind, function.__globals__) for name, kind in types.items()}
    count = code.co_argcount
    names = code.co_varnames[: count + code.co_kwonlyargcount]
    given = function.__defaults__ or ()
    defaults = dict(zip(names[count - len(given) : count], given, strict=True))
    if function.__kwdefaults__:
        defaults |= function.__kwdefaults__
    parameters = [
        _parameter(
            name,
            _POSITIONAL_OR_KEYWORD if index < count else _KEYWORD_ONLY,
            defaults.get(name, _EMPTY),
            types.get(name, _EMPTY),
        )
        for index, name in enumerate(names)
    ]
    return inspect.Signature(parameters, return_annotation=types.get("return", _EMPTY))


def _evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    return eval(_compiled(annotation), names) if isinstance(annotation, str) else annotation


@lru_cache(maxsize=512)
def _compiled(annotation: str) -> CodeType:
    return compile(annotation.lstrip(" \t"), "<annotation>", "eval")


def key_of(kind: Any) -> Hashable:
    """A key that two annotations have in common only if they are interchangeable.

    Annotations that compare equal are not always interchangeable: the order of a union decides which member is tried
    first, and `Annotated[str, Query(example=1)]` equals `Annotated[str, Query(example=True)]`. The key consists of the
    identities of classes and other objects in the annotation, so a cache of keys must keep the annotations as well.
    """
    # Each evaluation of `list[Room]` or `int | None` makes a new object. So the key is made of the ids of the classes
    # in it, not of its own id.
    if isinstance(kind, GenericAlias):
        return (id(kind.__origin__), *map(key_of, kind.__args__))
    if isinstance(kind, UnionType):
        return (UnionType, *map(key_of, kind.__args__))
    return id(kind)


def _parameter(name: str, kind: Any, default: Any, annotation: Any) -> SharedParameter:
    # The key has ids of objects in the parameter. The cache keeps the parameter, so that no new object can get one of
    # these ids.
    key = (name, kind is _KEYWORD_ONLY, id(default), key_of(annotation))
    found = _shared.get(key)
    if found is None:
        if len(_shared) >= MOST:
            _shared.clear()
        found = _shared[key] = SharedParameter(name, kind, default=default, annotation=annotation)
    return found
