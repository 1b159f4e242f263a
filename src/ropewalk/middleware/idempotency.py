"""Idempotency keys: if a client repeats a request, it is processed only once, and the first response is sent again."""

from collections.abc import Collection, Coroutine
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex
from typing import Any, Final, Literal

from twisted.logger import Logger

from ropewalk.calling import start
from ropewalk.calling.failure_log import log_error
from ropewalk.errors import HandlerError, KnownOptions, named, shown
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.client_network import client_network
from ropewalk.middleware.describing import (
    DESCRIPTION,
    RETRY_AFTER,
    HeaderParameter,
    MiddlewareDescription,
    MiddlewareResponse,
)
from ropewalk.middleware.idempotency_key import LONGEST_KEY, PATTERN, parse_key
from ropewalk.middleware.options import (
    check_choice,
    check_count,
    check_field_name,
    check_function,
    check_kind,
    check_seconds,
    check_switches,
    check_takes_request,
    tokens,
    wrong,
)
from ropewalk.middleware.sender import credentials_of, digest, user_of
from ropewalk.middleware.store_options import RETRY_SOON, RequestFunction, call_option, refusal
from ropewalk.middleware.stored_response import decode_response, encode_response
from ropewalk.request import Request
from ropewalk.response import Response
from ropewalk.stores import IdempotencyStore, MemoryIdempotency, Record, StoreUnavailable, TooManyKeys
from ropewalk.typed.request_reads import reads_for
from ropewalk.waiting import ReactorTurn, Waiter

log = Logger(namespace="ropewalk.middleware")

NOT_FINAL: Final = frozenset((408, 425, 429))
"""Statuses below 500 after which a client should repeat the request. Such a response releases the key, so that the
repeated request is processed."""
UNKNOWN: Final = "credentials "
"""The prefix of the name of a sender whose user is unknown. The rest of the name is a hash of the request's
credentials."""
_OF_ATTEMPT: Final = frozenset(("idempotency-key", "traceparent", "tracestate", "baggage", "x-request-id", "date"))
"""Request fields that may differ when a client repeats a request. The fingerprint of a request leaves them out."""
SLICE: Final = 1024 * 1024
"""How many bytes of a body are hashed at once. The reactor handles other events after each such slice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyOptions(KnownOptions):
    """The options of `idempotency`. Raises HandlerError (RW230) for an invalid value."""

    methods: Collection[str] = frozenset(("POST", "PATCH"))
    """The methods for which keys are read. The default omits the methods that are idempotent (RFC 9110, section
    9.2.2)."""
    required: bool | RequestFunction = False
    """Whether a request without a key gets a 400: a bool, or a function `(request)`, plain or async, that returns a
    bool."""
    sender: RequestFunction | None = None
    """A function `(request)`, plain or async, that returns a str which identifies the sender. Each sender has its own
    keys. By default, the sender is `request.state.user` (a str, an int, a UUID, or an object whose `id` is one of
    these). If that is not set, the sender is the principal of `ropewalk.auth`: its class, its issuer, and its `id` or
    `subject`. If there is no principal with an `id` or `subject`, the sender is a hash of the header fields
    `Authorization`, `Cookie` and `X-API-Key`, and of the credentials that the authentication scheme reads. Keys of
    different hosts are always separate. If the handler or its providers take a header field or cookie, a request with
    the same key and another value of it gets a 422. Set this option if a provider finds the user in the request itself,
    because this middleware cannot distinguish such users."""
    expires: float = 24 * 3600
    """Seconds for which a response is stored."""
    lease: float = 300
    """Seconds for which a key is claimed while its request is processed. Set it to more than your slowest handler
    needs. If the process is killed during a request, the key can be used again after this time."""
    stored_body_limit: int = 256 * 1024
    """The maximum size in bytes of a response body that is stored. Larger bodies, streams and files are not stored, so
    a repeated request gets a 409."""
    store: IdempotencyStore | None = None
    """Where keys and responses are stored. None: in the memory of this process, separately for each middleware."""
    on_store_failure: Literal["open", "closed"] = "closed"
    """What happens to a request with a key while the store is unavailable: "closed" refuses the request with 503,
    "open" processes the request, even if it is a repetition."""
    header: str = "idempotency-key"
    """The name of the request field that has the key."""

    def __post_init__(self) -> None:
        check_seconds(self, "expires")
        check_seconds(self, "lease")
        methods = tokens(self, "methods", star=False)
        if not methods:
            raise wrong(self, "methods", methods, 'Give several, such as ("POST", "PATCH").')
        object.__setattr__(self, "methods", frozenset(each.upper() for each in methods))
        if not callable(self.required):
            check_switches(self, "required")
        check_takes_request(self, "required")
        check_function(self, "sender")
        check_count(self, "stored_body_limit")
        check_choice(self, "on_store_failure", ("open", "closed"))
        check_field_name(self, "header")


def idempotency(options: IdempotencyOptions = IdempotencyOptions()) -> Middleware:
    """A middleware that processes only the first of several requests with the same `Idempotency-Key`.

        app.middleware(idempotency(IdempotencyOptions(required=True)))

    It implements draft-ietf-httpapi-idempotency-key-header-07. Add it after the middleware that authenticates users.
    A handler reads the key as `request.state.idempotency_key`.
    """
    check_kind(options, IdempotencyOptions)
    return _Idempotency(options).process


class _Idempotency:
    ropewalk_stores_responses = "idempotency"

    def __init__(self, options: IdempotencyOptions) -> None:
        self._options = options
        self._store: IdempotencyStore = MemoryIdempotency() if options.store is None else options.store
        setattr(self, DESCRIPTION, _description(options))
        self.ropewalk_per_user = "idempotency" if options.sender is None else ""

    async def process(self, request: Request, next: Next) -> Response:
        options = self._options
        if request.method not in options.methods or hasattr(request.state, "idempotency_key"):
            return await next(request)
        lines = request.headers.all(options.header) if request.header(options.header) is not None else []
        if not lines:
            if await self._is_required(request):
                raise refusal(400, f"This request needs the header field {options.header.title()}.")
            return await next(request)
        name = parse_key(lines)
        sender = await self._sender(request)
        key = digest(sender, request.host or "", name)
        fingerprint = await _fingerprint(request, by_inputs=options.sender is None)
        token = token_hex(16)
        try:
            known = await self._store.claim(key, fingerprint, token, options.lease, owner=_owner(request, sender))
        except TooManyKeys as error:
            raise refusal(429, "Too many idempotency keys were sent. The request was not processed.") from error
        except StoreUnavailable as error:
            if options.on_store_failure == "closed":
                detail = "Idempotency keys cannot be checked at the moment. The request was not processed."
                raise refusal(503, detail, [RETRY_SOON]) from error
            return await next(request)
        if known is not None:
            return _duplicate(known, fingerprint)
        request.state.idempotency_key = name
        return await self._first(request, next, key, token, sender)

    async def _first(self, request: Request, next: Next, key: str, token: str, sender: str) -> Response:
        """Process a request after it has claimed its key."""
        try:
            response = await next(request)
        except BaseException:  # the client has disconnected, or a timeout cancels the handler
            self._release(key, token)
            raise
        if response.status >= 500 or response.status in NOT_FINAL:
            self._release(key, token)
            return response
        stored = encode_response(response, self._options.stored_body_limit)
        if not await self._is_sender(request, sender):
            stored = b""  # the user was not known when the key was claimed, so another user could get this response
        elif sender.startswith(UNKNOWN) and "set-cookie" in response.headers:
            stored = b""  # another client with the same credentials, or without any, could get this client's cookie
        await _shielded(self._save(key, token, stored))
        return response

    async def _is_sender(self, request: Request, sender: str) -> bool:
        """Whether the request still has the same sender as when its key was claimed. If not, log RW238."""
        if self._options.sender is not None:
            return True
        try:
            if await self._sender(request) == sender:
                return True
        except HandlerError as error:
            log_error(request, error)
            return False
        what = "idempotency is outside of the middleware or handler that finds the user, so no response was kept."
        log_error(request, HandlerError("RW238", what))
        return False

    async def _save(self, key: str, token: str, stored: bytes) -> None:
        try:
            await self._store.save(key, token, stored, self._options.expires)
        except Exception as error:  # noqa: BLE001 - the request was processed, so the client must get the response
            log.error("RW234 The response to a request with an idempotency key was not kept: {error}", error=error)

    def _release(self, key: str, token: str) -> None:
        """Release a key. The caller does not wait, because its task may have been cancelled."""
        start(self._store.release(key, token)).addErrback(
            lambda failure: log.failure("RW234 An idempotency key was not released.", failure)
        )

    async def _is_required(self, request: Request) -> bool:
        required = self._options.required
        return bool(await call_option(required, request)) if callable(required) else required

    async def _sender(self, request: Request) -> str:
        sender = self._options.sender
        if sender is not None:
            value = await call_option(sender, request)
            if not isinstance(value, str):
                raise HandlerError("RW236", f"{named(sender)} returned {shown(value)} as the sender of a request.")
            return f"function {value}"
        user = user_of(request)
        if user is not None:
            return f"user {user}"
        return f"{UNKNOWN}{credentials_of(request)}"


def _owner(request: Request, sender: str) -> str:
    """The owner whose share of the store a key uses: the user. If the user is unknown, it is the client's address,
    because a client can invent any number of credentials.
    """
    return f"client {client_network(request, 64)}" if sender.startswith(UNKNOWN) else sender


def _description(options: IdempotencyOptions) -> MiddlewareDescription:
    """Describe the middleware for the OpenAPI document."""
    written = options.header.title()
    responses = [
        MiddlewareResponse(400, f"{written} is malformed{' or absent' if options.required else ''}."),
        MiddlewareResponse(
            409, "A request with this key is being processed, or its response was not kept.", RETRY_AFTER
        ),
        MiddlewareResponse(422, "The key was used for another request."),
        MiddlewareResponse(429, "The client has sent too many keys."),
    ]
    if options.on_store_failure == "closed":
        responses.append(MiddlewareResponse(503, "Idempotency keys cannot be checked at the moment.", RETRY_AFTER))
    text = "One string for each operation of the client. A request that repeats it gets the first response again."
    schema = {"type": "string", "maxLength": LONGEST_KEY, "pattern": PATTERN}
    return MiddlewareDescription(
        methods=options.methods,
        parameters=(HeaderParameter(written, text, required=options.required is True, schema=schema),),
        headers={"Idempotent-Replayed": "`true` if the first response is sent again."},
        responses=responses,
    )


def _duplicate(known: Record, fingerprint: str) -> Response:
    """The response to a request whose key was already claimed. Raises HTTPError 409 or 422."""
    if known.fingerprint != fingerprint:
        raise refusal(422, "The idempotency key was used for another request.")
    if known.response is None:
        detail = "A request with this idempotency key is being processed."
        raise refusal(409, detail, [RETRY_SOON])
    if not known.response:
        raise refusal(409, "The request with this idempotency key was processed. Its response was not kept.")
    response = decode_response(known.response)
    response.headers.add("idempotent-replayed", "true")
    return response


async def _fingerprint(request: Request, *, by_inputs: bool) -> str:
    """A hash of the method, the path, the query, the Content-Type and the body. Two requests with the same key must
    have the same hash.

    `by_inputs`: the hash also covers the header fields and cookies that the handler and its providers read, because
    these may distinguish users that this middleware cannot distinguish.
    """
    handler = request.engine_handler
    body = await request.body(None if handler is None else handler.body_limit) if request.has_body else b""
    hashed = sha256()
    for begin in range(0, len(body), SLICE):
        if begin:
            await ReactorTurn()
        hashed.update(body[begin : begin + SLICE])
    kind = request.header("content-type") or ""
    read = reads_for(request).values(request, _OF_ATTEMPT) if by_inputs else []
    return digest(request.method, request.raw_path, request.query_string, kind, hashed.digest(), *read)


def _shielded(coroutine: Coroutine[Any, Any, None]) -> Waiter[None]:
    """Run a coroutine, and return an awaitable that fires when it has ended.

    Cancelling the awaitable (the client disconnects) does not cancel the coroutine.
    """
    waiter: Waiter[None] = Waiter()

    def end(_: object) -> None:
        if not waiter.called:
            waiter.callback(None)

    start(coroutine).addBoth(end)
    return waiter
