"""The versions of Twisted with which Ropewalk is tested, and the warning about any other version."""

import re
from typing import Final

from twisted.logger import Logger

from ropewalk.errors import CATALOGUE

log = Logger(namespace="ropewalk.dropin")

TESTED: Final = ("24.7.0", "24.11.0", "25.5.0", "26.10.0")
"""The versions with which Ropewalk's tests and Twisted's tests of twisted.web are run, oldest first."""


def is_tested(version: str) -> bool:
    """Whether a version of Twisted lies between the oldest and the newest tested version.

    Only the first two numbers are compared.
    """
    return _release(TESTED[0]) <= _release(version) <= _release(TESTED[-1])


def warn_of_untested(version: str) -> None:
    """Log a warning (RW756) if a version of Twisted is older or newer than all tested versions."""
    if not is_tested(version):
        message = "RW756 Twisted {version} is not tested: {oldest} to {newest} are. {remedy}"
        remedy = CATALOGUE["RW756"].remedy
        log.warn(message, version=version, oldest=TESTED[0], newest=TESTED[-1], remedy=remedy)


def pyopenssl_pins(version: str) -> list[str]:
    """The version of pyOpenSSL to install with a version of Twisted; empty if the newest works.

    pyOpenSSL 26.2 and later does not allow changes to a TLS Context that is in use, as older versions of Twisted make.
    """
    return [] if _release(version) >= (26, 4) else ["pyopenssl<26.2"]


def _release(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall("[0-9]+", version)[:2]))
