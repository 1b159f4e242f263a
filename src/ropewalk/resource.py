"""Resources, the tree they form, and the way through it from a path to a handler.

A path is split at its slashes, and each segment leads to one child: "/rooms/7" is the child "7" of the child "rooms" of
the root, "/rooms/" the child "" of "rooms", and "/" the child "" of the root. At each resource, in this order:

1. a leaf answers for whatever is left of the path;
2. a static child of that name;
3. captures, the more specific converter first;
4. `getChild`, where the class defines it;
5. what is mounted there.

A step that leads nowhere is taken back, so that "/rooms/{id}" answers for what "/rooms/free" does not.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple, Protocol
from urllib.parse import unquote
from weakref import WeakSet

from ropewalk.converters import Converter
from ropewalk.errors import HTTPError, TreeError, place
from ropewalk.headers import Text
from ropewalk.request import Request
from ropewalk.response import BYTES, HTML, TEXT

NOT_DONE_YET: Final = 1
"""What twisted.web's resources return when they answer by themselves, by `request.write` and `request.finish`."""

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """What answers one method of one resource, and how it is called."""

    call: Callable[..., Any]
    whole_body: bool = True
    """Whether it is called when the body has arrived, rather than at the head."""
    pass_params: bool = False
    """Whether it takes the path's parameters as keywords."""
    text_type: str = TEXT
    bytes_type: str = BYTES
    body_limit: int | None = None
    """In bytes; None for the engine's."""


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a call gives a coroutine or an async generator."""
    call = function if hasattr(function, "__code__") or hasattr(function, "func") else type(function).__call__
    return any(
        check(candidate)
        for check in (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        for candidate in (function, call)
    )


class Owner(Protocol):
    """What is told when the tree below it changes."""

    def changed(self, seen: "set[int] | None" = None) -> None: ...


class Capture(NamedTuple):
    """A child that stands for many names."""

    name: str
    converter: Converter
    child: "Resource"


_NO_CHILDREN: dict[str, "Resource"] = {}
_NO_HANDLERS: dict[str, Handler] = {}


class Resource:
    """A place in the tree. Derive from it, define `render_GET` and its like, and put it somewhere by `putChild`.

    `render_*` and `render` take the request and return what any handler may. str and bytes are sent as `content_type`.
    A coroutine function is called at the head and may stream the body, a plain one when the body has arrived.
    """

    isLeaf: bool = False
    """Whether the resource answers for every path below it; what is left is in `request.postpath`."""
    content_type: str = HTML
    scope: Any = None
    """The App whose root this is."""

    _renders: ClassVar[dict[str, str]] = {}
    _renders_all: ClassVar[bool] = False
    dynamic: ClassVar[bool] = False

    # Replaced at the first change: resources that are made for one request cost nothing.
    children: dict[str, "Resource"] = _NO_CHILDREN
    captures: tuple[Capture, ...] = ()
    handlers: dict[str, Handler] = _NO_HANDLERS
    _rendering: dict[str, Handler] = _NO_HANDLERS
    mounted: "Resource | None" = None
    _owners: "WeakSet[Owner] | None" = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._renders = {name.removeprefix("render_"): name for name in dir(cls) if name.startswith("render_")}
        cls._renders_all = cls.render is not Resource.render
        cls.dynamic = cls.getChild is not Resource.getChild

    def __init__(self) -> None:
        """A subclass need not call this."""

    # What users define

    def getChild(self, name: str, request: Request) -> "Resource | None":
        """The child for a segment that has no static child, or None. Define it for children that depend on the name."""
        del name, request
        return None

    def render(self, request: Request) -> Any:
        """Answer any method. Defined in a subclass, it stands for every method that has no `render_*` of its own."""
        handler = self.handler(request.method)
        if handler is None:
            raise HTTPError(405, headers=[("allow", ", ".join(self.methods()))])
        return handler.call(request)

    # The tree

    def putChild(self, name: Text, child: Any) -> None:
        """Put a resource (or an App) at one segment below this one, in place of what was there."""
        name = name if isinstance(name, str) else name.decode()
        if "/" in name:
            raise TreeError("RW106", f"{name!r} cannot be the name of a child of {type(self).__qualname__}.")
        if self.children is _NO_CHILDREN:
            self.children = {}
        self.children[name] = self._adopt(as_resource(child))
        self.changed()

    def delEntity(self, name: Text) -> None:
        """Take a static child away. Raises KeyError where there is none."""
        del self.children[name if isinstance(name, str) else name.decode()]
        self.changed()

    def listNames(self) -> list[str]:
        """The names of the static children."""
        return list(self.children)

    def getStaticEntity(self, name: Text) -> "Resource | None":
        """The static child of a name."""
        return self.children.get(name if isinstance(name, str) else name.decode())

    def child(self, name: str) -> "Resource":
        """The static child of a name, made where it is missing."""
        found = self.children.get(name)
        if found is None:
            found = Resource()
            self.putChild(name, found)
        return found

    def capture(self, name: str, converter: Converter) -> "Resource":
        """The child that stands for every segment which the converter takes, made where it is missing."""
        for capture in self.captures:
            if capture.converter is converter:
                if capture.name != name:
                    raise TreeError(
                        "RW103",
                        f"{{{capture.name}:{converter.name}}} and {{{name}:{converter.name}}} stand at one place.",
                    )
                return capture.child
        child = self._adopt(Resource())
        self.captures = tuple(
            sorted((*self.captures, Capture(name, converter, child)), key=lambda capture: capture.converter.rank)
        )
        self.changed()
        return child

    def mount(self, thing: Any, path: str) -> None:
        """Let a resource (or an App) answer here and below, for all that this one's own children do not."""
        resource = as_resource(thing)
        if self.mounted is not None:
            claimed = type(self.mounted).__qualname__
            raise TreeError("RW104", f"{path} is claimed twice, by {claimed} and {type(resource).__qualname__}.")
        self.mounted = self._adopt(resource)
        self.changed()

    def claim(self, method: str, handler: Handler, path: str) -> None:
        """Let a handler answer a method here."""
        former = self.handlers.get(method) or (self.handler(method) if method in self._renders else None)
        if former is not None:
            places = f"{place(former.call)} and {place(handler.call)}"
            raise TreeError("RW104", f"{method} {path} is claimed twice: {places}.")
        if self.handlers is _NO_HANDLERS:
            self.handlers = {}
        self.handlers[method] = handler
        self.changed()

    def known_children(self) -> Iterator[tuple[str, "Resource"]]:
        """Every child that is known beforehand: static ones by name, captures as `{name:converter}`."""
        yield from self.children.items()
        for name, converter, child in self.captures:
            yield f"{{{name}}}" if converter.name == "str" else f"{{{name}:{converter.name}}}", child

    def own(self, owner: Owner) -> None:
        """Have an owner told of changes. It is held weakly."""
        if self._owners is None:
            self._owners = WeakSet()
        self._owners.add(owner)

    def changed(self, seen: set[int] | None = None) -> None:
        """Tell all above that the tree is another now."""
        seen = set() if seen is None else seen
        if id(self) in seen or self._owners is None:
            return
        seen.add(id(self))
        for owner in tuple(self._owners):
            owner.changed(seen)

    # What answers here

    def handler(self, method: str) -> Handler | None:
        """What answers a method at this resource; GET's also answers HEAD."""
        found = self.handlers.get(method)
        if found is not None:
            return found
        name = self._renders.get(method)
        if name is not None:
            return self._rendered(name)
        if method == "HEAD":
            return self.handler("GET")
        return self._rendered("render") if self._renders_all else None

    def methods(self) -> list[str]:
        """The methods that are answered here, as Allow names them (RFC 9110, section 10.2.1)."""
        own = {*self.handlers, *self._renders}
        if self._renders_all:
            own.update(getattr(self, "allowedMethods", METHODS))
        if own:
            own.add("OPTIONS")
        if "GET" in own:
            own.add("HEAD")
        return sorted(own)

    def _rendered(self, name: str) -> Handler:
        if self._rendering is _NO_HANDLERS:
            self._rendering = {}
        handler = self._rendering.get(name)
        if handler is None:
            call = getattr(self, name)
            handler = Handler(call, not is_async(call), text_type=self.content_type, bytes_type=self.content_type)
            self._rendering[name] = handler
        return handler

    def _adopt(self, child: "Resource") -> "Resource":
        child.own(self)
        return child


def as_resource(thing: Any) -> Resource:
    """A resource, or the root of an App. Raises TreeError (RW105) for anything else."""
    resource = getattr(thing, "resource", thing)
    if not isinstance(resource, Resource):
        raise TreeError("RW105", f"{thing!r} is neither a Resource nor an App.")
    return resource


class Found(NamedTuple):
    """A handler, and how it was reached."""

    handler: Handler
    params: dict[str, Any]
    scope: tuple[Any, ...]
    """The Apps on the way, outermost first."""
    static: bool
    """Whether this path leads here whoever asks."""
    lasting: bool
    """Whether the resource belongs to the tree, rather than being made for this request."""


class Search:
    """The way of one request through a tree. What `visit` learns besides a handler is left in the attributes."""

    __slots__ = (
        "_count",
        "_method",
        "_request",
        "_segments",
        "allowed",
        "lasting",
        "params",
        "scope",
        "slash",
        "static",
    )

    def __init__(self, request: Request, segments: list[str]) -> None:
        self._request = request
        self._method = request.method
        self._segments = segments
        self._count = len(segments)
        self.params: dict[str, Any] = {}
        self.scope: tuple[Any, ...] = ()
        """The Apps on the way to the handler; where there is none, those of the innermost App that was reached."""
        self.static = True
        self.lasting = True
        """These two as in `Found`."""
        self.allowed: set[str] | None = None
        """The methods that the path takes, where it does not take this one."""
        self.slash: Found | None = None
        """What would have been found with the slash at the end of the path put there, or taken away."""

    def visit(
        self, node: Resource, index: int = 0, scope: tuple[Any, ...] = (), static: bool = True, lasting: bool = True
    ) -> Handler | None:
        """What answers the segments from `index` on, at `node` or below."""
        if node.scope is not None:
            scope = (*scope, node.scope)
            if len(scope) > len(self.scope):
                self.scope = scope
        handler = None
        if index == self._count:
            handler = self._arrive(node, scope, static, lasting)
            if handler is None and "" in node.children:
                self._note_slash(node.children[""], scope, static, lasting)
        elif node.isLeaf:
            self._request.set_paths(self._segments[:index], self._segments[index:])
            handler = self._arrive(node, scope, False, lasting)
        else:
            segment = self._segments[index]
            child = node.children.get(segment)
            if child is not None:
                handler = self.visit(child, index + 1, scope, static, lasting)
            if handler is None and node.captures:
                handler = self._capture(node, index, scope, lasting)
            if handler is None and node.dynamic:
                handler = self._ask(node, index, scope)
            if handler is None and not segment and index + 1 == self._count:
                if index == 0:
                    handler = self._arrive(node, scope, static, lasting)
                else:
                    self._note_slash(node, scope, static, lasting)
        if handler is None and node.mounted is not None:
            return self.visit(node.mounted, index, scope, static, lasting)
        return handler

    def _capture(self, node: Resource, index: int, scope: tuple[Any, ...], lasting: bool) -> Handler | None:
        segment = self._segments[index]
        for name, converter, child in node.captures:
            try:
                if converter.rest:
                    after, value = self._count, converter.parse("/".join(self._segments[index:]))
                else:
                    after, value = index + 1, converter.parse(segment)
            except ValueError:
                continue
            self.params[name] = value
            handler = self.visit(child, after, scope, False, lasting)
            if handler is not None:
                return handler
            del self.params[name]
        return None

    def _ask(self, node: Resource, index: int, scope: tuple[Any, ...]) -> Handler | None:
        self._request.set_paths(self._segments[: index + 1], self._segments[index + 1 :])
        child = node.getChild(self._segments[index], self._request)
        return None if child is None else self.visit(as_resource(child), index + 1, scope, False, False)

    def _arrive(self, node: Resource, scope: tuple[Any, ...], static: bool, lasting: bool) -> Handler | None:
        handler = node.handlers.get(self._method) or node.handler(self._method)
        if handler is not None:
            self.scope = scope
            self.static = static
            self.lasting = lasting
        elif self.allowed is None:
            self.allowed = set(node.methods())
        else:
            self.allowed.update(node.methods())
        return handler

    def _note_slash(self, node: Resource, scope: tuple[Any, ...], static: bool, lasting: bool) -> None:
        handler = node.handler(self._method)
        if handler is not None and self.slash is None:
            self.slash = Found(handler, dict(self.params), scope, static, lasting)


def split_path(raw_path: bytes) -> list[str]:
    """The segments of a path, decoded. Raises HTTPError 400 where they are not UTF-8."""
    segments = raw_path.decode("ascii").split("/")
    del segments[0]
    if b"%" in raw_path:
        try:
            return [unquote(segment, errors="strict") for segment in segments]
        except UnicodeDecodeError:
            raise HTTPError(400, "The path is not UTF-8.") from None
    return segments
