"""Existing programs of twisted.web on the engine, unchanged; and trees of theirs and ours in one."""

from twisted import __version__

from ropewalk.dropin.accelerating import accelerate, take_over
from ropewalk.dropin.channel import HTTPChannel
from ropewalk.dropin.driver import limits_of
from ropewalk.dropin.grafting import around, graft
from ropewalk.dropin.lenient import LenientRequest
from ropewalk.dropin.mounting import mounted
from ropewalk.dropin.replacing import replace
from ropewalk.dropin.request import Request
from ropewalk.twisted_private import check, warn_of_untested

__all__ = [
    "HTTPChannel",
    "LenientRequest",
    "Request",
    "accelerate",
    "around",
    "graft",
    "limits_of",
    "mounted",
    "replace",
    "take_over",
]

check("dropin")
warn_of_untested(__version__)
