"""`Call`: one call of a client, with its options."""

from dataclasses import dataclass
from typing import Any

from ropewalk.client.bodies import add_body
from ropewalk.client.credentials import check_auth
from ropewalk.client.errors import InvalidCall
from ropewalk.client.exchange import OWN_FIELDS, OutgoingRequest
from ropewalk.client.options import HTTPClientOptions
from ropewalk.client.redirects import is_repeatable
from ropewalk.client.retries import IDEMPOTENT
from ropewalk.client.timeouts import Timeouts
from ropewalk.client.urls import URL, find_url
from ropewalk.errors import InvalidField, is_int, shown
from ropewalk.headers import TOKEN, Headers
from ropewalk.methods import REGISTERED
from ropewalk.middleware import current_request_id, current_traceparent
from ropewalk.url_encoding import Parameters


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its first request, and the options for its credentials, redirects, response and retries."""

    request: OutgoingRequest
    auth: Any
    redirects: int
    body_limit: int
    repeatable: bool
    """Whether the request may be sent again after a failure."""


def make_call(
    options: HTTPClientOptions,
    base: URL | None,
    method: Any,
    url: Any,
    *,
    path: Any = None,
    query: Parameters | None = None,
    headers: Any = (),
    body: Any = None,
    json: Any = None,
    form: Parameters | None = None,
    auth: Any = None,
    timeouts: Timeouts | None = None,
    redirects: int | None = None,
    body_limit: int | None = None,
    expects_json: bool = False,
) -> Call:
    """Make a call from the options of a client and the arguments of `HTTPClient.request`. Raises InvalidCall."""
    if not isinstance(method, str) or not TOKEN.fullmatch(method):
        raise InvalidCall(f"The method must be a str like GET, not {shown(method)}.")
    if method != method.upper() in REGISTERED:
        raise InvalidCall(
            f"The method must be {method.upper()}, not {shown(method)}, because services compare the case."
        )
    if timeouts is not None and not isinstance(timeouts, Timeouts):
        raise InvalidCall(f"timeouts= must be Timeouts(...), not {shown(timeouts)}.")
    for name, value in (("redirects", redirects), ("body_limit", body_limit)):
        if value is not None and (not is_int(value) or value < 0):
            raise InvalidCall(f"{name}= must be an int of at least 0, not {shown(value)}.")
    check_auth(auth)
    found = find_url(base, url, path, query, any_origin=options.base_url is None)
    fields = _fields(options, headers, expects_json=expects_json)
    content = add_body(method, fields, body, json, form)
    request = OutgoingRequest(method, found, fields, content, timeouts or options.timeouts)
    return Call(
        request,
        options.auth if auth is None else auth,
        options.redirects if redirects is None else redirects,
        options.body_limit if body_limit is None else body_limit,
        (method in IDEMPOTENT or "idempotency-key" in fields) and is_repeatable(content),
    )


def _fields(options: HTTPClientOptions, given: Any, *, expects_json: bool) -> Headers:
    """The fields of a request: those of the call, of the client, of the current request, and the defaults."""
    try:
        fields = Headers(given)
    except InvalidField as error:
        raise InvalidCall(error.message) from error
    for name, value in Headers(options.headers).lines():
        if name not in fields:
            fields[name] = value
    for name in OWN_FIELDS:
        if name in fields:
            raise InvalidCall(f"The field {name} cannot be given, because the client sets it.")
    length = fields.get("content-length")
    if length is not None and not (length.isascii() and length.isdigit()):
        raise InvalidCall(f"The Content-Length {shown(length)} is not a number.")
    request_id = current_request_id()
    if request_id is not None and options.request_id_header is not None:
        fields.setdefault(options.request_id_header, request_id)
    trace = current_traceparent() if options.traceparent else None
    if trace is not None:
        fields.setdefault("traceparent", trace)
    fields.setdefault("user-agent", "ropewalk")
    fields.setdefault("accept", "application/json" if expects_json else "*/*")
    fields.setdefault("accept-encoding", "gzip" if options.decompress else "identity")
    return fields
