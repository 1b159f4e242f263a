"""Detects factories whose connections Twisted itself serves (RW740 and RW743), if that is known when a port opens."""

from typing import Any

from twisted.web import http

from ropewalk.dropin.connection.channel import OVERRIDES, HTTPChannel
from ropewalk.dropin.connection.override_check import FOREIGN, KEPT
from ropewalk.errors import full_name
from ropewalk.twisted_private import HTTP_CHANNEL_FACTORY


def fallback_reason(factory: Any) -> str:
    """Return why Twisted serves all connections of a factory.

    Empty if the engine serves them, or if it is not known yet.
    """
    kind: Any = getattr(factory, "protocol", None)
    if getattr(kind, "__func__", None) is HTTP_CHANNEL_FACTORY:
        kind = http.HTTPChannel
    if not isinstance(kind, type):  # set by the program, or by `accelerate`
        return ""
    if not issubclass(kind, HTTPChannel):
        return FOREIGN.format(protocol=full_name(kind))
    reason = OVERRIDES.reason_to_stay_twisted(kind)
    return KEPT.format(channel=full_name(kind), reason=reason) if reason else ""
