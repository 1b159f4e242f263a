"""The class `Request`: parts of a request are parsed only when they are read. It also has methods with which a handler
responds."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, Protocol, cast

from ropewalk._engine import (
    PENDING,
    EngineHandler,
    ExactTypes,
    FirstSegmentRunner,
    HTMLEscape,
    SignedContent,
    SignedText,
    TaskCore,
    ValueWithFields,
    ValueWithStatus,
)
from ropewalk.cookies import parse_cookies
from ropewalk.errors import ExchangeError, HandlerError
from ropewalk.headers import Headers
from ropewalk.logs import OF_ROPEWALK, REDACTED, Redaction, log_value
from ropewalk.request.client_certificate import ClientCertificate
from ropewalk.request.preconditions import ConditionalExchange
from ropewalk.request.query import QueryParams

if TYPE_CHECKING:
    from ropewalk.calling.settling import BegunBody
    from ropewalk.response import Response
    from ropewalk.sessions import Session

__all__ = [
    "PENDING",
    "Address",
    "EngineHandler",
    "ExactTypes",
    "FirstSegmentRunner",
    "HTMLEscape",
    "Request",
    "SignedContent",
    "SignedText",
    "TaskCore",
    "ValueWithFields",
    "ValueWithStatus",
]

Arguments = ParamSpec("Arguments")

Address = tuple[str, int] | str | None
"""A host and port, the path of a UNIX socket, or None if there is no address."""


class SessionSource(Protocol):
    """The object that makes the session of a request when the session is first read."""

    def session_of(self, request: "Request") -> "Session":
        """The session of a request."""


class Request(ConditionalExchange):
    """One request and its response. The engine creates it.

    The engine provides `method`, `path` (decoded), `raw_path` (bytes as sent), `query_string`, `target`,
    `http_version`, `scheme`, `host`, `client`, `server` and `peer` (`(host, port)`, the path of a UNIX socket, or
    None), `content_length` (bytes), `has_body`, `params` (the parameters of the path), and `header(name)`, which reads
    one field without building `headers`.

    `peer` is the other end of the connection. `client` is the same, unless the peer is one of the app's
    `TrustedProxies`: then it is the client that the proxy reports. The port in `client` is 0 if the proxy reports no
    port, and `client` is None if the proxy reports no client.

    Resources that return `NOT_DONE_YET` and send the response themselves use Twisted's names: `setResponseCode`,
    `setHeader`, `getHeader`, `addCookie`, `redirect`, `write`, `finish`, `processingFailed`, `notifyFinish`,
    `registerProducer`, `unregisterProducer`, `isSecure`, `args`, `prepath`, `postpath` and `uri`. A status or header
    field that is set in this way replaces the status or field of the handler's return value. If the handler raises an
    exception, such a status or field is dropped.
    """

    __slots__ = (
        "_cookies",
        "_failing",
        "_has_read_session",
        "_headers",
        "_logged",
        "_query",
        "_route",
        "_state",
        "begun",
        "dependency_scope",
        "failed",
        "kept_session",
        "outcome",
        "outlives_exchange",
        "session_source",
    )

    _cookies: Mapping[str, str]
    _failing: bool
    _has_read_session: bool
    """True once any code has read `session`; otherwise unset."""
    _headers: Headers
    _logged: dict[str, Any]
    _query: QueryParams
    _route: str | None
    _state: SimpleNamespace
    begun: "Sequence[BegunBody]"
    """Streamed bodies whose first part was produced inside middleware. Unset outside middleware."""
    dependency_scope: Any
    """The OpenGenerators of a typed handler while it has dependencies to close; otherwise unset."""
    failed: "tuple[Response, TracebackType | None] | None"
    """The response that was last made from an error, and the traceback of the error. Unset outside middleware."""
    kept_session: "Session | None"
    """The session; None until any code reads `session`. Unset without the `sessions` middleware."""
    outcome: tuple[Any, BaseException | None]
    """What the handler has returned or raised, if it was called before the coroutine of its middleware."""
    outlives_exchange: bool
    """True if the handler runs although the exchange has ended, because its response is for other requests. Otherwise
    unset."""
    session_source: "SessionSource"
    """Makes the session when it is first read. Unset without the `sessions` middleware."""

    @property
    def headers(self) -> Headers:
        """The header fields of the request."""
        try:
            return self._headers
        except AttributeError:
            self._headers = Headers.received(self.raw_headers())
            return self._headers

    @property
    def query(self) -> QueryParams:
        """The query parameters, decoded as UTF-8."""
        try:
            return self._query
        except AttributeError:
            self._query = QueryParams(self.query_string)
            return self._query

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies by name (RFC 6265, section 5.4), as a read-only mapping.

        To set a cookie, call `set_cookie` of a response. To change a copy, use `dict(request.cookies)`.
        """
        try:
            return self._cookies
        except AttributeError:
            given = self.header("cookie") and "; ".join(self.headers.all("cookie"))
            self._cookies = parse_cookies(given)
            return self._cookies

    def set_cookie(self, *given: Any, **options: Any) -> NoReturn:
        """Raises HandlerError (RW272), because only a response sets cookies. Call `set_cookie` of the response."""
        del given, options
        raise HandlerError("RW272", "`set_cookie` of a request was called.")

    @property
    def has_read_cookies(self) -> bool:
        """Whether the request has cookies, and any code has read them."""
        return bool(self.cookies if hasattr(self, "_has_read_session") else getattr(self, "_cookies", None))

    @property
    def has_parsed_cookies(self) -> bool:
        """Whether any code has read the cookies, even if the request has none."""
        return hasattr(self, "_cookies")

    @property
    def has_used_session(self) -> bool:
        """Whether any code has read or changed the session."""
        return hasattr(self, "_has_read_session")

    @property
    def client_certificate(self) -> ClientCertificate | None:
        """The verified certificate of the peer, if the server asks for one (`TLSOptions.client_ca`); otherwise None.

        Behind a proxy, it is the certificate of the proxy.
        """
        found: ClientCertificate | None = getattr(self.owner, "client_certificate", None)
        return found

    @property
    def url(self) -> str:
        """The full URL of the request. It is the URL that the client used, unless a proxy has rewritten it."""
        query = b"?" + self.query_string if self.query_string else b""
        return f"{self.scheme}://{self.host}{(self.raw_path + query).decode('ascii')}"

    @property
    def route(self) -> str | None:
        """The pattern of the route that matched, such as "/users/{id}", as it is written in the code, after the paths
        of the mounts around it. For a resource that handles all paths below its own, the pattern ends in "/{...}". None
        if no route matches the path and the method, or if the handler has not been found yet.
        """
        try:
            return self._route
        except AttributeError:
            if self.engine_handler is None:
                return None
            self._route = self._find_route()
            return self._route

    def _find_route(self) -> str | None:
        return cast("str | None", self.service.app.route_of(self))

    def _is_outside_of_sessions(self) -> bool:
        """Whether the middleware `sessions` is around the handler of this request, but has not been called yet."""
        handler = None if self.engine_handler is None else self.engine_handler.call
        around = (each for app in getattr(handler, "ropewalk_apps", ()) for each in app.middlewares)
        return any(hasattr(getattr(each, "__self__", each), "ropewalk_has_session") for each in around)

    @property
    def session(self) -> "Session":
        """The session of the client: a mapping. Raises HandlerError (RW250) without the middleware `sessions`."""
        try:
            session = self.kept_session
        except AttributeError:
            what = f"{self.method} {self.path} has no session."
            if self._is_outside_of_sessions():
                what = f"{self.method} {self.path} has no session yet: middleware outside of `sessions` uses it."
                raise HandlerError("RW250", what, "Put `sessions(...)` before this middleware.") from None
            raise HandlerError("RW250", what) from None
        if session is None:
            session = self.kept_session = self.session_source.session_of(self)
        self._has_read_session = True  # the response may depend on the user
        return session

    @property
    def has_session(self) -> bool:
        """Whether the middleware `sessions` is around the code that reads this."""
        return hasattr(self, "session_source")

    @property
    def state(self) -> SimpleNamespace:
        """A namespace in which middleware and handlers share values for this request."""
        state = getattr(self, "_state", None)  # usually there is none, and a caught AttributeError costs more
        if state is None:
            state = self._state = SimpleNamespace()
        return state

    def url_for(self, name: str, /, **params: Any) -> str:
        """The path of a named route. Raises TreeError as `App.url_for`. In a handler of a mounted app or Routes class,
        the routes of this app or class are searched first. The path then begins with the mount of this request, and the
        parameters in the path of the mount need not be given. Next, the routes of the apps around it are searched, and
        last the served app, as `App.url_for` does.
        """
        return cast("str", self.service.app.url_for_request(self, name, params))

    def log(self, **fields: Any) -> None:
        """Add fields to the line of this request in the access log, and to the lines that are logged from now on in the
        context of this request: `request.log(room=5)`.

        The access log has them if its format is JSON, or if its template or its fields name them. Values are text,
        numbers and what JSON has; other values become text. A value whose name is secret is not logged. Raises
        ExchangeError (RW330) for the name of a field that Ropewalk sets.
        """
        logged = getattr(self, "_logged", None)
        if logged is None:
            logged = self._logged = {}
        redaction = getattr(self.service, "redaction", None) or Redaction()
        for name, value in fields.items():
            if name in OF_ROPEWALK:
                raise ExchangeError("RW330", f"request.log got the field {name!r}, which Ropewalk sets.")
            logged[name] = REDACTED if redaction.is_secret(name) else redaction.of_value(name, value)
            self.set_log_field(name, log_value(logged[name]))

    @property
    def logged(self) -> Mapping[str, Any]:
        """The fields that `log` has added."""
        return getattr(self, "_logged", {})

    def after(self, function: Callable[Arguments, Any], /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        """Call a function when the response has been sent and the dependencies are closed: `after(send_mail, guest)`.

        A Deferred or coroutine that the function returns is awaited. The functions of a request are called one after
        another, with the context variables that are set at the call of `after`. If the handler, a middleware or a
        stream raises an exception, the functions added before are dropped. If the client disconnects after the response
        has begun, they still run. An exception of a function is logged (RW264). A graceful shutdown waits for the
        functions until its deadline, and then cancels them (RW265).

        Functions run on the reactor's thread. Move blocking work to another thread: `after(deferToThread, work)`.
        Raises HandlerError (RW262) if `function` cannot be called, and HTTPError 503 if 10,000 functions of the app are
        waiting (RW263).
        """
        calls = getattr(self, "_after", None)
        if calls is None:
            calls = self._after = self.service.app.background.of(self)
        calls.add(function, args, kwargs)

    # The following methods are called by other modules of Ropewalk.

    def attach_sessions(self, source: "SessionSource") -> None:
        """Set the object that makes the session. The middleware `sessions` calls this."""
        self.session_source, self.kept_session = source, None

    def is_failing(self) -> bool:
        """Return whether this method was already called. If so, the response to an error has itself failed."""
        failing = getattr(self, "_failing", False)
        self._failing = True
        return failing

    def fail_with(self, error: BaseException, response: "Response") -> "Response":
        """Remember the response made from an error, in case a middleware raises the error again.

        Return a copy with the error.
        """
        response = response.with_error(error)
        self.failed = response, error.__traceback__
        return response

    def has_failed_with(self, error: BaseException) -> bool:
        """Whether a response was made from this exception object."""
        return self.failed is not None and self.failed[0].error is error

    def note_failure(self, error: BaseException) -> None:
        """Pass the error to the handler's dependencies when they are closed, and drop the functions added with
        `after`."""
        scope = getattr(self, "dependency_scope", None)
        if scope is not None:
            scope.fail(error)
        after = getattr(self, "_after", None)
        if after is not None:
            after.note_failure(error)

    def forget_failure(self) -> None:
        """Break the cycle of the response and its exception.

        The traceback of the exception leads to the frames of middleware, which hold the response: since Python 3.12,
        the frame of a coroutine refers to the frame that awaited it even after its end.
        """
        assert self.failed is not None
        response, _ = self.failed
        response.forget_error()
        self.failed = None

    def note_closed(self, scope: Any) -> None:
        """Record that the dependencies of a handler are closed."""
        if getattr(self, "dependency_scope", None) is scope:  # false if a middleware has called the handler again
            del self.dependency_scope
        after = getattr(self, "_after", None)
        if after is not None:
            after.note_end()

    def failure(self) -> "Response":
        """Return the response made from an error.

        If middleware raised the error again, the frames of this middleware are removed from the traceback.
        """
        assert self.failed is not None
        response, trace = self.failed
        assert response.error is not None
        response.error.__traceback__ = trace
        return response
