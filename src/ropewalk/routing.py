"""The decorators that add routes to the tree, the patterns of paths, and paths by the names of routes."""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import quote

from ropewalk.charsets import is_utf_8
from ropewalk.converters import BUILT_IN, STR, Converter
from ropewalk.errors import HandlerError, TreeError, describe, place, relative, shown
from ropewalk.methods import SERVABLE, is_servable
from ropewalk.resource import Handler, Resource, as_resource, claim, handler_of, is_async, methods_of, node_of
from ropewalk.resource.tree import own_handler_of
from ropewalk.response import BYTES, TEXT
from ropewalk.suggest import did_you_mean

HandlerFunction = TypeVar("HandlerFunction", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Parameter:
    """A segment of a pattern that stands for many segments."""

    name: str
    converter: Converter


Pattern = tuple[str | Parameter, ...]

SEGMENT: Final = "!$&'()*+,;=:@~"
"""Characters of a segment that are not percent-encoded (RFC 3986, section 3.3)."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route of an app, for listings."""

    method: str
    """`*` if the resource takes any method."""
    path: str
    name: str
    """The name of its handler."""
    place: str
    """The file and line of its handler."""


class Routes:
    """Adds routes to a tree by decorators. App derives from it."""

    def __init__(self) -> None:
        self.resource = Resource()
        self.converters: dict[str, Converter] = {converter.name: converter for converter in BUILT_IN}
        """By the name that paths use. Add your own before the routes that use it."""
        self._names: dict[str, list[Pattern]] = {}
        self._mounts: list[tuple[str | None, Pattern, Routes]] = []

    def route(
        self,
        path: str,
        methods: Iterable[str] = ("GET",),
        *,
        name: str | None = None,
        content_type: str | None = None,
        body_limit: int | None = None,
    ) -> Callable[[HandlerFunction], HandlerFunction]:
        """Have a function respond to these methods at a path such as "/users/{id}" or "/files/{name:path}".

        The empty path is the place of the app itself: "/todos" without a slash, for an app that is mounted at "/todos".
        Routes may have different names for a parameter at one place. If several converters take a segment, the more
        specific one comes first, so "/users/{id:int}" before "/users/{name}"; see `Converter.rank`.

        A parameter without a converter has the one of the handler's annotation, else str. `name` (None: the function's
        own) is for `url_for`. `content_type` is that of str and bytes, and str is sent in its charset. `body_limit`
        (bytes) replaces the engine's. Raises TreeError (RW101, RW102, RW104, RW109) and HandlerError (RW202).
        """
        if not isinstance(path, str):
            raise TreeError("RW101", f"{place(path)}: a route has no path.", 'Write `@app.get("/...")`, with its path.')
        if isinstance(methods, str):
            raise TreeError("RW109", f"{path!r} has methods={methods!r}.", f"Write methods=[{methods!r}].")

        methods = [_method(each, path) for each in methods]

        def register(function: HandlerFunction) -> HandlerFunction:
            try:
                pattern = parse_path(path, self.converters, _annotations(function))
            except TreeError as error:
                error.blame(place(function))
                raise
            parameters = [part.name for part in pattern if isinstance(part, Parameter)]
            handler = Handler(
                function,
                whole_body=not is_async(function),
                pass_params=_takes(function, parameters, path),
                names=tuple(parameters),
                takes=_keywords(function),
                path=path,
                text_type=content_type or TEXT,
                bytes_type=content_type or BYTES,
                utf_8=content_type is None or is_utf_8(content_type),
                body_limit=body_limit,
            )
            node = grow(self.resource, pattern)
            for method in methods:
                claim(node, method, handler, path)
            self._names.setdefault(name or str(getattr(function, "__name__", describe(function))), []).append(pattern)
            return function

        return register

    def get(self, path: str, **options: Any) -> Callable[[HandlerFunction], HandlerFunction]:
        """`route` for GET, which includes HEAD."""
        return self._route("GET", path, options)

    def head(self, path: str, **options: Any) -> Callable[[HandlerFunction], HandlerFunction]:
        """`route` for HEAD, if GET's handler must not respond to it."""
        return self._route("HEAD", path, options)

    def post(self, path: str, **options: Any) -> Callable[[HandlerFunction], HandlerFunction]:
        """`route` for POST."""
        return self._route("POST", path, options)

    def put(self, path: str, **options: Any) -> Callable[[HandlerFunction], HandlerFunction]:
        """`route` for PUT."""
        return self._route("PUT", path, options)

    def patch(self, path: str, **options: Any) -> Callable[[HandlerFunction], HandlerFunction]:
        """`route` for PATCH."""
        return self._route("PATCH", path, options)

    def delete(self, path: str, **options: Any) -> Callable[[HandlerFunction], HandlerFunction]:
        """`route` for DELETE."""
        return self._route("DELETE", path, options)

    def options(self, path: str, **options: Any) -> Callable[[HandlerFunction], HandlerFunction]:
        """`route` for OPTIONS, in place of the response with Allow."""
        return self._route("OPTIONS", path, options)

    def _route(self, method: str, path: str, options: dict[str, Any]) -> Callable[[HandlerFunction], HandlerFunction]:
        if "methods" in options:
            written = f"app.{method.lower()}({path!r})"
            raise TreeError("RW109", f"{written} takes no methods.", f"Write app.route({path!r}, methods=[...]).")
        return self.route(path, (method,), **options)

    def mount(self, path: str, thing: Any, *, name: str | None = None) -> None:
        """Have a resource or another App respond at a path and below. This app's own routes come first.

        With a `name`, the routes of a mounted App are `name.route` for `url_for`. A slash at the end of the path makes
        no difference. Raises TreeError: RW103 if a parameter of the path has the name of one below, RW104 if something
        is mounted there.
        """
        pattern = parse_path(path.rstrip("/") or "/", self.converters, {})
        if pattern == ("",):
            pattern = ()
        resource = as_resource(thing)
        taken = parameters_below(resource, set())
        for part in pattern:
            if isinstance(part, Parameter) and part.name in taken:
                what = f"{{{part.name}}} of {path} is the name of another parameter in what is mounted there."
                raise TreeError("RW103", what)
        names = tuple(part.name for part in pattern if isinstance(part, Parameter))
        node_of(grow(self.resource, pattern)).mount(resource, path, names, _calling_place())
        if isinstance(thing, Routes):
            self._mounts.append((name, pattern, thing))

    def url_for(self, name: str, /, **params: Any) -> str:
        """The path of a named route. Raises TreeError: RW107 for the name, RW108 for the parameters."""
        patterns = self.patterns(name)
        if len(patterns) != 1:
            many = "several routes have" if patterns else "no route has"
            remedy = "Give each a name of its own by name=." if patterns else did_you_mean(name, self._known()).lstrip()
            raise TreeError("RW107", f"In url_for({name!r}): {many} this name.", remedy or None)
        pattern = patterns[0]
        wanted = {part.name for part in pattern if isinstance(part, Parameter)}
        if wanted != set(params):
            raise TreeError("RW108", f"url_for({name!r}) needs {_listed(wanted)} and was given {_listed(params)}.")
        parts = []
        for part in pattern:
            if isinstance(part, str):
                parts.append(quote(part, safe=SEGMENT))
                continue
            try:
                parts.append(part.converter.quote(params[part.name]))
            except ValueError as error:
                what = f"url_for({name!r}): {part.name} is {shown(params[part.name])}, {error}."
                raise TreeError("RW108", what, f"Give what the converter {part.converter.name} takes.") from error
        return f"/{'/'.join(parts)}"

    def _known(self) -> set[str]:
        """The names of all routes, for url_for."""
        known = set(self._names)
        for prefix, _, mounted in self._mounts:
            known.update(name if prefix is None else f"{prefix}.{name}" for name in mounted._known())  # noqa: SLF001
        return known

    def routes(self) -> list[Route]:
        """Every route, ordered by path."""
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


def parse_path(path: str, converters: dict[str, Converter], annotations: dict[str, Any]) -> Pattern:
    """The segments of a pattern, none for the empty path. Raises TreeError (RW101, RW102)."""
    if not path:
        return ()
    if not path.startswith("/"):
        raise TreeError("RW101", f"{path!r} does not begin with a slash.", f"Write {f'/{path}'!r}.")
    pattern = tuple(_parse_segment(segment, path, converters, annotations) for segment in path.split("/")[1:])
    parameters = [part for part in pattern if isinstance(part, Parameter)]
    if len({part.name for part in parameters}) < len(parameters):
        raise TreeError("RW101", f"{path!r} has two parameters of one name.", "Give each a name of its own.")
    if any(part.converter.rest for part in parameters if part is not pattern[-1]):
        what = f"{path!r} has a segment after a parameter that takes the rest of the path."
        raise TreeError("RW101", what, "Put that parameter last, or have it take one segment.")
    return pattern


def grow(root: Resource, pattern: Pattern) -> Resource:
    """The resource at the end of a pattern. Makes the resources that are missing on the path."""
    resource = root
    for part in pattern:
        node = node_of(resource)
        resource = node.child(part) if isinstance(part, str) else node.capture(part.converter)
    return resource


def walk(
    resource: Resource, path: str = "", above: frozenset[int] = frozenset(), segments: tuple[str | Converter, ...] = ()
) -> Iterator[Route]:
    """The routes at a resource and below.

    `path` leads to the root of the routes that are walked, and `segments` from there to the resource. `above` are the
    ids of the resources on the path.
    """
    if id(resource) in above:
        return
    above |= {id(resource)}
    dynamic = resource.tree_kind.dynamic and not resource.isLeaf
    exact = getattr(resource, "exact_methods", None)
    kind = resource.tree_kind
    any_method = kind.renders_all and exact is None and not hasattr(resource, "allowedMethods")
    if any_method:  # and those that have handlers of their own
        methods = ["*", *(method for method in methods_of(resource) if own_handler_of(resource, method) is not None)]
    else:
        methods = methods_of(resource)
    for method in methods:
        handler = handler_of(resource, method)
        of_get = method == "HEAD" and handler is handler_of(resource, "GET")
        if handler is not None and not (of_get and exact is None):
            here = _written(path, segments, handler.names)
            below = f"{here}/{{...}}" if resource.isLeaf or dynamic else here
            yield Route(method, below or "/", describe(handler.call), place(handler.call))
    if dynamic:
        yield Route("*", f"{_written(path, segments)}/{{...}}", describe(resource.getChild), place(resource.getChild))
    node = resource.tree_node
    for part, child in node.known_children():
        yield from walk(child, path, above, (*segments, part))
    if node.mounted is not None:
        yield from walk(node.mounted, _written(path, segments, node.mount_names), above)


def _written(path: str, segments: tuple[str | Converter, ...], names: tuple[str, ...] = ()) -> str:
    """A path with the parameters of a handler or a mount, as `{name:converter}`."""
    left = iter(names)
    for part in segments:
        if isinstance(part, Converter):
            name = next(left, "")
            part = f"{{{name}}}" if part.name == "str" and name else f"{{{name}:{part.name}}}"
        path = f"{path}/{part}"
    return path


def parameters_below(resource: Resource, seen: set[int]) -> set[str]:
    """The names of the parameters at a resource and below. `seen` are the ids of resources that were visited."""
    if id(resource) in seen:
        return set()
    seen.add(id(resource))
    node = resource.tree_node
    below = [child for _, child in node.known_children()]
    if node.mounted is not None:
        below.append(node.mounted)
    own = set(node.mount_names).union(*(handler.names for handler in node.handlers.values()))
    return own.union(*(parameters_below(child, seen) for child in below))


def _parse_segment(
    segment: str, path: str, converters: dict[str, Converter], annotations: dict[str, Any]
) -> str | Parameter:
    if not (segment.startswith("{") and segment.endswith("}")):
        if "{" in segment or "}" in segment:
            remedy = "Let it take the whole segment, and split that in the handler."
            raise TreeError("RW101", f"In {path!r}, a parameter must fill its segment.", remedy)
        if segment.startswith("<") and segment.endswith(">"):
            kind, _, name = segment[1:-1].rpartition(":")
            ours = f"{name}:{kind}" if kind not in ("", "string") else name
            raise TreeError("RW101", f"In {path!r}, {segment} is in another style.", f"Use {{{ours}}}.")
        return segment
    name, colon, kind = segment[1:-1].partition(":")
    if not name.isidentifier():
        remedy = "Letters, digits and underscores make a name, as for a parameter of a function."
        raise TreeError("RW101", f"In {path!r}, {name!r} cannot be the name of a parameter.", remedy)
    if not colon:
        return Parameter(name, _converter_for(name, path, annotations.get(name, str), converters))
    if kind not in converters:
        remedy = f"{did_you_mean(kind, converters)} There are: {_listed(converters)}.".lstrip()
        raise TreeError("RW102", f"In {path!r}, there is no converter {kind!r}.", remedy)
    return Parameter(name, converters[kind])


def _converter_for(name: str, path: str, annotation: Any, converters: dict[str, Converter]) -> Converter:
    if annotation in (Any, inspect.Parameter.empty):
        return converters.get("str", STR)
    for converter in converters.values():
        if annotation is converter.makes or annotation == converter.name:
            return converter
    raise TreeError(
        "RW102",
        f"In {path!r}, no converter makes {name}: {getattr(annotation, '__name__', annotation)}.",
        "Annotate the parameter with int, float, str or UUID, or add a Converter of this type to app.converters.",
    )


def _calling_place() -> str:
    """The line in the user's code that calls the function which calls this one."""
    frame = sys._getframe(2)  # noqa: SLF001 - as `inspect` does
    return relative(frame.f_code.co_filename, frame.f_lineno)


def _method(name: str, path: str) -> str:
    method = name.upper()
    if not is_servable(method):
        raise TreeError("RW109", f"{path!r} has the method {name!r}, which no client can request here.", SERVABLE)
    return method


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    return {name: parameter.annotation for name, parameter in _signature(function).parameters.items()}


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:
        return inspect.signature(function)


def _takes(function: Callable[..., Any], names: list[str], path: str) -> bool:
    """Whether the handler takes the path's parameters as keywords. Raises HandlerError if it takes only some."""
    written = f"{describe(function)} at {place(function)}"
    parameters = list(_signature(function).parameters.values())
    others = parameters[1:]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    takes_first = (*positional, inspect.Parameter.VAR_POSITIONAL)
    if not parameters or parameters[0].kind not in takes_first or parameters[0].name in names:
        raise HandlerError("RW202", f"{written} does not take the request as its first parameter.")
    if any(other.kind is inspect.Parameter.VAR_KEYWORD for other in others):
        return bool(names)
    keywords = {other.name for other in others if other.kind not in (positional[0], inspect.Parameter.VAR_POSITIONAL)}
    needed = {other.name for other in others if other.default is inspect.Parameter.empty and other.name in keywords}
    if needed - set(names):
        raise HandlerError("RW202", f"{written} needs {_listed(needed - set(names))}, which {path} does not have.")
    taken = keywords & set(names)
    if taken and taken != set(names):
        raise HandlerError("RW202", f"{written} does not take {_listed(set(names) - taken)} of {path}.")
    return bool(taken)


def _keywords(function: Callable[..., Any]) -> frozenset[str] | None:
    """The keywords that a handler takes besides the request; None for any."""
    parameters = list(_signature(function).parameters.values())
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(parameter.name for parameter in parameters[1:] if parameter.kind in kinds)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
