"""The errors that Ropewalk raises and logs. Each error has a code, and its message says what happened, where it
happened, and what to do.

Codes: RW1xx are for the tree and its routes, RW2xx for handlers and their return values, RW3xx for one exchange, RW4xx
for start-up and the command line, RW5xx for the engine and its listening sockets, RW7xx for hosted applications.
"""

from ropewalk.errors.calling_place import calling_place, with_place
from ropewalk.errors.catalogue import CATALOGUE, LATE_REMEDY, SUBJECTS, Entry
from ropewalk.errors.exceptions import (
    BadBody,
    BeyondLength,
    BodyTooLarge,
    Disconnected,
    EngineError,
    EngineUnusable,
    ExchangeError,
    Forked,
    HandlerError,
    HostedError,
    HTTPError,
    InvalidField,
    OptionError,
    ParentsRequest,
    ResponseEnded,
    ResponseStarted,
    RopewalkError,
    StartError,
    TreeError,
    UnsupportedCoding,
    WrongLength,
    WrongReturn,
    WrongThread,
)
from ropewalk.errors.installing import add_extras, install_command, install_remedy
from ropewalk.errors.interrupts import interrupts
from ropewalk.errors.known_options import KnownOptions, unknown_option
from ropewalk.errors.links import more_about, page_of
from ropewalk.errors.naming import (
    MOST_SHOWN,
    Named,
    code_place,
    describe,
    full_name,
    named,
    place,
    relative,
    shown,
    visible,
)
from ropewalk.errors.option_values import check_options, is_seconds
from ropewalk.errors.optional_packages import MissingPackage, optional_package
from ropewalk.errors.signatures import misfit
from ropewalk.errors.status import is_int, is_status, phrase

__all__ = [
    "CATALOGUE",
    "LATE_REMEDY",
    "MOST_SHOWN",
    "SUBJECTS",
    "BadBody",
    "BeyondLength",
    "BodyTooLarge",
    "Disconnected",
    "EngineError",
    "EngineUnusable",
    "Entry",
    "ExchangeError",
    "Forked",
    "HTTPError",
    "HandlerError",
    "HostedError",
    "InvalidField",
    "KnownOptions",
    "MissingPackage",
    "Named",
    "OptionError",
    "ParentsRequest",
    "ResponseEnded",
    "ResponseStarted",
    "RopewalkError",
    "StartError",
    "TreeError",
    "UnsupportedCoding",
    "WrongLength",
    "WrongReturn",
    "WrongThread",
    "add_extras",
    "calling_place",
    "check_options",
    "code_place",
    "describe",
    "full_name",
    "install_command",
    "install_remedy",
    "interrupts",
    "is_int",
    "is_seconds",
    "is_status",
    "misfit",
    "more_about",
    "named",
    "optional_package",
    "page_of",
    "phrase",
    "place",
    "relative",
    "shown",
    "unknown_option",
    "visible",
    "with_place",
]

for _name in __all__:
    _value = globals()[_name]
    if isinstance(_value, type):
        _value.__module__ = __name__  # so that a traceback shows the name under which users import it
