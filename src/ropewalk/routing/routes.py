"""The decorators that add routes to the tree, and `url_for`, which returns the path of a named route."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any, Final, Self, TypeVar, Unpack

from ropewalk.charsets import is_utf_8
from ropewalk.converters import BUILT_IN, Converter
from ropewalk.errors import (
    InvalidField,
    OptionError,
    TreeError,
    calling_place,
    describe,
    is_status,
    place,
    shown,
    with_place,
)
from ropewalk.resource import (
    Handler,
    Resource,
    added_middleware,
    as_resource,
    check_body_limit,
    check_middlewares,
    claim,
    is_async,
    node_of,
)
from ropewalk.response import BYTES, TEXT
from ropewalk.routing.class_options import Layer, check_instance, flag_of, layer_of
from ropewalk.routing.handler_parameters import (
    check_all_taken,
    check_no_method,
    keywords,
    takes_parameters,
)
from ropewalk.routing.listing import Route, walk
from ropewalk.routing.methods_as_routes import declared_routes
from ropewalk.routing.operation import operation_options, tags_given
from ropewalk.routing.patterns import Parameter, Pattern, parse_path
from ropewalk.routing.route_options import (
    MountOptions,
    RouteOptions,
    check_mount_options,
    check_route_options,
    checked_methods,
)
from ropewalk.routing.url_for import path_of
from ropewalk.suggest import did_you_mean
from ropewalk.typed import Dependencies, Produces, all_named, is_typed, plan_for, representations_for
from ropewalk.typed.annotations import evaluated_signature

ROUTED: Final = "ropewalk_routed"
"""The name of the attribute that marks a function as the function of a route. With it, Ropewalk detects decorators
above `@app.get`, which have no effect."""

_NOTHING: Final[frozenset[str]] = frozenset()

HandlerFunction = TypeVar("HandlerFunction", bound=Callable[..., Any])


class Routes:
    """A tree of routes. This is the base class of App, and of classes whose methods are routes.

    Decorate the methods of such a class with `ropewalk.routing.get`, `post` and so on, and mount its instances in an
    app. The class's `__init__` need not call `super().__init__()`.

    These class attributes apply to all its routes, and to everything that is mounted in it: `middleware`, a list with
    the outermost first, which runs outside the middleware of a route; `provide`, a dict of providers by name;
    `error_format` and `produces`, as in an App; and `tags`. `deprecated = True` and `hidden = True` apply only to the
    class's own routes, as in the options of a route. Raises HandlerError (RW205, RW218, RW219) for a wrong attribute.
    """

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """Create the resource tree, and add the routes that the class's methods declare."""
        del arguments, options  # only `__init__` uses them
        self = super().__new__(cls)
        self._make_tree()
        for name, declared in declared_routes(cls):
            self._route(declared.function, declared.path, declared.methods, declared.options)(getattr(self, name))
        return self

    produces: Produces = ()
    """The media types in which returned values of all routes can be sent, instead of only JSON. A subclass may set this
    attribute."""

    def _make_tree(self) -> None:
        self.resource = Resource()
        tags = getattr(type(self), "tags", ())
        if not hasattr(tags, "__get__"):  # a user's class may have a method or property named `tags`
            node_of(self.resource).tags = tags_given(tags, type(self).__qualname__)
        self.converters: dict[str, Converter] = {converter.name: converter for converter in BUILT_IN}
        """The converters by the names that paths use. Add your own converter before you add a route that uses it."""
        self.dependencies = Dependencies()
        """The providers by name, and the providers that replace others."""
        self._names: dict[str, list[Pattern]] = {}
        self._mounts: list[tuple[str | None, Pattern, Routes]] = []
        self._class_flags = {name: flag_of(type(self), name) for name in ("deprecated", "hidden")}
        self._apply_layer()

    def _apply_layer(self) -> None:
        """Apply the class attributes `middleware`, `provide` and `error_format` to the routes. App overrides this
        method, because an app gets such options as arguments."""
        layer = layer_of(type(self))
        if layer:
            node_of(self.resource).app = layer

    def route(
        self, path: str, methods: Iterable[str] = ("GET",), **options: Unpack[RouteOptions]
    ) -> Callable[[HandlerFunction], HandlerFunction]:
        """A decorator that makes a function the handler for `methods` at a path such as "/users/{id}" or
        "/files/{name:path}".

        The empty path is the path of the app itself: for an app that is mounted at "/todos", it is "/todos" without a
        slash. A parameter without a converter uses the converter for the annotation of the handler's parameter, or else
        `str`. If several routes match a path, the one with the more specific converter is used: "/users/{id:int}"
        before "/users/{name}" (see `Converter.rank`). Routes may use different names for the parameter of the same
        segment.

        `RouteOptions` describes the options. Parameters of the function that are not in the path are read from other
        parts of the request, according to their annotations: see `ropewalk.typed`. Raises TreeError (RW101, RW102,
        RW104, RW109), HandlerError (RW202, RW205, RW214, RW217, RW218, RW219, RW228, RW229, RW270, RW271), and
        InvalidField (RW304) for the status.
        """
        return self._route("route", path, methods, options)

    def _route(
        self, called: str, path: str, methods: Iterable[str], options: RouteOptions
    ) -> Callable[[HandlerFunction], HandlerFunction]:
        check_route_options(called, path, options)
        methods = checked_methods(methods, path)
        status, content_type, name = options.get("status"), options.get("content_type"), options.get("name")
        if status is not None and not is_status(status):
            what = with_place(f"The route {path!r} has the invalid value status={shown(status)}.")
            raise InvalidField(what, "Give an int from 200 to 599.")
        body_limit = options.get("body_limit")
        check_body_limit(f"The route {path!r}", body_limit)
        around = check_middlewares(options.get("middleware", ()), f"The route {path!r}")
        provided = all_named(options.get("provide"))

        def register(function: HandlerFunction) -> HandlerFunction:
            signature = evaluated_signature(function)
            check_no_method(function, signature)
            try:
                pattern = parse_path(path, self.converters, signature.parameters)
            except TreeError as error:
                error.prefix(place(function))
                raise
            parameters = tuple(part.name for part in pattern if isinstance(part, Parameter))
            described = operation_options(function, options, self._class_flags)
            plan = None
            pass_params = False
            takes: frozenset[str] | None = _NOTHING
            represented = representations_for(function, options.get("produces"), self.produces, signature)
            if represented is not None or is_typed(function, signature, parameters, status):
                plan = plan_for(function, parameters, methods, status, content_type, provided, represented, signature)
                check_all_taken(function, signature, plan, parameters)
            else:
                pass_params = takes_parameters(function, signature, parameters, path)
                takes = keywords(signature)
            handler = Handler(
                function if plan is None else plan.call,
                whole_body=not is_async(function) if plan is None else plan.whole_body,
                pass_params=pass_params,
                names=parameters,
                takes=takes,
                path=path,
                text_type=content_type or TEXT,
                bytes_type=content_type or BYTES,
                utf_8=content_type is None or is_utf_8(content_type),
                body_limit=body_limit if plan is None or body_limit is not None else plan.body_limit,
                compress=options.get("compress"),
                decompress=options.get("decompress", False),
                user_code=None if plan is None else function,
                plan=plan,
                operation=described,
                middleware=(*around, *added_middleware(function)),
            )
            node = grow(self.resource, pattern)
            for method in methods:
                claim(node, method, handler, path)
            if isinstance(function, FunctionType):
                vars(function)[ROUTED] = True
            self._names.setdefault(name or str(getattr(function, "__name__", describe(function))), []).append(pattern)
            return function

        return register

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerFunction], HandlerFunction]:
        """Like `route`, for the methods GET and HEAD."""
        return self._route("get", path, ("GET",), options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerFunction], HandlerFunction]:
        """Like `route`, for the method HEAD. Without it, the handler of GET also handles HEAD."""
        return self._route("head", path, ("HEAD",), options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerFunction], HandlerFunction]:
        """Like `route`, for the method POST."""
        return self._route("post", path, ("POST",), options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerFunction], HandlerFunction]:
        """Like `route`, for the method PUT."""
        return self._route("put", path, ("PUT",), options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerFunction], HandlerFunction]:
        """Like `route`, for the method PATCH."""
        return self._route("patch", path, ("PATCH",), options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerFunction], HandlerFunction]:
        """Like `route`, for the method DELETE."""
        return self._route("delete", path, ("DELETE",), options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerFunction], HandlerFunction]:
        """Like `route`, for the method OPTIONS. The handler replaces the default response, which has an Allow field."""
        return self._route("options", path, ("OPTIONS",), options)

    def mount(self, path: str, thing: Any, **options: Unpack[MountOptions]) -> None:
        """Mount a resource or another App at a path: it handles this path and all paths below, except the paths that a
        route of this app handles.

        A trailing slash of the path makes no difference. `MountOptions` describes the options. Raises TreeError: RW103
        if a parameter below has the same name as one of the path, RW104 if the path has a mount already, RW111 if this
        app is mounted in itself. Raises HandlerError: RW205 for wrong middleware, RW218 for a wrong provider, RW219 for
        wrong tags, RW270 for an unknown option.
        """
        check_mount_options(path, options)
        if isinstance(thing, Routes):
            self._check_circle(thing, path)
        name, provided = options.get("name"), all_named(options.get("provide"))
        around = check_middlewares(options.get("middleware", ()), f"The mount at {path}")
        given_tags = tags_given(options.get("tags", ()), f"The mount at {path}")
        self._check_provided(thing, path, provided)
        try:
            pattern = parse_path(path.rstrip("/") or "/", self.converters, {})
        except TreeError as error:
            error.prefix(calling_place())
            raise
        if pattern == ("",):
            pattern = ()
        resource = as_resource(thing)
        taken = parameters_below(resource, set())
        for part in pattern:
            if isinstance(part, Parameter) and part.name in taken:
                what = f"{{{part.name}}} of {path} is also the name of a parameter below this mount."
                raise TreeError("RW103", what)
        names = tuple(part.name for part in pattern if isinstance(part, Parameter))
        is_app = isinstance(thing, Routes) and node_of(thing.resource).app is thing
        if isinstance(thing, Routes) and not is_app:
            check_instance(thing)
        if around or (provided and not is_app):
            layer = Layer(type(thing).__qualname__, around, provided)
            resource = _inside(layer, resource, calling_place())
        node = node_of(grow(self.resource, pattern))
        node.mount(resource, path, names, calling_place())
        node.mount_tags, node.mount_hidden = given_tags, options.get("hidden", False)
        if isinstance(thing, Routes):
            self._mounts.append((name, pattern, thing))
            self.dependencies.of_mounts[id(thing)] = provided

    def _check_circle(self, thing: "Routes", path: str) -> None:
        """Raises TreeError (RW111) if `thing` is this app, or if this app is mounted below `thing`."""
        seen: set[int] = set()
        below = [thing]
        while below:
            each = below.pop()
            if each is self:
                through = "" if thing is self else f", because {type(thing).__qualname__} contains it already"
                what = f"The mount at {path!r} would put {type(self).__qualname__} into itself{through}."
                raise TreeError("RW111", with_place(what))
            if id(each) not in seen:
                seen.add(id(each))
                below += [mounted for _, _, mounted in each._mounts]  # noqa: SLF001 - of the same class

    def _check_provided(self, thing: Any, path: str, provided: Mapping[str, Any]) -> None:
        if provided and not isinstance(thing, Routes):
            raise OptionError(
                "RW218", f"The object mounted at {path} is not an App, so nothing can use the provided values."
            )
        if self.dependencies.of_mounts.get(id(thing), provided) != provided:
            what = f"The app mounted at {path} is mounted twice, with different providers."
            raise OptionError("RW218", what, "Mount a separate app at each path.")

    def url_for(self, name: str, /, **params: Any) -> str:
        """The path of a named route.

        Raises TreeError: RW107 if the name is unknown or ambiguous, RW108 for wrong parameters.
        """
        patterns = self.patterns(name)
        if len(patterns) != 1:
            if patterns:
                raise _ambiguous(name)
            remedy = did_you_mean(name, self._known()).lstrip()
            raise TreeError("RW107", f"In url_for({name!r}): no route has this name.", remedy or None)
        return path_of(name, patterns[0], params)

    def url_for_inside(self, mounts: Sequence[Resource], name: str, params: Mapping[str, Any], given: Any) -> str:
        """The path of a named route, for a handler below `mounts`. The innermost mounted app that has a route with this
        name is used.

        `mounts` are the resources at which other resources are mounted, outermost first. `given` has the path
        parameters of the request. If `params` lacks a parameter in the path of a mount, its value is taken from
        `given`. Raises the same TreeErrors as `url_for`.
        """
        on_the_way: list[tuple[Routes, Pattern]] = []
        routes: Routes = self
        path: Pattern = ()
        for mount in mounts:
            inner = next((each for each in routes._mounts if grow(routes.resource, each[1]) is mount), None)
            if inner is not None:
                path, routes = (*path, *inner[1]), inner[2]
                on_the_way.append((routes, path))
        for routes, path in reversed(on_the_way):
            patterns = routes.patterns(name)
            if len(patterns) == 1:
                above = {part.name for part in path if isinstance(part, Parameter)}
                known = {key: value for key, value in given.items() if key in above}
                return path_of(name, (*path, *patterns[0]), {**known, **params})
            if patterns:
                raise _ambiguous(name)
        return self.url_for(name, **params)

    def _known(self) -> set[str]:
        """The names of all routes, each in the form that `url_for` takes."""
        known = set(self._names)
        for prefix, _, mounted in self._mounts:
            known.update(name if prefix is None else f"{prefix}.{name}" for name in mounted._known())  # noqa: SLF001
        return known

    def routes(self) -> list[Route]:
        """List every route, ordered by path."""
        return sorted(walk(self.resource), key=lambda route: (route.path, route.method))

    def patterns(self, name: str) -> list[Pattern]:
        found = list(self._names.get(name, ()))
        for prefix, at, mounted in self._mounts:
            if prefix is None:
                below = mounted.patterns(name)
            elif name.startswith(f"{prefix}."):
                below = mounted.patterns(name.removeprefix(f"{prefix}."))
            else:
                continue
            found += [(*at, *pattern) for pattern in below]
        return found


def grow(root: Resource, pattern: Pattern) -> Resource:
    """The resource at the end of a pattern. Missing resources on the path are created."""
    resource = root
    for part in pattern:
        node = node_of(resource)
        resource = node.child(part) if isinstance(part, str) else node.capture(part.converter)
    return resource


def _ambiguous(name: str) -> TreeError:
    what = f"In url_for({name!r}): several routes have this name."
    return TreeError("RW107", what, "Give each route its own name with name=.")


def _inside(layer: Layer, resource: Resource, where: str) -> Resource:
    """Make a resource that mounts `resource` at its own path, with `layer` around it."""
    outer = Resource()
    node = node_of(outer)
    node.app = layer
    node.mount(resource, "", (), where)
    return outer


def parameters_below(resource: Resource, seen: set[int]) -> set[str]:
    """The names of the parameters at a resource and below. `seen` has the ids of the resources that were visited
    already."""
    if id(resource) in seen:
        return set()
    seen.add(id(resource))
    node = resource.tree_node
    below = [child for _, child in node.known_children()]
    if node.mounted is not None:
        below.append(node.mounted)
    own = set(node.mount_names).union(*(handler.names for handler in node.handlers.values()))
    return own.union(*(parameters_below(child, seen) for child in below))
