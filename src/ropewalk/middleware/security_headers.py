"""Add header fields that make browsers protect the users of an app."""

import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from ropewalk.errors import KnownOptions
from ropewalk.middleware.added_fields import Line, add_lines
from ropewalk.middleware.chain import Middleware, Next
from ropewalk.middleware.options import check_choice, check_count, check_field, check_kind, check_switches, unsafe
from ropewalk.request import Request
from ropewalk.response import Response

NONCE: Final = "{nonce}"
"""The placeholder for the response's nonce in a Content-Security-Policy."""

SITE_CSP: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
"""The Content-Security-Policy of `for_sites`."""
SITE_PERMISSIONS: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
"""The Permissions-Policy of `for_sites`."""

_CSP: Final = "content-security-policy"
_FRAMES: Final = "x-frame-options"
_ANCESTORS: Final = {"deny": "frame-ancestors 'none'", "same-origin": "frame-ancestors 'self'"}
_OPTIONS: Final = {"deny": "DENY", "same-origin": "SAMEORIGIN"}
_A_YEAR: Final = 365 * 24 * 60 * 60
_REFERRERS: Final = (
    *("no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin"),
    *("strict-origin", "strict-origin-when-cross-origin", "unsafe-url", None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityHeadersOptions(KnownOptions):
    """The header fields to add. None leaves a field out.

    Raises HandlerError: RW230 for an invalid value, RW231 for a contradiction.
    """

    nosniff: bool = True
    """Whether to add X-Content-Type-Options, so that browsers do not guess the type of a response."""
    frames: Literal["deny", "same-origin"] | None = "deny"
    """Which pages may show the app's pages in a frame: sets `frame-ancestors`, and X-Frame-Options for old browsers."""
    referrer_policy: str | None = "same-origin"
    """Referrer-Policy: to which sites browsers send the URL of a page. "same-origin": only to the page's own origin."""
    hsts: int | None = _A_YEAR
    """Strict-Transport-Security, in seconds: during this time, browsers use only HTTPS for this host (RFC 6797). Sent
    only over HTTPS."""
    hsts_subdomains: bool = False
    """Whether `hsts` applies to all subdomains, too."""
    hsts_preload: bool = False
    """Whether browsers may include the domain in their preload lists. This needs `hsts_subdomains`, and `hsts` of a
    year or more."""
    csp: str | None = None
    """Content-Security-Policy, such as "default-src 'self'; script-src 'nonce-{nonce}'". "{nonce}" is replaced with a
    new value for each response. The handler reads this value from `request.state.csp_nonce`. `frame-ancestors` is added
    according to `frames`."""
    opener_policy: Literal["same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"] | None = (
        "same-origin"
    )
    """Cross-Origin-Opener-Policy: with "same-origin", windows of other origins have no access to the app's windows."""
    resource_policy: Literal["same-origin", "same-site", "cross-origin"] | None = "same-origin"
    """Cross-Origin-Resource-Policy: which origins may embed a response, such as an image, without CORS."""
    permissions_policy: str | None = None
    """The value of Permissions-Policy, such as "camera=(), geolocation=()"."""

    @classmethod
    def for_sites(cls, **changes: Any) -> Self:
        """The options for a site with pages, with a strict Content-Security-Policy.

        Scripts run only if they have the nonce of the response: `<script nonce="{{ csp_nonce() }}">` in a template of
        `ropewalk.templating`, or `request.state.csp_nonce`. Scripts that such a script loads run, too. Styles, images,
        fonts and requests of scripts are only allowed from the site itself, and `<style>` only with the nonce. Inline
        handlers such as `onclick` do not run. Browsers deny the site the camera, the location, the microphone, payments
        and USB devices. `changes` replaces single options, as in `for_sites(csp="...")`.
        """
        return cls(**{"csp": SITE_CSP, "permissions_policy": SITE_PERMISSIONS, **changes})

    def __post_init__(self) -> None:
        check_switches(self, "nosniff", "hsts_subdomains", "hsts_preload")
        check_choice(self, "frames", (*_ANCESTORS, None))
        check_choice(self, "referrer_policy", _REFERRERS)
        check_count(self, "hsts", optional=True)
        check_choice(
            self,
            "opener_policy",
            ("same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none", None),
        )
        check_choice(self, "resource_policy", ("same-origin", "same-site", "cross-origin", None))
        check_field(self, "csp")
        check_field(self, "permissions_policy")
        if self.hsts_preload and not (self.hsts_subdomains and self.hsts is not None and self.hsts >= _A_YEAR):
            remedy = f"Set hsts_subdomains=True and hsts={_A_YEAR} or more, or hsts_preload=False."
            raise unsafe(self, "browsers refuse hsts_preload with these options.", remedy)
        if self.hsts is None and self.hsts_subdomains:
            raise unsafe(self, "hsts_subdomains has no effect without hsts.", "Set hsts to a number of seconds.")


def security_headers(options: SecurityHeadersOptions = SecurityHeadersOptions()) -> Middleware:
    """A middleware that adds security fields to every response. It keeps fields that the response already has."""
    check_kind(options, SecurityHeadersOptions)
    plain = _lines(options)
    secure = (*plain, *_hsts(options))
    own = frozenset(name for name, _ in secure) | {_CSP, _FRAMES}
    with_ancestors, without = _policies(options)
    nonced = NONCE in (with_ancestors or "")
    if with_ancestors is not None and not nonced:
        plain, secure = ((*lines, (_CSP, with_ancestors)) for lines in (plain, secure))

    async def security_headers(request: Request, next: Next) -> Response:
        nonce = ""
        if nonced:
            nonce = request.state.csp_nonce = _nonce()
        response = await next(request)
        lines = secure if request.scheme == "https" else plain
        if nonced and with_ancestors is not None:
            lines = (*lines, (_CSP, with_ancestors.replace(NONCE, nonce)))
        if response.has_any(own):
            present = {name for name, _ in response.headers.lines()}
            lines = _missing(lines, present, without and without.replace(NONCE, nonce))
        add_lines(request, response, lines)
        return response

    return security_headers


def _lines(options: SecurityHeadersOptions) -> tuple[Line, ...]:
    """The field lines that the options add to every response, except Content-Security-Policy."""
    values = {
        "x-content-type-options": "nosniff" if options.nosniff else None,
        _FRAMES: None if options.frames is None else _OPTIONS[options.frames],
        "referrer-policy": options.referrer_policy,
        "cross-origin-opener-policy": options.opener_policy,
        "cross-origin-resource-policy": options.resource_policy,
        "permissions-policy": options.permissions_policy,
    }
    return tuple((name, value) for name, value in values.items() if value is not None)


def _hsts(options: SecurityHeadersOptions) -> tuple[Line, ...]:
    if options.hsts is None:
        return ()
    subdomains = "; includeSubDomains" if options.hsts_subdomains else ""
    preload = "; preload" if options.hsts_preload else ""
    return (("strict-transport-security", f"max-age={options.hsts}{subdomains}{preload}"),)


def _policies(options: SecurityHeadersOptions) -> tuple[str | None, str | None]:
    """The Content-Security-Policy with `frame-ancestors`, and the policy without it, for a response that has its own
    X-Frame-Options."""
    given = options.csp.rstrip("; ") if options.csp else None
    if options.frames is None or "frame-ancestors" in (given or "").lower():
        return given, given
    ancestors = _ANCESTORS[options.frames]
    return (ancestors if given is None else f"{given}; {ancestors}"), given


def _missing(lines: tuple[Line, ...], present: set[str], without: str | None) -> tuple[Line, ...]:
    """The lines whose fields the response does not have yet.

    If the response has its own X-Frame-Options, `frame-ancestors` is not added, because browsers would follow
    `frame-ancestors` and ignore the response's own field.
    """
    kept = tuple(line for line in lines if line[0] not in present)
    if _FRAMES not in present:
        return kept
    kept = tuple(line for line in kept if line[0] != _CSP)
    return kept if without is None or _CSP in present else (*kept, (_CSP, without))


def _nonce() -> str:
    return urlsafe_b64encode(os.urandom(18)).decode("ascii")
