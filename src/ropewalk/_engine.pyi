"""The Python interface of the native engine. It is maintained by hand, and stubtest compares it with the module."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextvars import Context
from typing import Any, ClassVar, Final, Protocol, Self, final

from typing_extensions import disjoint_base

__all__ = [
    "PENDING",
    "BoundaryFinder",
    "Connection",
    "ContentDecoder",
    "Engine",
    "EngineHandler",
    "ExactTypes",
    "Exchange",
    "FirstSegmentRunner",
    "HTMLEscape",
    "Limits",
    "Pending",
    "Pipe",
    "SignedContent",
    "SignedText",
    "TaskCore",
    "ValueWithFields",
    "ValueWithStatus",
    "__version__",
    "open_beneath",
    "self_test",
    "urlencoded_pairs",
]

__version__: Final[str]

_Address = tuple[str, int] | str | None
_Field = tuple[bytes | str, bytes | str]
_Fields = dict[bytes, list[bytes]] | Iterable[_Field]

@final
class Pending:
    """The type of `PENDING`."""

PENDING: Final[Pending]

@final
class Limits:
    """All limits and timeouts of the engine: immutable, in seconds, in bytes, or as a count."""

    names: ClassVar[tuple[str, ...]]

    def __new__(cls, **limits: float) -> Limits: ...
    def replace(self, **limits: float) -> Limits: ...
    @property
    def head_timeout(self) -> float: ...
    @property
    def idle_timeout(self) -> float: ...
    @property
    def body_timeout(self) -> float: ...
    @property
    def body_rate(self) -> int: ...
    @property
    def body_grace(self) -> float: ...
    @property
    def write_timeout(self) -> float: ...
    @property
    def linger_timeout(self) -> float: ...
    @property
    def linger_total_time(self) -> float: ...
    @property
    def linger_size(self) -> int: ...
    @property
    def half_close_timeout(self) -> float: ...
    @property
    def drain_timeout(self) -> float: ...
    @property
    def drain_grace(self) -> float: ...
    @property
    def request_line(self) -> int: ...
    @property
    def head_size(self) -> int: ...
    @property
    def head_fields(self) -> int: ...
    @property
    def body_size(self) -> int: ...
    @property
    def chunk_extensions(self) -> int: ...
    @property
    def trailer_size(self) -> int: ...
    @property
    def trailer_fields(self) -> int: ...
    @property
    def spool_size(self) -> int: ...
    @property
    def read_buffer(self) -> int: ...
    @property
    def write_buffer(self) -> int: ...
    @property
    def discard_size(self) -> int: ...
    @property
    def connections(self) -> int: ...
    @property
    def backlog(self) -> int: ...
    @property
    def turn_events(self) -> int: ...
    @property
    def turn_time(self) -> float: ...

class EngineCallbacks(Protocol):
    """The Python functions that the engine calls, always in the reactor's thread and never while the engine is
    locked."""

    request: type[Exchange]
    """The class of requests. The engine calls it without arguments for every request."""

    encode_json: Callable[[Any], bytes]
    json_types: tuple[type, ...]
    """Types other than dict and list whose instances the engine passes to `encode_json`."""

    # The attribute `response`, if there is one, is the class `Response`. The engine sends instances whose `_headers`
    # and `_reason` are None: `body` with `status` and, as its only field, the Content-Type `_kind`.

    def resolve(self, request: Any, /) -> EngineHandler:
        """Return the handler for a request. It may set `request.params`.

        For a static handler, it is called only once for each path and method.
        """

    drive: Callable[[Any, Any, Any], Any]
    """`drive(request, coroutine, context)` runs a coroutine until it first suspends. It returns its value, or `PENDING`
    if it has suspended. A `FirstSegmentRunner` costs less than any other callable."""

    def send_value(self, request: Any, value: Any, /) -> None:
        """Respond with a handler's value that the engine does not encode itself, or that `encode_json` has refused."""

    def fail(self, request: Any, error: BaseException, /) -> None:
        """Respond to an exception of a handler or of `resolve`."""

    def arm(self, seconds: float, /) -> None:
        """Call `Engine.tick` after this many seconds, and cancel the call of an earlier `arm`."""

    def drained(self, cut: int, /) -> None:
        """Called when the drain has finished. `cut` exchanges were aborted at its deadline."""

    def report(self, level: str, code: str, message: str, /) -> None:
        """Log a line. The level is "debug", "info", "warn" or "error"."""

    def access_log_ready(self) -> None:
        """Call `Engine.take_access_log`, because enough lines are ready to be written."""

class EngineCallbacksWithOwners(EngineCallbacks, Protocol):
    """Callbacks with which the owner of a connection handles all its requests. `resolve` is not called."""

    def opened(self, connection: Connection, client: _Address, /) -> Any:
        """Return the owner of a new connection, or None.

        The engine calls `begin(exchange)` of the owner for every request. When everything is sent, the sending side is
        closed and the engine only waits for the client, it calls `lingers()`. At the end, it calls `closed(how)`, where
        `how` is "done", "lost", "cut" or "aborted". The sink of a pipe is also an owner, but the engine calls only its
        `begin`.
        """

@final
class EngineHandler:
    """The callable that handles a request, and how to call it."""

    def __new__(
        cls,
        call: Callable[..., Any],
        *,
        whole_body: bool = False,
        body_limit: int | None = None,
        pass_params: bool = False,
        static: bool = False,
        text_type: str = ...,
        bytes_type: str = ...,
        compress: bool | None = None,
        decompress: bool = False,
        half_close: str = "cancel",
    ) -> EngineHandler: ...
    @property
    def call(self) -> Callable[..., Any]: ...
    @property
    def whole_body(self) -> bool: ...
    @property
    def body_limit(self) -> int | None: ...
    @property
    def pass_params(self) -> bool: ...
    @property
    def static(self) -> bool: ...
    @property
    def text_type(self) -> str: ...
    @property
    def bytes_type(self) -> str: ...
    @property
    def compress(self) -> bool | None: ...
    @property
    def decompress(self) -> bool: ...
    @property
    def half_close(self) -> str:
        """What happens if the client closes its sending side before the response is complete: "cancel" ends a request
        that is waiting, "respond" calls its `on_half_close`, "finish" does nothing."""

@final
class ValueWithStatus:
    """A value that a handler has returned, and the status with which it is sent. The value is not None."""

    def __new__(cls, value: Any, status: int, /) -> ValueWithStatus: ...
    @property
    def value(self) -> Any: ...
    @property
    def status(self) -> int: ...

@final
class ValueWithFields:
    """A str or bytes that a handler has returned, and header fields that middleware has added to its response.

    `content_type` replaces that of the handler. Raises UnicodeEncodeError for text that UTF-8 cannot encode."""

    def __new__(
        cls, value: str | bytes, fields: tuple[tuple[str, str], ...], content_type: str | None = None, /
    ) -> ValueWithFields: ...
    @property
    def value(self) -> str | bytes: ...
    @property
    def fields(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def content_type(self) -> str | None: ...

@final
class ExactTypes:
    """Checks whether a value and all its nested values have exactly the classes that a type declares.

    The type is a list of nodes that refer to one another by index, because a class may contain itself. The first node
    is the whole type. A node has a class, whether None is allowed, the attributes with declared types, each with the
    number of its node, and for a list the number of the node of its items. An attribute may also be None or `unset`."""

    def __new__(
        cls, nodes: list[tuple[type, bool, list[tuple[str, int]], int | None]], unset: object, /
    ) -> ExactTypes: ...
    def __call__(self, value: object, /) -> bool:
        """Return whether a value and all its nested values have exactly the declared classes. False if it is nested
        more than 1,000 levels deep."""

@disjoint_base
class TaskCore:
    """The native part of a task: its coroutine and how to run it. `ropewalk.calling.Task` derives from it."""

    def __new__(cls, *_args: object, **_kwargs: object) -> Self: ...

    coroutine: Coroutine[Any, Any, Any]
    context: Context
    loop: AbstractEventLoop | None
    """The event loop that runs the coroutine. None on a reactor without asyncio."""
    marked: bool
    """Whether the task has state, such as a name, that must be kept when the coroutine waits."""

@disjoint_base
class FirstSegmentRunner:
    """Runs first segments of coroutines, each as the current task of asyncio.

    `make_task(coroutine, context, loop)` makes the task of a coroutine, a `TaskCore`, and `swap_task(loop, task)`
    replaces the current task of a loop."""

    def __new__(cls, make_task: Callable[..., Any], swap_task: Callable[[Any, Any], Any], /) -> Self: ...
    def __call__(self, request: Any, coroutine: Any, context: Context, loop: Any = None, /) -> Any:
        """Run a coroutine up to its first wait, in `context`. Returns the coroutine's value, or PENDING if it waits.

        If it waits, this has called `begin_wait` of its task with the request and the awaited object. Raises what the
        coroutine raises. `loop` is the running event loop, if the caller knows it."""
    @property
    def spare(self) -> list[Any]:
        """Tasks of coroutines that ended without waiting. The next coroutine reuses one of them."""

@disjoint_base
class Exchange:
    """One request and its response. The class `Request` derives from it."""

    def __new__(cls, *_args: object, **_kwargs: object) -> Exchange: ...

    # The request
    @property
    def method(self) -> str: ...
    @property
    def target(self) -> bytes: ...
    @property
    def raw_path(self) -> bytes: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> bytes: ...
    @property
    def http_version(self) -> str: ...
    @property
    def scheme(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def unix_date(self) -> int:
        """The current value of the Date field, in seconds since 1970."""
    @property
    def client(self) -> _Address: ...
    @property
    def peer(self) -> _Address: ...
    @property
    def server(self) -> _Address: ...
    @property
    def start_and_framing(self) -> tuple[bytes, bytes, bytes, bool, int | None]:
        """The method, target and version as they were sent, whether the connection is persistent, and the length of the
        body in bytes (None if it is chunked)."""
    @property
    def owner(self) -> Any:
        """The owner of the connection: the sink of a pipe, or the object that `EngineCallbacksWithOwners.opened` has
        returned; otherwise None."""
    @property
    def content_length(self) -> int | None: ...
    @property
    def has_body(self) -> bool: ...
    @property
    def service(self) -> Any:
        """The `EngineCallbacks` of the engine. For the request of an app, this is its `ropewalk.server.Service`."""
    @property
    def engine_handler(self) -> EngineHandler | None: ...
    params: dict[str, Any]
    prepared: bool
    """Set it to True so that the engine passes every value of the handler to `EngineCallbacks.send_value`, and encodes
    none itself."""
    notify_done: bool
    """Set it to True so that the engine calls `on_done` when the response is complete."""
    @property
    def elapsed(self) -> float | None:
        """Seconds since the head of the request was complete; None after the end of the response."""
    def set_log_field(self, name: str, value: bytes, /) -> None:
        """Set a field of the line in the access log. `value` is JSON. This does nothing after the end of the response,
        or if the log has no place for the field."""
    def header(self, name: str, /) -> str | None:
        """The value of a field. Several lines are joined with ", " (RFC 9110, section 5.3).

        None if the field is absent.
        """
    def values(self, name: bytes, /) -> list[bytes]:
        """The value of each line of a field, in order."""
    def only_cookie(self, name: bytes, /) -> str | None:
        """The value of a cookie (RFC 6265, section 5.4), in ISO 8859-1. None if it is not exactly once in the Cookie
        fields."""
    def combined_log_line(
        self, host: str, timestamp: str, request_line: tuple[bytes, bytes, bytes], status: int, size: int, /
    ) -> str | None:
        """A line of the access log in the combined format, as `twisted.web` writes it, with the referrer and the user
        agent of this request. None if a value must be escaped."""
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Every field line, in order, with the name in lower case."""
    def fill_asgi_scope(self, scope: dict[str, Any]) -> None:
        """Set the keys of an ASGI scope that depend on the head of the request: `http_version`, `method`, `scheme`,
        `path`, `raw_path`, `query_string`, `headers`, `client` and `server`."""

    # Its body
    middleware_body_limit: int | None
    """The body limit in bytes that middleware has set. It can only lower the limits that `receive` and `collect`
    use."""
    compress: bool | None
    """Whether the response is compressed; None for the choice of the handler, or else of the engine."""
    @property
    def compresses(self) -> bool:
        """Whether the response may be compressed: as `compress`, the handler or the engine says."""
    streamed: bool
    """Whether the parts of the body are read by `Request.stream`."""
    def receive(self, limit: int | None = None, /) -> None:
        """Begin to receive the body, and send 100 Continue if the client expects it.

        Raises BodyTooLarge if Content-Length exceeds the limit.
        """
    def collect(self, limit: int | None = None, /) -> None:
        """Like `receive`, but call `on_readable` only once, when the body is complete."""
    def collect_and_take(self, limit: int | None = None, /) -> bytes | None:
        """Like `collect`, but take the whole body if it has arrived and is in memory. None for any other body.

        This does nothing if `streamed` is set, or if the connection carries raw bytes.
        """
    def take(self) -> bytes | None:
        """Return the bytes that have arrived since the last call: b"" at the end of the body, None if nothing has
        arrived.

        Raises BodyTooLarge, BadBody or Disconnected.
        """
    @property
    def body_complete(self) -> bool: ...
    @property
    def spool(self) -> Any:
        """The temporary file of a collected body that is larger than `Limits.spool_size`, positioned at its start;
        otherwise None. If there is a file, `take` returns b""."""
    def trailers(self) -> list[tuple[bytes, bytes]]: ...

    # The response
    @property
    def started(self) -> bool:
        """Whether the head of the response is sent or queued."""
    @property
    def finished(self) -> bool:
        """Whether the response is complete, or the exchange has ended early."""
    @property
    def gone(self) -> bool:
        """Whether the exchange has ended before its response was complete."""
    @property
    def ending(self) -> str | None:
        """How the connection ends, if the exchange has ended early: "done", "lost", "cut" or "aborted".

        None before `on_gone`.
        """
    @property
    def status(self) -> int | None: ...
    @property
    def bytes_sent(self) -> int: ...
    def set_reason(self, status: int, reason: bytes, /) -> None:
        """Use this reason phrase instead of the registered one if the response has this status (RFC 9112, section 4).

        If it has control characters, `respond` or `begin` raises InvalidField.
        """
    def respond(self, status: int, fields: Iterable[_Field], body: bytes | str, /) -> None:
        """Send a whole response. The engine adds Content-Length, Date and Connection."""
    def respond_file(self, status: int, fields: Iterable[_Field], fd: int, offset: int, length: int, /) -> None:
        """Send a whole response whose body is a region of an open regular file.

        The engine duplicates the descriptor.
        """
    def interim(self, status: int, fields: Iterable[_Field], /) -> None:
        """Send an interim (1xx) response before the final one, such as 103 Early Hints (RFC 8297)."""
    def begin(self, status: int, fields: Iterable[_Field], length: int | None = None, /) -> None:
        """Send the head of a streamed response: with Content-Length if `length` is given, otherwise chunked (for
        HTTP/1.0, the end of the connection ends the body)."""
    @property
    def pressure(self) -> bool:
        """Whether a writer should wait until `on_writable` is called."""
    def write(self, data: bytes, /) -> bool:
        """Send a part of the body.

        Return False if the queue is over its high-water mark; `on_writable` is then called later.
        """
    def end(self, trailers: Iterable[_Field] | None = None, /) -> None:
        """End a streamed response."""
    def abort(self) -> None:
        """Close the connection at once, without the rest of the response."""
    def close_after(self) -> None:
        """Send `Connection: close` with this response, and close the connection after it."""
    def upgrade(self, fields: Iterable[_Field], /) -> None:
        """Respond with 101 and switch to another protocol.

        From now on, `take` and `write` transfer raw bytes, and `end` closes the connection.
        """

    # A response whose handler writes HTTP/1 itself: the engine adds only `Connection: close`, if it closes the
    # connection.
    def relay(self, status: int, reason: bytes, fields: _Fields, body: bytes, /) -> None:
        """Send a whole response, framed according to its fields."""
    def relay_head(self, status: int, reason: bytes, fields: _Fields, /) -> None:
        """Send the head. The engine enforces Content-Length; the handler frames chunks itself."""
    def relay_write(self, data: bytes, /) -> bool:
        """Send bytes unchanged.

        Return False if the queue is over its high-water mark; `on_writable` is then called later.
        """
    def relay_file(self, fd: int, offset: int, length: int, /) -> bool:
        """Send a region of an open regular file, if Content-Length frames the response.

        The engine takes ownership of the descriptor, and always closes it.
        """
    def relay_end(self) -> None:
        """End a response whose head `relay_head` has sent."""
    def switch_without_response(self) -> None:
        """Switch to another protocol like `upgrade`, but without a response.

        From now on, `take` and `relay_write` transfer raw bytes, and `end` closes the connection.
        """

    # Called by the engine; `Request` overrides them.
    def on_readable(self) -> None: ...
    def on_writable(self) -> None: ...
    def on_half_close(self) -> None:
        """Called if the client closes its sending side before the response begins, and the handler's `half_close` is
        "respond"."""
    def on_gone(self, reason: str, /) -> None:
        """Called if the exchange ends before its response is complete: the client has disconnected or stalled, or the
        server has aborted the exchange."""
    def on_done(self) -> None:
        """Called when the response is complete, if `notify_done` is set."""

@final
class Pipe:
    """A connection without a socket: its input is passed to `feed`, and its output goes to the sink."""

    def feed(self, data: bytes, /) -> None: ...
    def eof(self) -> None:
        """Report that the client has closed its sending side."""
    def lost(self) -> None:
        """Report that the connection is lost."""
    def pause(self) -> None:
        """Keep the output, and let writers wait, because the sink is full."""
    def resume(self) -> None:
        """Pass output to the sink again, because it has space."""
    @property
    def pending(self) -> int:
        """The number of received bytes that belong to no request yet, or to a body that no code receives."""
    def run_turn(self) -> bool:
        """Run a turn of the engine now, unless one is running. Return whether another turn would find work."""
    def serve_events(self) -> None:
        """Serve the events of only this pipe now, unless a turn is running."""
    def flush_output(self) -> None:
        """Pass the output to the sink now, even while a turn is running. This serves no events."""
    def close(self) -> None:
        """Close the pipe after its output is sent, even if a response is incomplete.

        This serves no other connection.
        """
    def disconnect(self) -> None:
        """Like `lost`, but this serves no other connection."""
    def set_idle_timeout(self, seconds: float, /) -> None:
        """Replace `Limits.idle_timeout` for this pipe (in seconds; 0: no limit).

        This is also the longest pause of the client within a request, if the limits do not set a shorter one.
        """

@final
class Connection:
    """A connected socket of the engine, as its owner uses it."""

    @property
    def peer(self) -> _Address: ...
    @property
    def server(self) -> _Address: ...
    def fileno(self) -> int:
        """The socket's descriptor, or -1 if it is closed."""
    def set_idle_timeout(self, seconds: float, /) -> None:
        """Like `Pipe.set_idle_timeout`."""
    def close(self) -> None:
        """Close the connection after its output is sent, even if a response is incomplete."""
    def abort(self) -> None:
        """Close the connection at once, with a TCP reset."""
    def release(self) -> tuple[int, bytes]:
        """Remove the connection from the engine, if no request has begun on it.

        Return its descriptor, which the caller must close, and the bytes that were read. Raises RuntimeError if the
        connection is in use.
        """

class PipeSink(Protocol):
    """The object to which a pipe writes.

    If it has a method `refuse()`, it responds itself to requests that are refused with 400.
    """

    def write(self, data: bytes, /) -> None: ...
    def end_writing(self) -> None:
        """Close the sending side, because all output is written.

        Continue to feed input until `close`: the engine drops it, so that the client can read the response before the
        connection closes.
        """
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

@final
class Engine:
    """Serves listening sockets and connections. The event loop watches only the engine's one descriptor."""

    def __new__(cls, callbacks: Any, limits: Limits | None = None) -> Engine: ...
    def fileno(self) -> int:
        """The descriptor that the reactor must watch for reading."""
    def turn(self) -> None:
        """Run one turn of limited length: read the sockets, call the handlers, send the responses."""
    def tick(self) -> None:
        """Run the timers that are due. Call it at the time that `EngineCallbacks.arm` was given."""
    def bind_thread(self) -> None:
        """Bind the engine to this thread: from now on, no other thread may use it.

        Before this call and the first turn, any thread may.
        """
    def use_context(self, context: Context, /) -> None:
        """Give each request a copy of this context.

        Without this call, a request gets a copy of the context that is current at its first event. That may be the
        context of another request, because asyncio runs a timer in the context in which it was set.
        """
    def after_fork_in_child(self) -> None:
        """In a forked child, forget the parent's connections and continue to accept on its listeners. If this fails,
        every later use of the engine raises Forked (RW508)."""
    def after_fork_in_parent(self, *, children_serve: bool) -> None:
        """In the parent: record whether a new child, which has copies of the listening sockets, accepts on them."""
    def rearm(self) -> None:
        """Call `EngineCallbacks.arm` again. Use it if the last call had no effect."""
    @property
    def on_engine_thread(self) -> bool:
        """Whether the engine is bound to this thread, or to no thread."""
    @property
    def limits(self) -> Limits: ...
    @property
    def connections(self) -> int: ...
    @property
    def running_exchanges(self) -> int:
        """The number of exchanges whose response is incomplete."""
    def listen_tcp(
        self, host: str, port: int, *, backlog: int | None = None, reuse_port: bool = False, half_close: bool = False
    ) -> int:
        """Accept on TCP, and return the number of the listener.

        With `half_close`, here and below, clients may close their sending side and still receive their responses.
        """
    def listen_unix(
        self, path: str, *, mode: int | None = None, backlog: int | None = None, half_close: bool = False
    ) -> int: ...
    def listen_descriptor(self, fd: int, /, *, half_close: bool = False) -> int:
        """Accept on an inherited listening socket. The engine duplicates the descriptor."""
    def address(self, listener: int, /) -> _Address: ...
    def stop_listening(self, listener: int, /) -> None: ...
    def adopt(
        self, fd: int, data: bytes | None = None, /, *, owner: Any = None, half_close: bool = False
    ) -> Connection | None:
        """Serve an accepted stream socket, from which `data` was already read, for an owner.

        The engine duplicates the descriptor. Return None if the engine already has its maximum of connections and has
        closed the socket.
        """
    def open_pipe(
        self,
        sink: Any,
        *,
        client: _Address = None,
        server: _Address = None,
        secure: bool = False,
        half_close: bool = False,
    ) -> Pipe: ...
    def trust_proxies(
        self, addresses: list[str], *, headers: str | None = None, host: bool = False, protocol: bool = False
    ) -> None:
        """Trust proxies at these addresses, networks or "unix".

        `headers` is "x-forwarded", "forwarded" or None; with `host`, X-Forwarded-Host is trusted, too. With `protocol`,
        every connection to a socket begins with a PROXY protocol header. Raises ValueError.
        """
    def set_compression(
        self,
        on: bool,
        /,
        *,
        codings: list[tuple[str, int]],
        min_size: int,
        file_size: int,
        streams: int,
        types: list[str],
    ) -> None:
        """Set how responses are compressed, and whether they are if neither the response nor its handler says so.

        `codings` are names with levels, the preferred one first. Raises ValueError for an unknown name.
        """
    @property
    def encoders(self) -> int:
        """The number of encoders of streams and large bodies that are in use."""
    def drain(self, seconds: float | None = None, /) -> None: ...
    def close(self) -> int:
        """Stop listening and abort every connection. Return the number of exchanges that were aborted.

        Handlers have been notified when it returns or, if a turn is running, at the end of this turn.
        """
    def forget_handlers(self) -> None:
        """Call `EngineCallbacks.resolve` again for every path, because the tree has changed."""
    def counters(self) -> dict[str, int | list[int]]: ...
    def count_lost_log_lines(self, count: int, /) -> None:
        """Count lines of the access log that were taken but could not be written. Any thread may call it."""
    def set_access_log(
        self, style: str | None, /, *, template: str = "", fields: list[str] = ..., secrets: list[str] = ...
    ) -> list[str]:
        """Format a line of the access log for each response, in the style "combined", "timed" or "json"; "template",
        with `template`; or "fields", with `fields`; None for no log.

        `secrets` are names whose values are not logged. Returns the names of the fields that `Exchange.set_log_field`
        sets. Raises ValueError for a wrong format, with what is wrong.
        """
    @staticmethod
    def check_access_log(style: str, /, *, template: str = "", fields: list[str] = ...) -> list[str]:
        """Check a format as `set_access_log` does, and return the same."""
    def note_requests(self, function: Callable[[Any], object] | None, /) -> None:
        """Call a function with each request before its handler, in the context of the request; None for no call."""
    def take_access_log(self) -> bytes: ...
    def allow_unregistered_methods(self) -> None:
        """Accept unregistered methods, too, because an app serves some. CONNECT and TRACE are still refused."""
    def set_debug(self, on: bool, /) -> None:
        """Set whether every refused request is logged at the level debug."""

@final
class ContentDecoder:
    """Decodes a body with a content coding."""

    def __new__(cls, coding: str, /) -> ContentDecoder:
        """`coding` is "gzip", "br" or "zstd". Raises ValueError for another one."""
    def decode(self, part: bytes, /) -> bytes:
        """Decode a part of the body, without a limit. Raises ValueError if it is malformed."""
    def finish(self) -> None:
        """Check that the body is complete. Raises ValueError if it is not."""

@final
class BoundaryFinder:
    """Finds out whether bytes of a multipart body are content only. The delimiter begins with CR LF, which occurs
    nowhere else in it."""

    def __new__(cls, delimiter: bytes, /) -> BoundaryFinder: ...
    def is_content(self, data: bytes, /) -> bool:
        """Return whether the bytes neither contain the delimiter nor end with a beginning of it."""

@final
class HTMLEscape:
    """Escapes the values that a template writes into a page, as `markupsafe.escape` does, but returns a plain str."""

    def __new__(cls, other: Callable[[Any], str], /) -> HTMLEscape: ...
    def __call__(self, value: Any, /) -> str:
        """Return the text of a value, escaped for HTML. The result of `other` for a value of any class except exactly
        str, int and float."""

@final
class SignedText:
    """Writes and reads text of the form `CONTENT.SIGNATURE`, both in base64 for URLs without padding. The signature is
    the HMAC-SHA256 of the first part, as `itsdangerous.Signer` makes it with `key_derivation="none"`."""

    def __new__(cls, keys: Sequence[bytes], /) -> SignedText: ...
    def write(self, content: bytes, /) -> str:
        """Sign content with the first key."""
    def read(self, text: str, /) -> bytes | None:
        """Return the content of a signed text. None if no key has signed it, or if it is not base64."""
    def read_session(
        self, text: str, now: float, idle: float, absolute: float, touched_after: float, /
    ) -> tuple[str | None, bool, SignedContent] | bytes | None:
        """Return the session in a signed text: its user, whether the time of its last use must be written, and its
        content. Return only the content if only a JSON decoder can read it. None as for `read`, and for a session that
        has expired."""

@final
class SignedContent:
    """The content of a signed session, of which only what a handler reads is decoded."""

    @property
    def content(self) -> bytes: ...
    def raw(self, name: str, /) -> bytes | None:
        """The value with a name, encoded. None if there is none, or if only a JSON decoder can find it."""

def urlencoded_pairs(
    text: bytes, name_limit: int, value_limit: int, /
) -> tuple[tuple[tuple[str, str], ...], dict[str, list[str]]] | None:
    """Parse pairs of name and value in UTF-8 (WHATWG URL, section 5.1).

    Return a tuple of the pairs in order, and a dict from each name to the list of its values. None if a part is not
    UTF-8, or if a name or a value is larger than its limit in bytes.
    """

def open_beneath(folder: int, path: bytes, /) -> int:
    """Open a file or folder below a folder, given as a descriptor, for reading, and return its descriptor.

    Symbolic links are not followed. Empty, `.` and `..` parts of the path are ENOENT. A FIFO is opened without waiting.
    Raises OSError.
    """

def self_test() -> None:
    """Check that epoll reports a nested epoll descriptor as readable. Raises EngineUnusable if it does not."""
