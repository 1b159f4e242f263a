"""Serves existing twisted.web programs, unchanged, with the engine, and combines their trees with Ropewalk's.

The packages, from the lowest to the highest, are `request`, `connection`, `mount`, `graft` and `entry`. Each imports
only lower packages.
"""

from twisted import __version__

from ropewalk.dropin.connection.channel import HTTPChannel
from ropewalk.dropin.connection.factory_engine import limits_of
from ropewalk.dropin.entry.accelerate import accelerate, accelerate_port
from ropewalk.dropin.entry.monkeypatch import replace
from ropewalk.dropin.graft.grafting import around, graft
from ropewalk.dropin.mount.mounting import mounted
from ropewalk.dropin.request.lenient import LenientRequest
from ropewalk.dropin.request.request import Request
from ropewalk.twisted_private import check
from ropewalk.twisted_versions import warn_of_untested

__all__ = [
    "HTTPChannel",
    "LenientRequest",
    "Request",
    "accelerate",
    "accelerate_port",
    "around",
    "graft",
    "limits_of",
    "mounted",
    "replace",
]

check("dropin")
warn_of_untested(__version__)
