"""The native engine as Python sees it. Written by hand, held to the module by stubtest."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final, Protocol, final

from typing_extensions import disjoint_base

__all__ = [
    "PENDING",
    "Connection",
    "Endpoint",
    "Engine",
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
    def linger_time(self) -> float: ...
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

class Service(Protocol):
    """What the engine asks of Python. All calls are made on the reactor's thread, never with the engine borrowed."""

    request: type[Exchange]
    """Instantiated without arguments for every request."""

    encode_json: Callable[[Any], bytes]
    json_types: tuple[type, ...]
    """Types whose instances are answered through `encode_json`, as dict and list are."""

    def resolve(self, request: Any, /) -> Endpoint:
        """The endpoint for this request; may set `request.params`. Asked once per static path and method."""

    def drive(self, request: Any, coroutine: Any, context: Any, /) -> Any:
        """Run the first segment of a coroutine; its value, or `PENDING`."""

    def deliver(self, request: Any, value: Any, /) -> None:
        """Answer with a handler's value that the engine does not encode by itself, or that `encode_json` refused."""

    def fail(self, request: Any, error: BaseException, /) -> None:
        """Answer for a handler (or `resolve`) that raised."""

    def arm(self, seconds: float, /) -> None:
        """Call `Engine.tick` this many seconds from now, in place of an earlier wish."""

    def drained(self, cut: int, /) -> None:
        """The drain is over; `cut` exchanges were aborted at its deadline."""

    def report(self, level: str, code: str, message: str, /) -> None:
        """A line for the log: level is "debug", "info", "warn" or "error"."""

    def access_log_ready(self) -> None:
        """The access log holds enough to be written: call `Engine.take_access_log`."""

class OwnersService(Service, Protocol):
    """One that leaves requests to whoever owns their connections, whatever their method. Nothing is resolved."""

    def opened(self, connection: Connection, client: _Address, /) -> Any:
        """Who owns a new connection, or None for nobody. The owner is called `begin(exchange)` for every request, and
        `closed(how)` at the end, which is "done", "lost", "cut" or "aborted". Before that it is called `lingers()`
        where all was sent and our side is closed, and the engine only waits for the client. The sink of a pipe owns
        it too, without these two."""

@final
class Endpoint:
    """What is called for a request, and how."""

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
    ) -> Endpoint: ...
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
        """Where the client closes its sending side before the response is complete: "cancel" ends a request that waits,
        "respond" tells it by `on_half_close`, "finish" does nothing."""

@disjoint_base
class Exchange:
    """One request and its answer. `Request` derives from it."""

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
        """Seconds since 1970 of the Date of a response that is made now."""
    @property
    def client(self) -> _Address: ...
    @property
    def peer(self) -> _Address: ...
    @property
    def server(self) -> _Address: ...
    @property
    def start_and_framing(self) -> tuple[bytes, bytes, bytes, bool, int | None]:
        """Method, target and version as they were sent, whether the client would ask more on the connection, and the
        length of the body (None where it comes in chunks)."""
    @property
    def owner(self) -> Any:
        """Whoever holds the connection: the sink of a pipe, or what `Service.opened` gave; else None."""
    @property
    def content_length(self) -> int | None: ...
    @property
    def has_body(self) -> bool: ...
    @property
    def service(self) -> Any: ...
    @property
    def endpoint(self) -> Endpoint | None: ...
    params: dict[str, Any]
    prepared: bool
    """Settable: every value of the handler goes to `Service.deliver`, instead of being answered natively with 200."""
    notify_done: bool
    """Settable: `on_done` is called at the end of the answer."""
    def header(self, name: str, /) -> str | None:
        """The value of a field, several lines joined by ", " (RFC 9110, section 5.3); None where absent."""
    def values(self, name: bytes, /) -> list[bytes]:
        """The values of the lines of one field, in order."""
    def combined_log_line(
        self, host: str, timestamp: str, request_line: tuple[bytes, bytes, bytes], status: int, size: int, /
    ) -> str | None:
        """A line of an access log in the combined format, as Twisted writes it, for a request line and an answer that
        may be other than they were here. None where something in it has to be escaped."""
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Every field line in order, names in lower case."""
    def fill_asgi_scope(self, scope: dict[str, Any]) -> None:
        """Set what the head tells in an ASGI scope: `http_version`, `method`, `scheme`, `path`, `raw_path`,
        `query_string`, `headers`, `client` and `server`."""

    # Its body
    def receive(self, limit: int | None = None, /) -> None:
        """Let the body come; sends 100 Continue where due. Raises BodyTooLarge where the length says so already."""
    def collect(self, limit: int | None = None, /) -> None:
        """As `receive`, and call `on_readable` once, when the body is whole."""
    def take(self) -> bytes | None:
        """What has arrived and was not taken: b"" at the end of the body, None where nothing is there yet.
        Raises BodyTooLarge, BadBody or Disconnected."""
    @property
    def body_complete(self) -> bool: ...
    @property
    def spool(self) -> Any:
        """The temporary file that holds a collected body past `Limits.spool_size`, open at its start; else None.
        `take` then gives b"" for the whole of it."""
    def trailers(self) -> list[tuple[bytes, bytes]]: ...

    # The answer
    @property
    def started(self) -> bool:
        """Whether the head of the answer is out (or handed to the engine)."""
    @property
    def finished(self) -> bool:
        """Whether the answer is complete, or the client is gone."""
    @property
    def gone(self) -> bool:
        """Whether the client left before the answer was complete."""
    @property
    def ending(self) -> str | None:
        """How the connection ends with an exchange that ended early: "done", "lost", "cut" or "aborted". None before
        `on_gone`."""
    @property
    def status(self) -> int | None: ...
    @property
    def bytes_sent(self) -> int: ...
    def set_reason(self, status: int, reason: bytes, /) -> None:
        """Send this reason phrase, if the answer gets this status, in place of the registered one (RFC 9112,
        section 4). One with control characters is an InvalidField at the answer."""
    def respond(self, status: int, fields: Iterable[_Field], body: bytes | str, /) -> None:
        """A whole answer. The engine adds Content-Length, Date and Connection."""
    def respond_file(self, status: int, fields: Iterable[_Field], fd: int, offset: int, length: int, /) -> None:
        """A whole answer whose body is a region of an open regular file. The descriptor is duplicated."""
    def interim(self, status: int, fields: Iterable[_Field], /) -> None:
        """A 1xx answer before the final one, such as 103 Early Hints (RFC 8297)."""
    def begin(self, status: int, fields: Iterable[_Field], length: int | None = None, /) -> None:
        """The head of a streamed answer: by length where given, else chunked (close-delimited on HTTP/1.0)."""
    @property
    def pressure(self) -> bool:
        """Whether a writer should wait until `on_writable` is called."""
    def write(self, data: bytes, /) -> bool:
        """A part of the body. False: the queue is over its high-water mark, `on_writable` will be called."""
    def end(self, trailers: Iterable[_Field] | None = None, /) -> None: ...
    def abort(self) -> None:
        """Close the connection now (HTTP/1) or reset the stream."""
    def close_after(self) -> None:
        """Ask for `Connection: close` on this answer."""
    def upgrade(self, fields: Iterable[_Field], /) -> None:
        """Answer 101 and take over the connection: from here `take` and `write` carry raw bytes, and `end` closes."""

    # An answer whose handler writes HTTP/1 itself: nothing is added to it but `Connection: close` where that is due.
    def relay(self, status: int, reason: bytes, fields: _Fields, body: bytes, /) -> None:
        """A whole one, framed as its fields say."""
    def relay_head(self, status: int, reason: bytes, fields: _Fields, /) -> None:
        """Its head. Content-Length is held to, and chunks are the handler's to frame."""
    def relay_write(self, data: bytes, /) -> bool:
        """Bytes as they are. False: the queue is over its high-water mark, `on_writable` will be called."""
    def relay_file(self, fd: int, offset: int, length: int, /) -> bool:
        """A region of an open regular file, where Content-Length frames the answer. The descriptor is taken over, and
        closed in any case."""
    def relay_end(self) -> None: ...
    def take_over(self) -> None:
        """Have the connection without an answer: from here `take` and `relay_write` carry raw bytes; `end` closes."""

    # Called by the engine; `Request` overrides them.
    def on_readable(self) -> None: ...
    def on_writable(self) -> None: ...
    def on_half_close(self) -> None:
        """The client has closed its sending side before the head of the response. Called for endpoints that respond."""
    def on_gone(self, reason: str, /) -> None:
        """The exchange ended before its answer was complete: the client left, stalled, or the server cut it."""
    def on_done(self) -> None:
        """The answer is complete. Called where `notify_done` is set."""

@final
class Pipe:
    """A connection without a socket: bytes go in by `feed` and come out by the sink."""

    def feed(self, data: bytes, /) -> None: ...
    def eof(self) -> None: ...
    def lost(self) -> None: ...
    def pause(self) -> None:
        """The sink is full: keep what is written and let writers wait."""
    def resume(self) -> None: ...
    @property
    def pending(self) -> int:
        """How many bytes have come that belong to no request yet, or to a body that nobody wants yet."""
    def run_turn(self) -> bool:
        """Serve at once what waits, unless a turn is being run. True where another turn would find more."""
    def serve_events(self) -> None:
        """Pass on at once what was written to it, unless a turn is being run. Nobody else is served."""
    def flush_output(self) -> None:
        """Pass on at once what was written to it, while a turn is being run too. Nothing is served."""
    def close(self) -> None:
        """Close it behind what was written, whether an answer is complete or not. Nobody else is served."""
    def disconnect(self) -> None:
        """As `lost`, and nobody else is served."""
    def set_idle_timeout(self, seconds: float, /) -> None:
        """Let it be idle for so many seconds (0: for ever), whatever the limits say.

        Within a request, each silence may be as long at most, and no longer than the limits say.
        """

@final
class Connection:
    """A connected socket of the engine's, for whoever holds it."""

    @property
    def peer(self) -> _Address: ...
    @property
    def server(self) -> _Address: ...
    def fileno(self) -> int:
        """Its descriptor, -1 when it is closed."""
    def set_idle_timeout(self, seconds: float, /) -> None:
        """As `Pipe.set_idle_timeout`."""
    def close(self) -> None:
        """Close it behind what was written, whether an answer is complete or not."""
    def abort(self) -> None:
        """Close it at once, by a reset."""
    def release(self) -> tuple[int, bytes]:
        """Let go of it, where nothing was asked yet: its descriptor, which is the caller's to close, and what was
        read. Raises RuntimeError where it is in use."""

class PipeSink(Protocol):
    """One that has a `refuse()` too answers by it what is refused with 400."""

    def write(self, data: bytes, /) -> None: ...
    def end_writing(self) -> None:
        """All is written. What still comes is fed until `close`, and dropped, so that the client gets to read."""
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

@final
class Engine:
    """Listening sockets, connections and their exchanges behind one descriptor."""

    def __new__(cls, service: Any, limits: Limits | None = None) -> Engine: ...
    def fileno(self) -> int:
        """The descriptor to watch for reading."""
    def turn(self) -> None:
        """Run one bounded turn: take in what the sockets have, call the handlers, send the answers."""
    def tick(self) -> None:
        """The wish made by `Service.arm` has come due."""
    def bind_thread(self) -> None:
        """From here this thread runs the turns, and no other may use the engine. Until then, or until the first turn,
        any thread may."""
    def after_fork_in_child(self) -> None:
        """This process is a forked child: leave the parent its connections, and accept on the same listeners. Where
        that fails, whatever uses the engine raises Forked (RW508)."""
    def after_fork_in_parent(self, *, children_serve: bool) -> None:
        """This process has a new child, which has copies of its listening sockets: to serve by them, or without use."""
    def rearm(self) -> None:
        """Make the wish for a `tick` again: the service has not heeded the last one."""
    @property
    def on_engine_thread(self) -> bool:
        """Whether this is the thread that runs the turns. True as long as there is none."""
    @property
    def limits(self) -> Limits: ...
    @property
    def connections(self) -> int: ...
    @property
    def running_exchanges(self) -> int:
        """Exchanges whose answer is not complete."""
    def listen_tcp(
        self, host: str, port: int, *, backlog: int | None = None, reuse_port: bool = False, half_close: bool = False
    ) -> int:
        """Accept on TCP. With `half_close`, here and below, clients may close their sending side and wait for
        responses."""
    def listen_unix(
        self, path: str, *, mode: int | None = None, backlog: int | None = None, half_close: bool = False
    ) -> int: ...
    def listen_descriptor(self, fd: int, /, *, half_close: bool = False) -> int:
        """Accept on a listening socket inherited from elsewhere. The descriptor is duplicated."""
    def address(self, listener: int, /) -> _Address: ...
    def stop_listening(self, listener: int, /) -> None: ...
    def adopt(
        self, fd: int, data: bytes | None = None, /, *, owner: Any = None, half_close: bool = False
    ) -> Connection | None:
        """Take over an accepted stream socket (the descriptor is duplicated) and what was read from it, for its owner.
        None where the engine is full and has turned it away."""
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
        """Believe proxies at these addresses, networks or "unix"; `headers` is "x-forwarded", "forwarded" or None, and
        `host` says that X-Forwarded-Host is believed too. With `protocol`, every connection to a socket begins with a
        header of the PROXY protocol. Raises ValueError."""
    def drain(self, seconds: float | None = None, /) -> None: ...
    def close(self) -> int:
        """Stop listening and abort every connection; how many exchanges were cut."""
    def forget_endpoints(self) -> None:
        """Ask `Service.resolve` again for every path: the tree has changed."""
    def counters(self) -> dict[str, int | list[int]]: ...
    def count_lost_log_lines(self, count: int, /) -> None:
        """Count lines of the access log that were taken and never written. Any thread may call it."""
    def set_access_log(self, style: str | None, /) -> None:
        """ "combined", "timed", "json" or None."""
    def take_access_log(self) -> bytes: ...
    def allow_unregistered_methods(self) -> None:
        """Let in methods that are registered nowhere, but CONNECT and TRACE: the service serves some."""
    def set_debug(self, on: bool, /) -> None:
        """Report every refused message at debug level."""

def self_test() -> None:
    """Prove that a nested epoll descriptor wakes. Raises EngineUnusable where it does not."""
