"""Resources, and the nodes that hold their children and handlers."""

from collections.abc import Iterable, Iterator
from os import PathLike
from typing import Any, ClassVar, Final, NamedTuple, Protocol
from weakref import WeakSet

from ropewalk.converters import Converter
from ropewalk.errors import TreeError, full_name
from ropewalk.headers import Text
from ropewalk.methods import ANY, REGISTERED, rendered_method
from ropewalk.request import Request
from ropewalk.resource.adapters import adapt, is_twisted, makes_twisted
from ropewalk.resource.allowed_methods import methods_of, not_allowed
from ropewalk.resource.handler import ATTACHED, Handler
from ropewalk.resource.method_lookup import handler_of, own_handler_of
from ropewalk.resource.rendering import check_renderings
from ropewalk.resource.route_conflicts import claimed_by_two_handlers, claimed_by_two_mounts
from ropewalk.response import HTML

NOT_DONE_YET: Final = 1
"""The value that a resource returns if it sends the response itself, by `request.write` and `request.finish`."""


class Owner(Protocol):
    """An object that is notified when the tree below it changes."""

    def changed(self, seen: set[int]) -> None: ...


class Capture(NamedTuple):
    """A child that stands for many names. Each handler below it has its own name for the parameter."""

    converter: Converter
    child: "Resource"


class Node:
    """The children and handlers of one resource, apart from it, so that users' attributes and ours do not collide."""

    __slots__ = (
        "__weakref__",
        "_owners",
        "app",
        "captures",
        "children",
        "extra",
        "handlers",
        "mount_hidden",
        "mount_names",
        "mount_path",
        "mount_place",
        "mount_tags",
        "mounted",
        "rendering",
        "tags",
    )

    def __init__(self) -> None:
        self.app: Any = None
        """The App whose root the resource is."""
        self.children: dict[str, Resource] = {}
        self.captures: tuple[Capture, ...] = ()
        """The more specific captures come first."""
        self.extra: frozenset[str] = frozenset()
        """Methods that no standard registers and that were ever served below, by their names or as ANY."""
        self.handlers: dict[str, Handler] = {}
        """The handlers of routes, by method."""
        self.rendering: dict[str, Handler] = {}
        """The handlers of the resource's own functions, by their names."""
        self.mount_names: tuple[str, ...] = ()
        """The names of the path's parameters for the mounted resource."""
        self.mount_path = ""
        """The path of the `mount` call as it is written, without a slash at its end."""
        self.mount_place = ""
        """The place of the `mount` call, for messages."""
        self.mounted: Resource | None = None
        """The resource for every path that the children do not take."""
        self.tags: Iterable[str] = ()
        """Those of every operation of the routes whose root the resource is, for the description of the API."""
        self.mount_tags: tuple[str, ...] = ()
        """Those of every operation of what is mounted."""
        self.mount_hidden = False
        """Whether the description of the API leaves out what is mounted."""
        self._owners: WeakSet[Owner] = WeakSet()

    def put(self, name: str, child: "Resource") -> None:
        """Put a child at a name, in place of what was there."""
        self.children[name] = self._adopt(child)
        self.changed(set())

    def remove(self, name: str) -> None:
        """Remove a child. Raises KeyError if there is none."""
        del self.children[name]
        self.changed(set())

    def child(self, name: str) -> "Resource":
        """The child at a name. Makes it if there is none."""
        if name not in self.children:
            self.put(name, Resource())
        return self.children[name]

    def capture(self, converter: Converter) -> "Resource":
        """The child for every segment that the converter takes. Makes it if there is none."""
        for capture in self.captures:
            if capture.converter is converter:
                return capture.child
        capture = Capture(converter, self._adopt(Resource()))
        self.captures = tuple(sorted((*self.captures, capture), key=lambda each: each.converter.rank))
        self.changed(set())
        return capture.child

    def mount(self, resource: "Resource", path: str, names: tuple[str, ...], where: str) -> None:
        """Have a resource take every path here and below that the children do not. `where` is the place of the call."""
        if self.mounted is not None:
            raise claimed_by_two_mounts(path, (self.mounted, self.mount_place), (resource, where))
        self.mounted = self._adopt(resource)
        self.mount_path = path.rstrip("/")
        self.mount_place = where
        self.mount_names = names
        self.changed(set())

    def serve_extra(self, methods: frozenset[str]) -> None:
        """Note here and in all nodes above that methods which no standard registers may be served here or below."""
        if not methods <= self.extra:
            self.extra |= methods
            for owner in tuple(self._owners):
                if isinstance(owner, Node):
                    owner.serve_extra(methods)

    def own(self, owner: Owner) -> None:
        """Notify an owner of changes, by a weak reference."""
        self._owners.add(owner)

    def changed(self, seen: set[int]) -> None:
        """Notify everything above that the tree has changed. `seen` are the ids of what was notified already."""
        if id(self) not in seen:
            seen.add(id(self))
            for owner in tuple(self._owners):
                owner.changed(seen)

    def known_children(self) -> Iterator[tuple[str | Converter, "Resource"]]:
        """Every child that is known without a request: static ones by name, captures by their converter."""
        yield from self.children.items()
        yield from self.captures

    def _adopt(self, child: "Resource") -> "Resource":
        check_renderings(child)
        node = node_of(child)
        node.own(self)
        self.serve_extra(node.extra | child.tree_kind.extra)
        return child


class Kind(NamedTuple):
    """What a class of resources defines."""

    renders: dict[str, str]
    """The names of its `render_*` functions by method."""
    renders_all: bool
    dynamic: bool
    """Whether it has a `getChild`."""
    extra: frozenset[str] = frozenset()
    """Methods that no standard registers and that its resources, or those below, may serve. As in `Node`."""


_EMPTY: Final = Node()


class Resource:
    """A place in the tree. Derive from it, define `render_GET` and the like, and add it to a resource by `putChild`.

    `render_*` and `render` take the request and return any value that a handler may return. str and bytes are sent as
    `content_type`. A coroutine function is called at the head and may stream the body. A plain function is called when
    the body is complete. Parameters and return annotations work as those of routes: see `ropewalk.typed`.
    """

    isLeaf: bool = False
    """Whether the resource takes every path below it. The rest of the path is in `request.postpath`."""
    content_type: str = HTML
    """The Content-Type of a str or bytes that a method returns."""

    tree_kind: ClassVar[Kind] = Kind({}, renders_all=False, dynamic=False)
    tree_node: Node = _EMPTY
    """Replaced with the first child or handler, so that resources which are made for one request need no node."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        renders = {method: name for name in dir(cls) if (method := rendered_method(name)) is not None}
        renders_all = cls.render is not Resource.render
        dynamic = cls.getChild is not Resource.getChild
        extra = frozenset(renders) - REGISTERED | ({ANY} if renders_all or dynamic else set())
        cls.tree_kind = Kind(renders, renders_all, dynamic, extra)

    def __init__(self) -> None:
        """Do nothing: a subclass need not call this."""

    def getChild(self, name: str, request: Request) -> "Resource | None":
        """The child for a segment that has no static child, or None. Define it for children that depend on the name."""
        del name, request
        return None

    def render(self, request: Request) -> Any:
        """Respond to any method. Defined in a subclass, it is called for every method that has no `render_*`."""
        # Called by the `render` of a subclass. Only `render_*` count here, because `render` would otherwise call
        # itself.
        handler = own_handler_of(self, request.method)
        if handler is None:
            raise not_allowed(request.method, methods_of(self))
        return handler.call(request)

    def putChild(self, name: Text, child: Any) -> None:
        """Put a resource (or an App) at one segment below this one. Replaces the child that was there."""
        name = _name(name)
        if "/" in name:
            raise TreeError("RW106", f"{name!r} cannot be the name of a child of {type(self).__qualname__}.")
        node_of(self).put(name, as_resource(child))

    def delEntity(self, name: Text) -> None:
        """Remove a static child. Raises KeyError if there is none."""
        node_of(self).remove(_name(name))

    def listNames(self) -> list[str]:
        """The names of the static children."""
        return list(self.tree_node.children)

    def getStaticEntity(self, name: Text) -> "Resource | None":
        """The static child of a name."""
        return self.tree_node.children.get(_name(name))


def as_resource(thing: Any) -> Resource:
    """A resource, the root of an App, or a resource that stands for an object of another library, by its adapter.

    Raises TreeError (RW105) for anything else.
    """
    resource = thing if isinstance(thing, Resource) else getattr(thing, "resource", None)
    if isinstance(resource, Resource):
        return resource
    adapted: Resource | None = adapt(thing)
    if adapted is not None:
        return adapted
    remedy = None
    if isinstance(thing, str | PathLike):
        remedy = "To serve a folder, pass Files(path)."
    elif is_twisted(resource):
        remedy = "Pass its `resource` attribute."
    elif isinstance(thing, type):
        remedy = f"Pass an instance of the class: {thing.__name__}(...)." if _makes_resources(thing) else None
    elif callable(resource):
        remedy = "Call its `resource` method, and pass the result."
    elif callable(thing):
        remedy = (
            "Wrap a WSGI application in wsgi(), or an ASGI one in asgi(). Otherwise, derive from ropewalk.Resource."
        )
    raise TreeError("RW105", f"{thing!r}, of type {full_name(type(thing))}, is neither a Resource nor an App.", remedy)


def _makes_resources(kind: type) -> bool:
    """Whether the objects of a class can be put into the tree, or have a resource that can."""
    if issubclass(kind, Resource) or makes_twisted(kind):
        return True
    return hasattr(kind, "mount") or hasattr(kind, "getResourceFor")  # an App, or a Site


def node_of(resource: Resource) -> Node:
    """A resource's own node, for children and handlers. Makes it if there is none."""
    if resource.tree_node is _EMPTY:
        resource.tree_node = Node()
    return resource.tree_node


def resource_of(call: Any) -> Resource | None:
    """The resource to which a handler belongs. It may send responses itself."""
    owner = getattr(call, "__self__", None)
    if owner is None:
        handler = getattr(call, ATTACHED, None)  # `attached_handler` inlined: this runs for each request
        owner = handler.resource if isinstance(handler, Handler) else None
    return owner if isinstance(owner, Resource) else None


def claim(resource: Resource, method: str, handler: Handler, path: str) -> None:
    """Have a handler respond to a method at a resource. Raises TreeError (RW104) if the method has one."""
    former = handler_of(resource, method) if method in methods_of(resource, implied=False) else None
    if former is not None:
        raise claimed_by_two_handlers(method, path, former, handler)
    node = node_of(resource)
    node.handlers[method] = handler
    if method not in REGISTERED:
        node.serve_extra(frozenset((method,)))
    node.changed(set())


def _name(name: Text) -> str:
    return name if isinstance(name, str) else name.decode()
