"""An app: a tree of resources, the middleware and error handlers around it, and its start and stop."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar
from weakref import WeakSet

from twisted.internet.defer import DeferredList
from twisted.logger import Logger

from ropewalk.calling import ErrorHandlers, FailedLookup, call_hook, start
from ropewalk.errors import HandlerError, HTTPError, interrupts, named
from ropewalk.methods import REGISTERED
from ropewalk.middleware import Middleware, chain, check
from ropewalk.proxies import TrustedProxies
from ropewalk.request import Endpoint, Request
from ropewalk.resource import (
    Found,
    Handler,
    Hosted,
    Owner,
    Resource,
    Search,
    hosted_below,
    node_of,
    not_allowed,
    redirect_to_path,
    split_path,
)
from ropewalk.response import Response
from ropewalk.routing import Routes
from ropewalk.tracebacks import shown_failure
from ropewalk.waiting import Moment, Waiter

if TYPE_CHECKING:
    from ropewalk._engine import Limits
    from ropewalk.server import Listening

log = Logger(namespace="ropewalk.app")

Function = TypeVar("Function", bound=Callable[..., Any])
Hook = Callable[[], Any]
TrailingSlash = Literal["redirect", "strict", "ignore"]


class ServerFunctions(NamedTuple):
    """What `App.listen` and `App.run` call. The server is a layer above the app, so it registers them here."""

    listen: "Callable[..., Listening]"
    run: Callable[..., None]


_server: Final[list[ServerFunctions]] = []


def register_server(functions: ServerFunctions) -> None:
    """Have apps served by these functions. `ropewalk.server` calls it when it is imported."""
    _server[:] = [functions]


class App(Routes):
    """A service. It grows a tree by decorators, and may be mounted in another app.

    `trailing_slash` says what happens to a path that would be found with a slash at its end put there or taken away:
    "redirect" (308), "ignore" (both have the same response) or "strict" (404). Where it is not given, an app that is
    mounted does as the one around it, and the app that is served redirects. `limits` are the engine's. `proxies` are
    those whose word on the client counts; by default nobody's does. Limits and proxies of the app that is served count,
    not those of one that is mounted. With `debug`, a 500 shows the traceback to the client.
    """

    def __init__(
        self,
        *,
        middleware: Iterable[Middleware] = (),
        limits: "Limits | None" = None,
        proxies: TrustedProxies | None = None,
        debug: bool = False,
        trailing_slash: TrailingSlash | None = None,
    ) -> None:
        super().__init__()
        self.limits = limits
        self.proxies = proxies
        self.debug = debug
        self.trailing_slash = trailing_slash
        self.errors = ErrorHandlers()
        self.middlewares: list[Middleware] = [check(each) for each in middleware]
        """Outermost first."""
        self.server: Any = None
        """What serves this app since `listen`."""
        self.start_hooks: list[Hook] = []
        self.stopping_hooks: list[Hook] = []
        self.stop_hooks: list[Hook] = []
        self.stop_begins = Moment()
        self._endpoints: dict[tuple[Handler, tuple[Any, ...], bool, bool], Endpoint] = {}
        self._sole: dict[str, Endpoint] | None = None
        """By method, where something hosted is all there is, and no search need be made; else None."""
        self._listeners: WeakSet[Owner] = WeakSet()
        node = node_of(self.resource)
        node.app = self
        node.own(self)

    # What users declare besides routes

    def middleware(self, function: Middleware) -> Middleware:
        """Put a middleware inside those that are there: `async def middleware(request, next)`."""
        self.middlewares.append(check(function))
        node_of(self.resource).changed(set())
        return function

    def error(self, kind: int | type[Exception]) -> Callable[[Function], Function]:
        """Have a function `(request, error)` make the response for an exception class or a status (400 to 599).

        The innermost app's nearest class counts; for an HTTPError its status comes before HTTPError itself. A class of
        exceptions that is named here is expected, and logged only where its response has status 500. What is not
        expected is logged as an error, and then shaped by the error handler for `Exception`, else by that for 500.
        HTTPErrors and clients that leave are none of `Exception`'s. Ropewalk's own errors (RW...) are for handlers of
        RopewalkError or its classes, not of ValueError and the like, from which some derive.

        Raises HandlerError (RW206).
        """
        given: Any = kind
        if callable(given) and not isinstance(given, type):
            what = f"{named(given)} is registered as an error handler for no kind of error."
            raise HandlerError("RW206", what, "Write `@app.error(404)`, with its status or exception class.")

        def register(function: Function) -> Function:
            self.errors.add(kind, function)
            node_of(self.resource).changed(set())
            return function

        return register

    def converter(self, converter: Any) -> None:
        """Add a Converter for path parameters, before the routes that need it."""
        self.converters[converter.name] = converter

    def on_start(self, function: Function) -> Function:
        """Have a function without parameters, plain or async, called before the first request is accepted."""
        self.start_hooks.append(function)
        return function

    def on_stopping(self, function: Function) -> Function:
        """Have a function without parameters, plain or async, called when a stop begins, while requests still run.

        Here long work is told to end: what waits for news, say. Streams of events (`text/event-stream`) end by
        themselves. The stop hooks are called when it is over, too.
        """
        self.stopping_hooks.append(function)
        return function

    def on_stop(self, function: Function) -> Function:
        """Have a function without parameters, plain or async, called when the last request is answered."""
        self.stop_hooks.append(function)
        return function

    @property
    def stopping(self) -> Waiter[None]:
        """A new wait for the moment at which a stop of this app, or of the one that it is mounted in, begins."""
        return self.stop_begins.wait()

    @property
    def is_stopping(self) -> bool:
        """Whether a stop has begun. Any thread may ask."""
        return self.stop_begins.passed

    # Serving

    def listen(
        self,
        reactor: Any,
        endpoint: str,
        *,
        limits: "Limits | None" = None,
        proxies: TrustedProxies | None = None,
    ) -> "Listening":
        """Serve on an endpoint such as "tcp:8080", "tcp:0:interface=127.0.0.1" or "unix:/run/app.sock".

        Limits and proxies that are given the first time hold wherever the app listens in this reactor. Raises
        StartError: RW401 for the description, RW404 for limits or proxies that would not count; and EngineError
        (RW502) where the socket cannot be opened, (RW503) where the reactor runs in another thread.
        """
        return _server[0].listen(self, reactor, endpoint, limits=limits, proxies=proxies)

    def run(self, host: str = "127.0.0.1", port: int = 8080, *, half_close: bool = False, **options: Any) -> None:
        """Serve on an asyncio reactor until SIGINT or SIGTERM, then drain. `options` are `ropewalk.server.run`'s.

        With `half_close`, clients may close their sending side and wait for their responses.
        """
        _server[0].run(self, host, port, half_close=half_close, **options)

    async def start(self) -> None:
        """Call what `on_start` registered, here and in mounted apps, and start what is hosted.

        Where that fails, what is hosted is stopped again.
        """
        for app in self.family():
            if app.stop_begins.passed:  # else a waiter may hold it already
                app.stop_begins = Moment()
        started: list[App | Hosted] = []
        try:
            for each in self._living():
                if isinstance(each, Hosted):
                    started.append(each)
                for hook in each.start_hooks:
                    await call_hook(hook)
        except BaseException:
            await self._stop(call_hook, started)
            raise

    def begin_stop(self, call: Callable[[Hook], Awaitable[None]] = call_hook) -> Waiter[None]:
        """Call what `on_stopping` registered, here and in mounted apps, all at once. Fires when that is through.

        `call` is how a hook is called. A failure is logged and does not keep the others. Cancelling it cancels the
        hooks that wait.
        """
        for app in self.family():
            app.stop_begins.fire()
        return _call_together([hook for each in self._living() for hook in each.stopping_hooks], call)

    def finish_calls(self, seconds: float | None = None) -> Waiter[None]:
        """Wait for what is hosted and runs after its responses, all at the same time, and cut it after `seconds`.

        None stands for the limit `drain_timeout`. A failure is logged and does not keep the others.
        """
        return _call_together([partial(each.finish_calls, seconds) for each in hosted_below(self.resource)])

    def cut_calls(self) -> None:
        """Have `finish_calls` wait no longer."""
        for each in hosted_below(self.resource):
            each.cut_calls()

    async def stop(self) -> None:
        """Stop what is hosted, and call what `on_stop` registered, the last first.

        A failure is logged and does not keep the others.
        """
        await self.finish_calls()
        await self.call_stop_hooks()

    async def call_stop_hooks(self, call: Callable[[Hook], Awaitable[None]] = call_hook) -> None:
        """`stop` after `finish_calls`, with each hook called in this way."""
        await self._stop(call)

    # Called by the engine's service and the tree

    def resolve(self, request: Request) -> Endpoint:
        """What answers a request."""
        try:
            segments = split_path(request.raw_path)
        except HTTPError as error:
            return self.refuse(error)
        endpoint = None if self._sole is None else self._sole.get(request.method)
        if endpoint is None:
            return self.resolve_below(request, segments, 0)
        request.set_paths([], segments)
        return endpoint

    def resolve_below(self, request: Request, segments: list[str], depth: int) -> Endpoint:
        """What answers a request where this app stands behind so many of the segments of its path."""
        search = Search(request, segments)
        try:
            handler = search.visit(self.resource, depth)
        except BaseException as error:
            if interrupts(error):
                raise
            return _refusing(error, search.scope or (self,))
        if handler is None:
            handler, params, scope, static, lasting = self._otherwise(request, search)
        else:
            params, scope, static, lasting = search.params, search.scope, search.static, search.lasting
        foreign = False
        if params:
            request.params = params
            foreign = len(params) > len(handler.names) and handler.pass_params and not _takes_all(handler, params)
        if not lasting:
            return _make_endpoint(handler, scope, static, foreign)
        key = (handler, scope, static, foreign)
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            endpoint = self._endpoints[key] = _make_endpoint(handler, scope, static, foreign)
        if self._sole is not None and not static and not depth and request.method in REGISTERED:
            self._sole[request.method] = endpoint
        return endpoint

    def refuse(self, error: HTTPError) -> Endpoint:
        """What responds to a request that has no way through the tree."""
        return _refusing(error, (self,))

    def watch(self, listener: Owner) -> None:
        """Have a listener told of changes. It is held weakly."""
        self._listeners.add(listener)

    def changed(self, seen: set[int]) -> None:
        """The tree is another now."""
        self._endpoints.clear()
        self._sole = {} if _has_sole(self.resource) else None
        for listener in tuple(self._listeners):
            listener.changed(seen)

    async def _stop(
        self, call: Callable[[Hook], Awaitable[None]], started: "Sequence[App | Hosted] | None" = None
    ) -> None:
        """Stop all, or what has been started, with a hook called in this way."""
        for each in reversed(self._living() if started is None else started):
            for hook in reversed(each.stop_hooks):
                await _call_logged(hook, call)

    def _otherwise(self, request: Request, search: Search) -> Found:
        """What answers where the tree has no handler."""
        scope = search.scope or (self,)
        allowed = sorted(search.allowed or ())
        if request.method == "OPTIONS" and (allowed or request.target == b"*"):
            return _passing(partial(_options, ", ".join(allowed)), scope)
        known = node_of(self.resource).extra
        if allowed or not (request.method in REGISTERED or request.method in known):
            return _passing(partial(_refuse, not_allowed(request.method, allowed, known)), scope)
        policy = next((app.trailing_slash for app in reversed(scope) if app.trailing_slash is not None), "redirect")
        if search.slash is None or policy == "strict":
            return Found(_NOT_FOUND, {}, scope, static=False, lasting=True)
        if policy == "ignore":
            return search.slash
        return Found(_REDIRECT, {}, scope, static=False, lasting=True)

    def _living(self) -> "list[App | Hosted]":
        """What starts and stops with this app."""
        return [*self.family(), *hosted_below(self.resource)]

    def family(self) -> "list[App]":
        """This app and those mounted in it, each once."""
        family = [self]
        for _, _, mounted in self._mounts:
            if isinstance(mounted, App):
                family += [app for app in mounted.family() if app not in family]
        return family


def _call_together(hooks: "Sequence[Hook]", call: Callable[[Hook], Awaitable[None]] = call_hook) -> Waiter[None]:
    """Call hooks at the same time, in this way. Fires when all have ended; cancelling it cancels those that wait."""
    calls = DeferredList([start(_call_logged(hook, call)) for hook in hooks], consumeErrors=True)
    through: Waiter[None] = Waiter(lambda _: calls.cancel())
    calls.addCallback(lambda _: through.callback(None))
    return through


async def _call_logged(hook: Hook, call: Callable[[Hook], Awaitable[None]] = call_hook) -> None:
    """Call a hook of a stop, in this way. A failure is logged."""
    try:
        await call(hook)
    except Exception as error:  # noqa: BLE001 - the others must still be called, and the app stopped
        log.failure("RW208 {hook} failed while the app was stopping.", shown_failure(error), hook=named(hook))


def _refusing(error: BaseException, scope: tuple[Any, ...]) -> Endpoint:
    """What raises, inside the middleware of a scope, an error that was met on the way to a handler."""
    return _make_endpoint(Handler(FailedLookup(error), whole_body=False), scope, static=False)


def _takes_all(handler: Handler, params: dict[str, Any]) -> bool:
    return handler.takes is None or handler.takes.issuperset(params)


def _with_own_params(handler: Handler) -> Handler:
    """A handler that is not given those parameters of the mounts around it that it does not take."""
    call, takes = handler.call, handler.takes or ()

    def with_own_params(request: Request) -> Any:
        params = request.params
        return call(request, **{name: params[name] for name in takes if name in params})

    with_own_params.__wrapped__ = call  # type: ignore[attr-defined] # error messages find the user's code by it
    return replace(handler, call=with_own_params, pass_params=False)


def _make_endpoint(handler: Handler, scope: tuple[Any, ...], static: bool, foreign: bool = False) -> Endpoint:
    """`foreign`: there are parameters that the handler does not take."""
    if foreign:
        handler = _with_own_params(handler)
    if any(app.middlewares for app in scope) or any(app.errors for app in scope[1:]) or not handler.utf_8:
        call: Callable[..., Any] = chain(handler, scope)
        whole_body = pass_params = False
    else:
        call, whole_body, pass_params = handler.call, handler.whole_body, handler.pass_params
    return Endpoint(
        call,
        whole_body=whole_body,
        body_limit=handler.body_limit,
        pass_params=pass_params,
        static=static,
        text_type=handler.text_type,
        bytes_type=handler.bytes_type,
        half_close=handler.half_close,
    )


def _has_sole(root: Resource) -> bool:
    """Whether something hosted answers for all paths, with nothing beside it."""
    node = root.tree_node
    return isinstance(node.mounted, Hosted) and not (node.children or node.captures or node.handlers)


def _passing(call: Callable[[Request], Any], scope: tuple[Any, ...]) -> Found:
    """A handler for one request."""
    return Found(Handler(call, whole_body=False), {}, scope, static=False, lasting=False)


def _options(allowed: str, request: Request) -> Response:
    """RFC 9110, section 9.3.7."""
    del request
    return Response(None, 204, {"allow": allowed} if allowed else {})


def _refuse(error: HTTPError, request: Request) -> Response:
    """RFC 9110, sections 15.5.6 and 15.6.2."""
    del request
    raise error


def _not_found(request: Request) -> Response:
    del request
    raise HTTPError(404)


def _redirect(request: Request) -> Response:
    path = request.raw_path.decode("ascii")
    return redirect_to_path(path[:-1] if path.endswith("/") else f"{path}/", request)


_NOT_FOUND = Handler(_not_found, whole_body=False)
_REDIRECT = Handler(_redirect, whole_body=False)
