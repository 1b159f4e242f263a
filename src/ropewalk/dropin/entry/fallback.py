"""Whose connections stay Twisted's, as far as that is known when a port opens (RW740 and RW743)."""

from typing import Any

from twisted.web import http

from ropewalk.dropin.connection.channel import OVERRIDES, HTTPChannel
from ropewalk.dropin.connection.override_check import FOREIGN, KEPT
from ropewalk.errors import full_name
from ropewalk.twisted_private import HTTP_CHANNEL_FACTORY


def reason_of(factory: Any) -> str:
    """Why all connections of a factory stay Twisted's; empty where they do not, or the first one has to tell."""
    kind: Any = getattr(factory, "protocol", None)
    if getattr(kind, "__func__", None) is HTTP_CHANNEL_FACTORY:
        kind = http.HTTPChannel
    if not isinstance(kind, type):  # a function of the program's, or what `accelerate` has put there
        return ""
    if not issubclass(kind, HTTPChannel):
        return FOREIGN.format(protocol=full_name(kind))
    reason = OVERRIDES.of_class(kind)
    return KEPT.format(channel=full_name(kind), reason=reason) if reason else ""
