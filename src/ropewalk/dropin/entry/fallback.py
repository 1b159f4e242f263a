"""Detects, when a port opens, whether Twisted itself will serve the connections of a factory (RW740 and RW743)."""

from typing import Any

from twisted.web import http

from ropewalk.dropin.connection.channel import OVERRIDES, HTTPChannel
from ropewalk.dropin.connection.override_check import FOREIGN, KEPT
from ropewalk.errors import full_name
from ropewalk.twisted_private import HTTP_CHANNEL_FACTORY


def fallback_reason(factory: Any) -> str:
    """Return why Twisted serves all connections of a factory.

    The reason is empty if the engine serves them, or if that is not known before the first connection.
    """
    kind: Any = getattr(factory, "protocol", None)
    if getattr(kind, "__func__", None) is HTTP_CHANNEL_FACTORY:
        kind = http.HTTPChannel
    if not isinstance(kind, type):  # a function or object that the program, or `accelerate`, has set
        return ""
    if not issubclass(kind, HTTPChannel):
        return FOREIGN.format(protocol=full_name(kind))
    reason = OVERRIDES.reason_to_stay_twisted(kind)
    return KEPT.format(channel=full_name(kind), reason=reason) if reason else ""
