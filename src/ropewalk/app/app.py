"""`App`: a tree of resources with middleware, error handlers, and start and stop hooks."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Never, TypeVar
from weakref import WeakSet

from ropewalk.app.hooks import Hook, HookCaller
from ropewalk.app.lifecycle import Lifecycle
from ropewalk.app.option_checks import OPTIONS, check_methods_kept, check_option_types
from ropewalk.app.server_functions import server_functions
from ropewalk.calling import (
    Background,
    Cleanups,
    DeveloperPages,
    ErrorFormat,
    ErrorHandlers,
    PageSource,
    call_hook,
    check_format,
    check_page_source,
)
from ropewalk.compression import Compression, compression_of
from ropewalk.errors import HandlerError, HTTPError, interrupts, named, unknown_option
from ropewalk.methods import REGISTERED
from ropewalk.middleware import PREFLIGHT, Middleware, check, engine_handler_for, refusing_handler
from ropewalk.openapi import OpenAPI, Published
from ropewalk.proxies import TrustedProxies
from ropewalk.request import EngineHandler, Request
from ropewalk.resource import (
    Found,
    Handler,
    Hosted,
    Owner,
    Resource,
    Search,
    check_middlewares,
    node_of,
    split_path,
)
from ropewalk.routing import (
    Routes,
    TrailingSlash,
    check_trailing_slash,
    handler_without_route,
    matched_route,
    matches_no_route,
    mounts_on_the_way,
    tags_given,
    walk_handlers,
)
from ropewalk.typed import (
    DependencyScope,
    Depends,
    Produces,
    Provider,
    all_produced,
    body_types,
    overriding_nothing,
)
from ropewalk.waiting import Moment, Waiter

if TYPE_CHECKING:
    from ropewalk._engine import Limits
    from ropewalk.server import AppListeningPort, TLSOptions

Function = TypeVar("Function", bound=Callable[..., Any])


class App(Routes):
    """An HTTP service: decorators add resources to its tree. It may be mounted in another app.

    `trailing_slash` says what happens if a path matches only with a slash added or removed at its end: "redirect"
    (308), "ignore" (both paths have the same response) or "strict" (404). By default the served app redirects, and a
    mounted app uses the setting of the app that it is mounted in. `limits` are the limits of the engine. `proxies` are
    the proxies that are trusted to report the client's address; by default none are trusted. Only the limits and
    proxies of the served app are used, not those of mounted apps. With `debug`, a response with status 500 shows the
    traceback to the client. `openapi` publishes the API description of this app and its mounted apps; by default it is
    not published. `tags` are added to all operations of this app in that description.

    `error_format` is the form of error responses that no error handler makes. "negotiated", the default, sends problem
    details (RFC 9457), or HTML or plain text if the client's Accept field prefers it; "problem" always sends problem
    details; "text" sends the detail of the error unchanged: a str as plain text, a dict or list as JSON. By default a
    mounted app uses the format of the app that it is mounted in.

    `produces` lists the media types that a client can choose with its Accept field, such as
    `["application/json", MSGPACK]`. It applies to the routes of this app whose return annotation is a type that is
    otherwise sent as JSON. By default such values are always sent as JSON. Raises HandlerError (RW229) for invalid
    media types.

    `templates` makes the pages that handlers return with `render`, and the error pages: `Templates(...)`. By default a
    mounted app uses the templates of the app that it is mounted in. Raises HandlerError (RW291) for another object.

    `compression` compresses responses: True, or a `Compression` with options. It is off by default, and only that of
    the served app is used. Raises HandlerError (RW271) for another object.
    """

    def __init__(
        self,
        *,
        middleware: Iterable[Middleware] = (),
        limits: "Limits | None" = None,
        proxies: TrustedProxies | None = None,
        debug: bool = False,
        trailing_slash: TrailingSlash | None = None,
        openapi: OpenAPI | None = None,
        error_format: ErrorFormat | None = None,
        tags: Iterable[str] = (),
        produces: Produces | None = None,
        templates: PageSource | None = None,
        compression: Compression | bool | None = None,
        **others: Never,
    ) -> None:
        for other in others:
            raise unknown_option(type(self).__name__, other, OPTIONS)
        check_option_types(proxies, debug)
        self.limits = limits
        self.proxies = proxies
        self.debug = debug
        self.compression = compression_of(compression)
        """The options of compressed responses; None for no compression. Set it before the app is served."""
        self.trailing_slash = check_trailing_slash(trailing_slash)
        self.error_format = check_format(error_format)
        if produces is not None:
            self.produces = all_produced(produces, type(self).__name__)
        self._templates = check_page_source(templates)
        self.errors = ErrorHandlers()
        self.middlewares: list[Middleware] = [*check_middlewares(middleware, type(self).__name__)]
        """The middleware of this app, outermost first."""
        self.developer: DeveloperPages | None = None
        """The error pages of `ropewalk dev`, which sets this attribute of the served app; otherwise None."""
        self.server: Any = None
        """The server of this app; None before the first `listen`."""
        self.start_hooks: list[Hook] = []
        self.stopping_hooks: list[Hook] = []
        self.stop_hooks: list[Hook] = []
        self.stop_begins = Moment()
        self.cleanups = Cleanups()
        """Runs the code that closes dependencies after the response, if this code has to wait."""
        self.background = Background()
        """The background tasks that run after the responses of this app."""
        self._lifecycle = Lifecycle(self)
        self._engine_handlers: dict[tuple[Handler, tuple[Any, ...], bool, bool], EngineHandler] = {}
        self._only_engine_handlers: dict[str, EngineHandler] | None = None
        """A cached handler for each method, if one hosted application is the whole tree; otherwise None.

        With such a cache, the tree is not searched for each request.
        """
        self._owners: WeakSet[Owner] | None = None
        node = node_of(self.resource)
        node.app = self
        node.own(self)
        node.tags = (*node.tags, *tags_given(tags, "App"))
        self.webhooks = Routes()
        """Webhooks for the API description: requests that your application sends to its clients. A route describes each
        webhook with its path and the annotations of its function. The function is never called."""
        node_of(self.webhooks.resource).own(node)
        self._published: Published | None = None
        if openapi is not None:
            self.openapi = openapi

    def _apply_layer(self) -> None:
        """Refuse a subclass whose class attribute replaces the method `middleware` or `provide`.

        Raises HandlerError (RW205, RW218).
        """
        check_methods_kept(type(self))

    # Middleware, error handlers, converters and hooks

    def middleware(self, function: Middleware) -> Middleware:
        """Add a middleware inside the existing ones: `async def middleware(request, next)`."""
        self.middlewares.append(check(function))
        node_of(self.resource).changed(set())
        return function

    def error(self, kind: int | type[Exception]) -> Callable[[Function], Function]:
        """Register a function `(request, error)` that makes the response for an exception class or a status (400 to
        599).

        The innermost app is searched first, and in it the nearest class. For an HTTPError, a handler for its status
        takes precedence over a handler for HTTPError itself. An exception whose class is registered is expected: it is
        logged only if its response has status 500. Any other exception is logged as an error, and then goes to the
        error handler for `Exception`, or else to the handler for 500. The handler for `Exception` is not called for an
        HTTPError, nor for an exception that is raised because the client has left. Ropewalk's own errors (RW...) go
        only to handlers for RopewalkError and its subclasses, even if their class also derives from ValueError or
        another standard exception.

        Raises HandlerError (RW206).
        """
        given: Any = kind
        if callable(given) and not isinstance(given, type):
            what = f"{named(given)} is registered as an error handler without a kind of error."
            raise HandlerError("RW206", what, "Write `@app.error(404)`, with its status or exception class.")

        def register(function: Function) -> Function:
            self.errors.add(kind, function)
            node_of(self.resource).changed(set())
            return function

        return register

    def converter(self, converter: Any) -> None:
        """Add a Converter for path parameters. Add it before the routes that use it."""
        self.converters[converter.name] = converter

    def on_start(self, function: Function) -> Function:
        """Register a function without parameters, plain or async, to call before the first request is accepted."""
        self.start_hooks.append(function)
        return function

    def on_stopping(self, function: Function) -> Function:
        """Register a function without parameters, plain or async, to call when a stop begins, while requests still run.

        Use it to end long work, such as long polling. Event streams (`text/event-stream`) are ended without it. The
        stop hooks are called only after this function has finished.
        """
        self.stopping_hooks.append(function)
        return function

    def on_stop(self, function: Function) -> Function:
        """Register a function without parameters, plain or async, to call when the last response is complete."""
        self.stop_hooks.append(function)
        return function

    # Dependencies

    def provide(
        self, name: str, provider: Provider | Depends, *, cached: bool = True, scope: DependencyScope = "request"
    ) -> None:
        """Register a function that provides the value of parameters with this name and the annotation `Depends()`.

        If `provider` is a Depends, its function and its scope are used. The provider applies to the handlers of this
        app and of mounted apps. A mounted app may register another provider for the name; then the innermost provider
        is used. With scope "handler", the dependency is closed before the end of the response is sent. With "app", it
        is opened when the app starts, after the start hooks, and closed when the app stops, before the stop hooks.
        Raises HandlerError (RW218) if the function cannot be a provider.
        """
        self.dependencies.provide(name, provider, cached=cached, scope=scope)
        node_of(self.resource).changed(set())

    @contextmanager
    def override(self, provider: Provider | Depends | str, with_: Provider) -> Iterator[None]:
        """Replace a provider, or all providers with a name, by another function in a block: `with app.override(...):`.

        This is meant for tests. If `provider` is a Depends, its function is replaced. The replacement applies to the
        handlers of this app and of mounted apps. If the replaced provider is app-scoped and open, the new function is
        called for each request. Raises HandlerError (RW218) if no handler needs this provider, or has a parameter with
        this name.
        """
        if isinstance(provider, Depends):
            provider = provider.provider or ""
        error = overriding_nothing(self, provider)
        if error is not None and all(each.handler is not None for each in walk_handlers(self.resource)):
            raise error
        try:
            with self.dependencies.override(provider, with_):
                node_of(self.resource).changed(set())
                yield
        finally:
            node_of(self.resource).changed(set())

    @property
    def stopping(self) -> Waiter[None]:
        """A new awaitable that completes when this app, or the app that it is mounted in, begins to stop."""
        return self.stop_begins.wait()

    @property
    def is_stopping(self) -> bool:
        """Whether a stop has begun. Any thread may read it."""
        return self.stop_begins.passed

    # The API description

    @property
    def openapi(self) -> OpenAPI | None:
        """How this app publishes its API description; None if it does not. Setting it adds the routes that serve it.

        Raises HandlerError (RW219) if it is set twice, StartError (RW750) if the package for the page is not installed,
        and TreeError (RW104) if a route already has one of its paths.
        """
        return None if self._published is None else self._published.options

    @openapi.setter
    def openapi(self, options: OpenAPI) -> None:
        if self._published is not None:
            raise HandlerError("RW219", "app.openapi is set twice.", "Set it once, with all options.")
        self._published = Published(self, options)

    # Templates

    @property
    def templates(self) -> PageSource | None:
        """The templates of this app: `app.templates = Templates("templates")`. None if it has none of its own."""
        return self._templates

    @templates.setter
    def templates(self, templates: PageSource | None) -> None:
        self._templates = check_page_source(templates)
        node_of(self.resource).changed(set())

    # Serving

    def listen(
        self,
        reactor: Any,
        endpoint: str,
        *,
        limits: "Limits | None" = None,
        proxies: TrustedProxies | None = None,
        tls: "TLSOptions | None" = None,
    ) -> "AppListeningPort":
        """Serve on an endpoint such as "tcp:8080", "tcp:0:interface=127.0.0.1" or "unix:/run/app.sock"; with `tls`, by
        HTTPS.

        Limits and proxies of the first call apply to every socket of the app in this reactor. Raises StartError (RW401)
        for an invalid endpoint, and (RW404) for limits or proxies that differ from those of the first call. Raises
        EngineError (RW502) if the socket cannot be opened, and (RW503) if the reactor runs in another thread. For TLS,
        raises StartError (RW425, RW426, RW750).
        """
        return server_functions[0].listen(self, reactor, endpoint, limits=limits, proxies=proxies, tls=tls)

    def run(self, host: str = "127.0.0.1", port: int = 8080, *, half_close: bool = False, **options: Any) -> None:
        """Serve on an asyncio reactor until SIGINT or SIGTERM, then drain. `options` are passed to
        `ropewalk.server.run`.

        With `half_close`, clients may close their sending side and wait for their responses.
        """
        server_functions[0].run(self, host, port, half_close=half_close, **options)

    async def start(self) -> None:
        """Call the start hooks of this app and of mounted apps, start hosted applications, and open app-scoped
        dependencies.

        If one of these steps fails, everything that was started is stopped again. The stop hooks of an app are then
        called only if all its start hooks have completed. Raises HandlerError (RW216, RW217, RW218) for dependencies
        that cannot be provided, (RW238) for middleware in a wrong order, and (RW203) for a hook or a provider that
        needs asyncio if no loop runs.
        """
        await self._lifecycle.start()

    def begin_stop(self, call: HookCaller = call_hook) -> Waiter[None]:
        """Call the stopping hooks of this app and of mounted apps, all at once.

        Returns an awaitable that fires when all have finished. Cancelling it cancels the running hooks. `call` is the
        function that calls each hook, for example with a time limit. A failure is logged and does not stop the other
        hooks.
        """
        return self._lifecycle.begin_stop(call)

    def finish_calls(self, seconds: float | None = None) -> Waiter[None]:
        """Wait for background tasks (`request.after`) and calls of hosted applications that still run after their
        responses. Cancel them after `seconds`.

        None stands for the limit `drain_timeout`. A failure is logged and does not end the other waits.
        """
        return self._lifecycle.finish_calls(seconds)

    def cut_calls(self) -> None:
        """Make `finish_calls` cancel the running tasks and calls now."""
        self._lifecycle.cut_calls()

    async def stop(self) -> None:
        """Wait as `finish_calls` does, then stop hosted applications and call the stop hooks in reverse order.

        A failure is logged and does not stop the other hooks.
        """
        await self.finish_calls()
        await self.call_stop_hooks()

    async def call_stop_hooks(self, call: HookCaller = call_hook) -> None:
        """Do what `stop` does after the wait. `call` is the function that calls each hook."""
        await self._lifecycle.stop(call)

    # Called by the engine's service and the tree

    def resolve(self, request: Request) -> EngineHandler:
        """Find the handler for a request in the tree, or return the cached handler."""
        try:
            segments = split_path(request.raw_path)
        except HTTPError as error:
            return self.refuse(error)
        engine_handler = None if self._only_engine_handlers is None else self._only_engine_handlers.get(request.method)
        if engine_handler is None:
            return self.resolve_below(request, segments, 0)
        request.set_paths([], segments)
        return engine_handler

    def resolve_below(self, request: Request, segments: list[str], depth: int) -> EngineHandler:
        """The handler for a request, if this app is mounted after the first `depth` segments of its path."""
        search = Search(request, segments)
        try:
            handler = search.visit(self.resource, depth)
            if handler is None:
                handler, params, apps, static, lasting = self._without_handler(request, search, segments, depth)
            else:
                params, apps, static, lasting = search.params, search.apps, search.static, search.lasting
        except BaseException as error:
            if interrupts(error):
                raise
            return refusing_handler(error, search.apps or (self,))
        foreign = False
        if params:
            request.params = params
            foreign = len(params) > len(handler.names) and handler.pass_params and not _takes_all(handler, params)
        if not lasting:
            return engine_handler_for(handler, apps, static, foreign)
        key = (handler, apps, static, foreign)
        engine_handler = self._engine_handlers.get(key)
        if engine_handler is None:
            try:
                engine_handler = engine_handler_for(handler, apps, static, foreign)
            except HandlerError as error:  # a dependency of the handler cannot be provided
                return refusing_handler(error, apps)
            self._engine_handlers[key] = engine_handler
        if self._only_engine_handlers is not None and not static and not depth and request.method in REGISTERED:
            self._only_engine_handlers[request.method] = engine_handler
        return engine_handler

    def refuse(self, error: HTTPError) -> EngineHandler:
        """Return a handler that raises `error`, for a request whose path is malformed."""
        return refusing_handler(error, (self,))

    def route_of(self, request: Request, segments: list[str] | None = None, depth: int = 0) -> str | None:
        """The path pattern that matched a request, below the first `depth` segments; None if no route matched."""
        engine_handler = request.engine_handler
        if engine_handler is None or matches_no_route(engine_handler.call):
            return None
        if segments is None:
            segments = split_path(request.raw_path)
        return matched_route(self.resource, segments, depth, request.method, engine_handler.call)

    def url_for_request(
        self, request: Request, name: str, params: dict[str, Any], segments: list[str] | None = None, depth: int = 0
    ) -> str:
        """The path of a named route. Routes in the same mounts as the request's handler are searched first.

        Raises the same TreeErrors as `url_for`.
        """
        engine_handler = request.engine_handler
        if engine_handler is None or not self._mounts:
            return self.url_for(name, **params)
        if segments is None:
            segments = split_path(request.raw_path)
        mounts = mounts_on_the_way(self.resource, segments, depth, request.method, engine_handler.call)
        return self.url_for_inside(mounts, name, params, request.params)

    def watch(self, owner: Owner) -> None:
        """Call `owner.changed` when the tree changes. The app keeps only a weak reference to `owner`."""
        if self._owners is None:
            self._owners = WeakSet()
        self._owners.add(owner)

    def changed(self, seen: set[int]) -> None:
        """Discard cached handlers and notify the objects that `watch` has registered, because the tree has changed."""
        self._engine_handlers.clear()
        self.dependencies.bound.clear()
        self._only_engine_handlers = {} if _hosts_whole_tree(self.resource) else None
        for owner in self._owners or ():
            owner.changed(seen)

    def _preflight_middleware(
        self, request: Request, segments: list[str], depth: int, method: str
    ) -> tuple[Middleware, ...]:
        """The middleware that can respond to a preflight, taken from the route for which the client sent the
        preflight."""
        handler = Search(request, segments, method).visit(self.resource, depth)
        around = () if handler is None else handler.middleware
        return tuple(each for each in around if getattr(each, PREFLIGHT, False))

    def _patch_types(self, request: Request, segments: list[str], depth: int) -> tuple[str, ...]:
        """The media types of request bodies that the typed PATCH handler at this path accepts."""
        handler = Search(request, segments, "PATCH").visit(self.resource, depth)
        return () if handler is None or handler.plan is None else body_types(handler.plan)

    def _without_handler(self, request: Request, search: Search, segments: list[str], depth: int) -> Found:
        """The substitute handler for a request that no handler in the tree matches; for example, it sends a 404."""
        preflight = partial(self._preflight_middleware, request, segments, depth)
        patched = partial(self._patch_types, request, segments, depth)
        apps = search.apps or (self,)
        return handler_without_route(request, search, apps, node_of(self.resource).extra, preflight, patched)

    def family(self) -> "list[App]":
        """This app and all apps mounted in it, each once."""
        family = [self]
        for _, _, mounted in self._mounts:
            if isinstance(mounted, App):
                family += [app for app in mounted.family() if app not in family]
        return family


def _takes_all(handler: Handler, params: dict[str, Any]) -> bool:
    return handler.takes is None or handler.takes.issuperset(params)


def _hosts_whole_tree(root: Resource) -> bool:
    """Whether the tree consists of one hosted application and has no other handlers."""
    node = root.tree_node
    return isinstance(node.mounted, Hosted) and not (node.children or node.captures or node.handlers)
