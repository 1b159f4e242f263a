"""Resources, and the nodes that hold their children and handlers."""

from collections.abc import Iterable, Iterator
from os import PathLike
from typing import Any, ClassVar, Final, NamedTuple, Protocol
from weakref import ReferenceType, WeakSet, ref

from ropewalk.converters import Converter
from ropewalk.errors import TreeError, full_name
from ropewalk.headers import Text
from ropewalk.methods import ANY, REGISTERED, rendered_method
from ropewalk.request import Request
from ropewalk.resource.adapters import adapt, is_twisted, makes_twisted
from ropewalk.resource.allowed_methods import methods_of, not_allowed
from ropewalk.resource.handler import ATTACHED, Handler
from ropewalk.resource.method_lookup import own_handler_of
from ropewalk.resource.rendering import check_renderings
from ropewalk.resource.route_conflicts import claimed_by_two_handlers, claimed_by_two_mounts
from ropewalk.response import HTML

NOT_DONE_YET: Final = 1
"""A resource returns this value if it sends the response itself, with `request.write` and `request.finish`."""


class Owner(Protocol):
    """An object that a Node notifies when the resource tree below the Node changes."""

    def changed(self, seen: set[int]) -> None: ...


class Capture(NamedTuple):
    """A child that matches many segments. Handlers below it may use different names for the parameter."""

    converter: Converter
    child: "Resource"


class Node:
    """The children and handlers of one resource, in a separate object, so that their names cannot collide with
    attributes of users' subclasses."""

    __slots__ = (
        "__weakref__",
        "_other_owners",
        "_owner",
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
        """The App that has the resource as its root, or the Layer of a mount or Routes class; None for other
        resources."""
        self.children: dict[str, Resource] = {}
        self.captures: tuple[Capture, ...] = ()
        """The children that match many segments, the one with the most specific converter first."""
        self.extra: frozenset[str] = frozenset()
        """The non-standard methods that handlers here or below have ever served; ANY if they may serve every method."""
        self.handlers: dict[str, Handler] = {}
        """The handlers of routes, by method."""
        self.rendering: dict[str, Handler] = {}
        """The handlers made from the resource's own methods, by method name, such as "render_GET"."""
        self.mount_names: tuple[str, ...] = ()
        """The names of the parameters in the path of the mount."""
        self.mount_path = ""
        """The path in the `mount` call, without a trailing slash."""
        self.mount_place = ""
        """The file and line of the `mount` call, for messages."""
        self.mounted: Resource | None = None
        """The mounted resource, which handles every path that no child handles."""
        self.tags: Iterable[str] = ()
        """The OpenAPI tags of all operations of the routes that have this resource as their root."""
        self.mount_tags: tuple[str, ...] = ()
        """The OpenAPI tags of all operations of the mounted resource."""
        self.mount_hidden = False
        """Whether the OpenAPI document omits the mounted resource."""
        self._owner: ReferenceType[Owner] | None = None
        """The first owner of this node. Further owners are in `_other_owners`, which most nodes do not need: a WeakSet
        is larger than all other parts of the node."""
        self._other_owners: WeakSet[Owner] | None = None

    def put(self, name: str, child: "Resource") -> None:
        """Add a child with a name. It replaces any previous child with that name."""
        self.children[name] = self._adopt(child)
        self.changed(set())

    def remove(self, name: str) -> None:
        """Remove a child. Raises KeyError if there is none."""
        del self.children[name]
        self.changed(set())

    def child(self, name: str) -> "Resource":
        """The child with a name. It is created if there is none.

        The owners are not notified, because the caller then adds a handler or a mount, which notifies them.
        """
        found = self.children.get(name)
        if found is None:
            found = self.children[name] = self._adopt(Resource())
        return found

    def capture(self, converter: Converter) -> "Resource":
        """The child for every segment that the converter accepts. It is created if there is none.

        The owners are not notified, for the same reason as in `child`.
        """
        for capture in self.captures:
            if capture.converter is converter:
                return capture.child
        capture = Capture(converter, self._adopt(Resource()))
        self.captures = (*self.captures, capture)
        if len(self.captures) > 1:
            self.captures = tuple(sorted(self.captures, key=lambda each: each.converter.rank))
        return capture.child

    def mount(self, resource: "Resource", path: str, names: tuple[str, ...], where: str) -> None:
        """Mount a resource: it handles every path here and below that no child handles.

        `where` is the file and line of the call.

        Raises TreeError (RW104) if another resource is mounted here.
        """
        if self.mounted is not None:
            raise claimed_by_two_mounts(path, (self.mounted, self.mount_place), (resource, where))
        self.mounted = self._adopt(resource)
        self.mount_path = path.rstrip("/")
        self.mount_place = where
        self.mount_names = names
        self.changed(set())

    def serve_extra(self, methods: frozenset[str]) -> None:
        """Record non-standard methods that may be served at this node or below, in this node and all nodes above."""
        if not methods <= self.extra:
            self.extra |= methods
            for owner in self._owners():
                if isinstance(owner, Node):
                    owner.serve_extra(methods)

    def own(self, owner: Owner) -> None:
        """Notify an owner of changes from now on. Only a weak reference to the owner is kept."""
        first = None if self._owner is None else self._owner()
        if first is None:
            self._owner = ref(owner)
        elif first is not owner:
            if self._other_owners is None:
                self._other_owners = WeakSet()
            self._other_owners.add(owner)

    def changed(self, seen: set[int]) -> None:
        """Notify all owners above that the tree has changed.

        `seen` has the ids of nodes that have been notified already.
        """
        if id(self) not in seen:
            seen.add(id(self))
            for owner in self._owners():
                owner.changed(seen)

    def _owners(self) -> tuple[Owner, ...]:
        first = None if self._owner is None else self._owner()
        owners = () if first is None else (first,)
        return owners if self._other_owners is None else (*owners, *self._other_owners)

    def known_children(self) -> Iterator[tuple[str | Converter, "Resource"]]:
        """Yield every child that does not depend on a request: static children with their names, captures with their
        converters."""
        yield from self.children.items()
        yield from self.captures

    def _adopt(self, child: "Resource") -> "Resource":
        check_renderings(child)
        node = node_of(child)
        node.own(self)
        self.serve_extra(node.extra)
        self.serve_extra(child.tree_kind.extra)
        return child


class Kind(NamedTuple):
    """The methods that a resource class defines."""

    renders: dict[str, str]
    """The names of the class's `render_*` methods, by HTTP method."""
    renders_all: bool
    dynamic: bool
    """Whether the class defines `getChild`."""
    extra: frozenset[str] = frozenset()
    """The non-standard methods that resources of this class, or their children from `getChild`, may serve, as in
    `Node.extra`."""


_EMPTY: Final = Node()


class Resource:
    """A resource of the tree.

    Derive a class from it, define methods such as `render_GET`, and add instances with `putChild`.

    `render_*` and `render` take the request and may return any value that a handler may return. str and bytes are sent
    with the Content-Type `content_type`. A coroutine method is called when the head of the request has arrived, and may
    stream the request body. A plain method is called when the body is complete. Parameters and return annotations work
    as in routes: see `ropewalk.typed`.
    """

    isLeaf: bool = False
    """Whether the resource handles every path below its own. The rest of the path is in `request.postpath`."""
    content_type: str = HTML
    """The Content-Type of str and bytes that a method returns."""

    tree_kind: ClassVar[Kind] = Kind({}, renders_all=False, dynamic=False)
    tree_node: Node = _EMPTY
    """The resource's node. All resources share one empty node until a child or handler is added, so that a resource
    made for one request needs no node."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        renders = {method: name for name in dir(cls) if (method := rendered_method(name)) is not None}
        renders_all = cls.render is not Resource.render
        dynamic = cls.getChild is not Resource.getChild
        extra = frozenset(renders) - REGISTERED | ({ANY} if renders_all or dynamic else set())
        cls.tree_kind = Kind(renders, renders_all, dynamic, extra)

    def __init__(self) -> None:
        """Do nothing. A subclass need not call this."""

    def getChild(self, name: str, request: Request) -> "Resource | None":
        """The child for a segment without a static child, or None. Override it if children depend on the name."""
        del name, request
        return None

    def render(self, request: Request) -> Any:
        """Respond to any method.

        If a subclass overrides it, it is called for every HTTP method without a `render_*` method.
        """
        # `own_handler_of` ignores `render`, because otherwise a subclass whose `render` calls this method would call
        # itself endlessly.
        handler = own_handler_of(self, request.method)
        if handler is None:
            raise not_allowed(request.method, methods_of(self))
        return handler.call(request)

    def putChild(self, name: Text, child: Any) -> None:
        """Add a resource or an App as the child for one path segment. It replaces any previous child."""
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
        """The static child with a name, or None."""
        return self.tree_node.children.get(_name(name))


def as_resource(thing: Any) -> Resource:
    """Return `thing` if it is a Resource, the root of an App, or the Resource that an adapter makes from another
    library's object.

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
    """Whether instances of a class can be added to the tree, directly or because they have a root resource."""
    if issubclass(kind, Resource) or makes_twisted(kind):
        return True
    return hasattr(kind, "mount") or hasattr(kind, "getResourceFor")  # an App has `mount`, a Site has `getResourceFor`


def node_of(resource: Resource) -> Node:
    """A resource's own node, for children and handlers. It is created if there is none."""
    if resource.tree_node is _EMPTY:
        resource.tree_node = Node()
    return resource.tree_node


def resource_of(call: Any) -> Resource | None:
    """The resource to which a handler belongs; None if it belongs to none. A handler that belongs to a resource may
    return NOT_DONE_YET and send the response itself."""
    owner = getattr(call, "__self__", None)
    if owner is None:
        handler = getattr(call, ATTACHED, None)  # inlined from `attached_handler`, because this runs for each request
        owner = handler.resource if isinstance(handler, Handler) else None
    return owner if isinstance(owner, Resource) else None


def claim(resource: Resource, method: str, handler: Handler, path: str) -> None:
    """Register a handler for a method of a resource. Raises TreeError (RW104) if the method already has a handler."""
    node = node_of(resource)
    if method in node.handlers or method in resource.tree_kind.renders:
        former = own_handler_of(resource, method)
        assert former is not None
        raise claimed_by_two_handlers(method, path, former, handler)
    node.handlers[method] = handler
    if method not in REGISTERED:
        node.serve_extra(frozenset((method,)))
    node.changed(set())


def _name(name: Text) -> str:
    return name if isinstance(name, str) else name.decode()
