"""Skips tests of what older versions of Twisted lack. The checks look for the feature, not at the version."""

import gc
import warnings
from importlib.util import find_spec
from inspect import signature
from typing import Any, Final

import pytest
from twisted.web import http, http_headers
from twisted.web.server import Site

invalid_header_name: type[Exception] | None = getattr(http_headers, "InvalidHeaderName", None)
"""The exception for a header name that is not a token."""

IS_24_7: Final = invalid_header_name is None
"""Whether this Twisted is older than 24.10. Such a Twisted removes the traceback of an exception in a Failure."""
needs_invalid_header_name = pytest.mark.skipif(
    IS_24_7, reason="Headers of this Twisted take any name (24.10 refuses what is no token)"
)
needs_websocket = pytest.mark.skipif(
    find_spec("twisted.web.websocket") is None, reason="This Twisted has no WebSockets (25.5 has)"
)
needs_form_switch = pytest.mark.skipif(
    "parsePOSTFormSubmission" not in signature(Site).parameters,
    reason="Sites of this Twisted take no parsePOSTFormSubmission (25.5 does)",
)


def with_websocket(style: Any) -> Any:
    """A parameter for the upgrade by twisted.web's WebSocketResource."""
    has = hasattr(http.HTTPChannel, "_protocolUpgradeForWebsockets")
    return pytest.param(style, marks=pytest.mark.skipif(not has, reason="This Twisted has no WebSockets (25.5 has)"))


def collect_unbound_sockets() -> None:
    """Close the sockets of ports that could not listen: Twisted before 26.10 leaves them to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
