"""The Python interface of the native engine. It is written by hand, and stubtest compares it with the module."""

from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any, ClassVar, Final, Protocol, final

from typing_extensions import disjoint_base

__all__ = [
    "PENDING",
    "Connection",
    "Engine",
    "EngineHandler",
    "Exchange",
    "Limits",
    "Pending",
    "Pipe",
    "__version__",
    "self_test",
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
    """Every limit and timeout of the engine, immutable. Units: seconds, bytes, or a count."""

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
    """What the engine calls in Python, always in the reactor's thread and never with the engine locked."""

    request: type[Exchange]
    """Instantiated without arguments for every request."""

    encode_json: Callable[[Any], bytes]
    json_types: tuple[type, ...]
    """Types whose instances `encode_json` encodes, besides dict and list."""

    def resolve(self, request: Any, /) -> EngineHandler:
        """Return the handler for a request; may set `request.params`. Called once for each static path and method."""

    def drive(self, request: Any, coroutine: Any, context: Any, /) -> Any:
        """Run a coroutine until it first suspends. Return its value, or `PENDING` if it has suspended."""

    def send_value(self, request: Any, value: Any, /) -> None:
        """Respond with a handler's value that the engine does not encode itself, or that `encode_json` refused."""

    def fail(self, request: Any, error: BaseException, /) -> None:
        """Respond for a handler, or for `resolve`, that raised an exception."""

    def arm(self, seconds: float, /) -> None:
        """Call `Engine.tick` this many seconds from now, and cancel the call that an earlier `arm` set."""

    def drained(self, cut: int, /) -> None:
        """The drain has finished. `cut` exchanges were aborted at its deadline."""

    def report(self, level: str, code: str, message: str, /) -> None:
        """Log a line. The level is "debug", "info", "warn" or "error"."""

    def access_log_ready(self) -> None:
        """Call `Engine.take_access_log`: enough lines wait to be written."""

class EngineCallbacksWithOwners(EngineCallbacks, Protocol):
    """Callbacks that leave every request, of any method, to the owner of its connection. `resolve` is not called."""

    def opened(self, connection: Connection, client: _Address, /) -> Any:
        """Return the owner of a new connection, or None if it has none.

        The engine calls `begin(exchange)` on the owner for every request. When everything was sent, our side is closed
        and the engine only waits for the client, it calls `lingers()`; at the end `closed(how)`, where `how` is "done",
        "lost", "cut" or "aborted". The sink of a pipe is an owner too, and only `begin` is called on it."""

@final
class EngineHandler:
    """The callable that handles a request, and how it is called."""

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
    def half_close(self) -> str:
        """What happens if the client closes its sending side before the response is complete: "cancel" ends the
        request if it waits, "respond" calls its `on_half_close`, "finish" does nothing."""

@disjoint_base
class Exchange:
    """One request and its response. `Request` derives from it."""

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
        """The Date, in seconds since 1970, of a response that is made now."""
    @property
    def client(self) -> _Address: ...
    @property
    def peer(self) -> _Address: ...
    @property
    def server(self) -> _Address: ...
    @property
    def start_and_framing(self) -> tuple[bytes, bytes, bytes, bool, int | None]:
        """Method, target and version as they were sent, whether the connection is persistent, and the length of the
        body (None if it is chunked)."""
    @property
    def owner(self) -> Any:
        """The owner of the connection: the sink of a pipe, or what `EngineCallbacksWithOwners.opened` returned; else
        None."""
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
    """Settable: give every value of the handler to `EngineCallbacks.send_value`. The engine encodes none itself."""
    notify_done: bool
    """Settable: call `on_done` when the response is complete."""
    def header(self, name: str, /) -> str | None:
        """The value of a field; several lines are joined by ", " (RFC 9110, section 5.3). None if it is absent."""
    def values(self, name: bytes, /) -> list[bytes]:
        """The values of the lines of one field, in order."""
    def combined_log_line(
        self, host: str, timestamp: str, request_line: tuple[bytes, bytes, bytes], status: int, size: int, /
    ) -> str | None:
        """A line of an access log in the combined format, as `twisted.web` writes it, with the referrer and the user
        agent of this request. None if something in it has to be escaped."""
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Every field line in order, names in lower case."""
    def fill_asgi_scope(self, scope: dict[str, Any]) -> None:
        """Set the keys of an ASGI scope that the head gives: `http_version`, `method`, `scheme`, `path`, `raw_path`,
        `query_string`, `headers`, `client` and `server`."""

    # Its body
    def receive(self, limit: int | None = None, /) -> None:
        """Let the body arrive, and send 100 Continue if the client expects it. Raises BodyTooLarge if Content-Length
        exceeds the limit."""
    def collect(self, limit: int | None = None, /) -> None:
        """As `receive`, and call `on_readable` once, when the body is complete."""
    def take(self) -> bytes | None:
        """What has arrived and was not taken: b"" at the end of the body, None if the rest is still to come.
        Raises BodyTooLarge, BadBody or Disconnected."""
    @property
    def body_complete(self) -> bool: ...
    @property
    def spool(self) -> Any:
        """The temporary file that holds a collected body past `Limits.spool_size`, open at its start; else None.
        `take` then returns b""."""
    def trailers(self) -> list[tuple[bytes, bytes]]: ...

    # The response
    @property
    def started(self) -> bool:
        """Whether the head of the response is sent, or queued to be."""
    @property
    def finished(self) -> bool:
        """Whether the response is complete, or the exchange ended early."""
    @property
    def gone(self) -> bool:
        """Whether the exchange ended before its response was complete."""
    @property
    def ending(self) -> str | None:
        """How the connection ends, if the exchange ended early: "done", "lost", "cut" or "aborted". None before
        `on_gone`."""
    @property
    def status(self) -> int | None: ...
    @property
    def bytes_sent(self) -> int: ...
    def set_reason(self, status: int, reason: bytes, /) -> None:
        """Send this reason phrase, if the response has this status, in place of the registered one (RFC 9112,
        section 4). Control characters in it make the response raise InvalidField."""
    def respond(self, status: int, fields: Iterable[_Field], body: bytes | str, /) -> None:
        """Send a whole response. The engine adds Content-Length, Date and Connection."""
    def respond_file(self, status: int, fields: Iterable[_Field], fd: int, offset: int, length: int, /) -> None:
        """Send a whole response whose body is a region of an open regular file. The descriptor is duplicated."""
    def interim(self, status: int, fields: Iterable[_Field], /) -> None:
        """Send an interim (1xx) response before the final one, such as 103 Early Hints (RFC 8297)."""
    def begin(self, status: int, fields: Iterable[_Field], length: int | None = None, /) -> None:
        """Send the head of a streamed response: with Content-Length if `length` is given, else chunked (on HTTP/1.0 the
        end of the connection ends the body)."""
    @property
    def pressure(self) -> bool:
        """Whether a writer should wait until `on_writable` is called."""
    def write(self, data: bytes, /) -> bool:
        """Send a part of the body. False: the queue is over its high-water mark, and `on_writable` will be called."""
    def end(self, trailers: Iterable[_Field] | None = None, /) -> None:
        """End a streamed response."""
    def abort(self) -> None:
        """Close the connection now (HTTP/1) or reset the stream."""
    def close_after(self) -> None:
        """Send `Connection: close` with this response."""
    def upgrade(self, fields: Iterable[_Field], /) -> None:
        """Respond with 101 and switch to another protocol: from here `take` and `write` carry raw bytes, and `end`
        closes."""

    # A response whose handler writes HTTP/1 itself: the engine adds nothing but `Connection: close` where that is due.
    def relay(self, status: int, reason: bytes, fields: _Fields, body: bytes, /) -> None:
        """Send a whole response, framed as its fields say."""
    def relay_head(self, status: int, reason: bytes, fields: _Fields, /) -> None:
        """Send the head. The engine enforces Content-Length; the handler frames chunks itself."""
    def relay_write(self, data: bytes, /) -> bool:
        """Send bytes as they are. False: the queue is over its high-water mark, and `on_writable` will be called."""
    def relay_file(self, fd: int, offset: int, length: int, /) -> bool:
        """Send a region of an open regular file, if Content-Length frames the response. The engine owns the
        descriptor, and closes it in any case."""
    def relay_end(self) -> None:
        """End a response that began with `relay_head`."""
    def switch_without_response(self) -> None:
        """Switch to another protocol as `upgrade` does, but send no response: from here `take` and `relay_write` carry
        raw bytes, and `end` closes."""

    # Called by the engine; `Request` overrides them.
    def on_readable(self) -> None: ...
    def on_writable(self) -> None: ...
    def on_half_close(self) -> None:
        """The client closed its sending side before the response began. Called if the handler's `half_close` is
        "respond"."""
    def on_gone(self, reason: str, /) -> None:
        """The exchange ended before its response was complete: the client left or stalled, or the server aborted it."""
    def on_done(self) -> None:
        """The response is complete. Called if `notify_done` is set."""

@final
class Pipe:
    """A connection without a socket: `feed` takes its input, and its output goes to the sink."""

    def feed(self, data: bytes, /) -> None: ...
    def eof(self) -> None:
        """The other end has closed its sending side."""
    def lost(self) -> None:
        """The connection is lost."""
    def pause(self) -> None:
        """The sink is full: keep the output, and let writers wait."""
    def resume(self) -> None:
        """The sink has space again."""
    @property
    def pending(self) -> int:
        """Bytes of input that belong to no request yet, or to a body that is not being received."""
    def run_turn(self) -> bool:
        """Run a turn of the engine now, unless one is running. True if another turn would find work."""
    def serve_events(self) -> None:
        """Serve the events of this pipe now, unless a turn is running. No other connection is served."""
    def flush_output(self) -> None:
        """Pass the output to the sink now, even while a turn is running. No event is served."""
    def close(self) -> None:
        """Close it after the output is sent, even if a response is not complete. No other connection is served."""
    def disconnect(self) -> None:
        """As `lost`, but no other connection is served."""
    def set_idle_timeout(self, seconds: float, /) -> None:
        """Let it be idle for so many seconds (0: without limit), in place of `Limits.idle_timeout`.

        Within a request, each pause of the client may be as long, but no longer than the limits say.
        """

@final
class Connection:
    """A connected socket of the engine, for its owner."""

    @property
    def peer(self) -> _Address: ...
    @property
    def server(self) -> _Address: ...
    def fileno(self) -> int:
        """Its descriptor, or -1 if it is closed."""
    def set_idle_timeout(self, seconds: float, /) -> None:
        """As `Pipe.set_idle_timeout`."""
    def close(self) -> None:
        """Close it after what was written is sent, even if a response is not complete."""
    def abort(self) -> None:
        """Close it now, with a reset."""
    def release(self) -> tuple[int, bytes]:
        """Take it out of the engine, if no request has begun on it: its descriptor, which the caller closes, and what
        was read. Raises RuntimeError if it is in use."""

class PipeSink(Protocol):
    """A sink that also has `refuse()` responds itself to requests that are refused with 400."""

    def write(self, data: bytes, /) -> None: ...
    def end_writing(self) -> None:
        """All output is written. Go on feeding what arrives until `close`: it is dropped, and the client reads the
        response before the connection closes."""
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

@final
class Engine:
    """Listening sockets, connections and their exchanges, all watched through one descriptor."""

    def __new__(cls, callbacks: Any, limits: Limits | None = None) -> Engine: ...
    def fileno(self) -> int:
        """The descriptor to watch for reading."""
    def turn(self) -> None:
        """Run one bounded turn: read the sockets, call the handlers, send the responses."""
    def tick(self) -> None:
        """The time that `EngineCallbacks.arm` asked for has come."""
    def bind_thread(self) -> None:
        """Bind the engine to this thread: no other may use it from here. Before this call and the first turn any thread
        may."""
    def use_context(self, context: Context, /) -> None:
        """Give each request a copy of this context. Without this call, a request has a copy of the context that is
        current at its event, which may be that of another request: asyncio runs a timer in the context in which it was
        set."""
    def after_fork_in_child(self) -> None:
        """In a forked child: leave the connections to the parent, and accept on the same listeners. If that fails,
        every later use of the engine raises Forked (RW508)."""
    def after_fork_in_parent(self, *, children_serve: bool) -> None:
        """In the parent of a new child, which has copies of the listening sockets: whether it accepts on them."""
    def rearm(self) -> None:
        """Call `EngineCallbacks.arm` again, because the last call was ignored."""
    @property
    def on_engine_thread(self) -> bool:
        """Whether this is the thread that the engine is bound to. True if it is bound to none."""
    @property
    def limits(self) -> Limits: ...
    @property
    def connections(self) -> int: ...
    @property
    def running_exchanges(self) -> int:
        """The number of exchanges whose response is not complete."""
    def listen_tcp(
        self, host: str, port: int, *, backlog: int | None = None, reuse_port: bool = False, half_close: bool = False
    ) -> int:
        """Accept on TCP, and return the number of the listener.

        With `half_close`, here and below, clients may close their sending side and wait for their responses."""
    def listen_unix(
        self, path: str, *, mode: int | None = None, backlog: int | None = None, half_close: bool = False
    ) -> int: ...
    def listen_descriptor(self, fd: int, /, *, half_close: bool = False) -> int:
        """Accept on an inherited listening socket. The descriptor is duplicated."""
    def address(self, listener: int, /) -> _Address: ...
    def stop_listening(self, listener: int, /) -> None: ...
    def adopt(
        self, fd: int, data: bytes | None = None, /, *, owner: Any = None, half_close: bool = False
    ) -> Connection | None:
        """Serve an accepted stream socket (the descriptor is duplicated) and what was read from it, for its owner.
        None if the engine has its maximum of connections and closed it."""
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
        """Trust proxies at these addresses, networks or "unix". `headers` is "x-forwarded", "forwarded" or None; with
        `host`, X-Forwarded-Host is trusted too. With `protocol`, every connection to a socket begins with a PROXY
        protocol header. Raises ValueError."""
    def drain(self, seconds: float | None = None, /) -> None: ...
    def close(self) -> int:
        """Stop listening and abort every connection. Returns the number of exchanges that were aborted.

        Every event has been served when it returns, or at the end of the turn that is running.
        """
    def forget_handlers(self) -> None:
        """Call `EngineCallbacks.resolve` again for every path, because the tree has changed."""
    def counters(self) -> dict[str, int | list[int]]: ...
    def count_lost_log_lines(self, count: int, /) -> None:
        """Count lines of the access log that were taken and could not be written. Any thread may call it."""
    def set_access_log(self, style: str | None, /) -> None:
        """Format a line for each response: "combined", "timed" or "json"; None for no log."""
    def take_access_log(self) -> bytes: ...
    def allow_unregistered_methods(self) -> None:
        """Accept unregistered methods too, because an app serves some. CONNECT and TRACE are still refused."""
    def set_debug(self, on: bool, /) -> None:
        """Report every refused request at debug level."""

def self_test() -> None:
    """Check that a nested epoll descriptor wakes its parent. Raises EngineUnusable if it does not."""
