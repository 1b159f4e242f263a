"""The options of `HTTPClient`."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from ropewalk.client.credentials import mistake_in
from ropewalk.client.exchange import OWN_FIELDS
from ropewalk.client.option_checks import check_int, check_parsed, check_seconds, check_switch, wrong
from ropewalk.client.retries import Retries
from ropewalk.client.timeouts import Timeouts
from ropewalk.client.urls import parse_base_url
from ropewalk.errors import InvalidField, KnownOptions, OptionError
from ropewalk.headers import Fields, Headers, field_name

_USER: Final = re.compile(r"[^/?#]*//[^/?#]*@")
"""The beginning of a URL with a user."""

Auth = tuple[str, str] | str | Callable[[], str | Awaitable[str]]
"""Credentials: a user and a password, a bearer token, or a function that returns a bearer token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPClientOptions(KnownOptions):
    """The options of `HTTPClient`. Raises OptionError (RW359) for an invalid value."""

    base_url: str | None = None
    """The URL below which all calls are, such as `https://rooms.internal/v1`. With it, a call to another origin is
    InvalidCall (RW357), so that the client's credentials are sent to no other service."""
    headers: Fields = field(default=(), repr=False)
    """Header fields that are sent with each request."""
    auth: Auth | None = field(default=None, repr=False)
    """The credentials of each request: a user and a password `("ada", "secret")` for Basic (RFC 7617), a token for
    Bearer (RFC 6750), or a plain or async function that returns a token, called at the beginning of each call."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    """How long the phases of a call may take."""
    retries: Retries = field(default_factory=Retries)
    """When a call is repeated."""
    connections: int = 100
    """The most calls that use a connection at the same time. Further calls wait (`timeouts.pool`)."""
    idle_connections: int = 20
    """The most connections to a service that are kept open for the next calls."""
    idle_timeout: float = 15.0
    """Seconds after which an unused connection is closed. It should be shorter than the service's own timeout:
    otherwise the service may close a connection while a request is sent on it."""
    body_limit: int = 16 * 1024 * 1024
    """The most bytes of a response that is read as a whole, after decompression."""
    redirects: int = 0
    """How many redirects are followed. By default, none is: the response is returned."""
    cross_origin_redirects: bool = False
    """Whether redirects to another origin are followed. The new request has no credentials and cookies, and none of the
    client's own header fields. A redirect from https to http is never followed."""
    cookies: bool = False
    """Whether cookies that responses set are kept and sent (RFC 6265). All calls share them, so leave this off if the
    client makes calls for several users. A response over http neither sets nor replaces a Secure cookie."""
    decompress: bool = True
    """Whether responses may be compressed with gzip."""
    ca_file: str | Path | None = None
    """A PEM file with the certificate authorities to trust, instead of the system's."""
    request_id_header: str | None = "x-request-id"
    """The field in which the id of the current request (`request_id`) is passed on; None for no field."""
    traceparent: bool = True
    """Whether `traceparent` (W3C Trace Context) of the current request is passed on."""
    back_end: Literal["httpx2", "twisted"] | None = None
    """The library that sends the requests. By default, it is httpx2 on asyncio reactors, and Twisted's Agent on
    others."""

    def __post_init__(self) -> None:
        if self.base_url is not None:
            if _USER.match(f"{self.base_url}"):  # the value is not shown, because it may have a password
                what = "HTTPClientOptions: base_url cannot be used, because it has a user or a password."
                raise OptionError("RW359", what, "Give them as auth=(user, password).")
            remedy = "Give a URL like https://rooms.internal/v1, without a user, query and fragment."
            check_parsed(self, "base_url", lambda: parse_base_url(self.base_url), remedy)
        try:
            object.__setattr__(self, "headers", tuple(Headers(self.headers).lines()))  # an iterator can be read once
        except InvalidField as error:
            what = f"HTTPClientOptions: headers cannot be used. {error.message}"
            raise OptionError("RW359", what, "Give a mapping of names and values, or pairs of them.") from None
        own = sorted(
            OWN_FIELDS.union(("content-length",)).intersection(name for name, _ in Headers(self.headers).lines())
        )
        if own:
            what = f"HTTPClientOptions: headers cannot be used, because the client sets {own[0]} itself."
            raise OptionError("RW359", what, "Leave it out.")
        mistake = mistake_in(self.auth)
        if mistake is not None:
            what = f"HTTPClientOptions: auth cannot be used. {mistake}"
            raise OptionError("RW359", what, "Give a token, a tuple of a user and a password, or a function.")
        timeouts: object = self.timeouts
        retries: object = self.retries
        if not isinstance(timeouts, Timeouts):
            raise wrong(self, "timeouts", "Give Timeouts(...).")
        if not isinstance(retries, Retries):
            raise wrong(self, "retries", "Give Retries(...). Retries(attempts=1) switches retries off.")
        check_int(self, "connections", 1)
        check_int(self, "idle_connections", 0)
        check_seconds(self, "idle_timeout")
        check_int(self, "body_limit", 1)
        check_int(self, "redirects", 0)
        for switch in ("cross_origin_redirects", "cookies", "decompress", "traceparent"):
            check_switch(self, switch)
        if self.ca_file is not None and not Path(self.ca_file).is_file():
            raise wrong(self, "ca_file", "Give the path of a PEM file that exists.")
        if self.request_id_header is not None:
            remedy = "Give the name of a field, like x-request-id, or None."
            check_parsed(self, "request_id_header", lambda: field_name(self.request_id_header or ""), remedy)
        if self.back_end not in (None, "httpx2", "twisted"):
            raise wrong(self, "back_end", 'Write "httpx2", "twisted" or None.')
