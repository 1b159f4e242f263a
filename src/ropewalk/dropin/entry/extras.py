"""Packages that a plain installation lacks, and the extras of `pyproject.toml` that bring them.

Nothing in here, nor in any other module of ours, imports one of them when it is imported: a program that does without
TLS runs without pyOpenSSL.
"""

import sys
from importlib import import_module
from typing import Any, Final

import twisted

from ropewalk.errors import StartError
from ropewalk.twisted_private import takes_newest_pyopenssl

EXTRAS: Final = {
    "OpenSSL": ("pyOpenSSL", "tls"),
    "cryptography": ("cryptography", "tls"),
    "service_identity": ("service_identity", "tls"),
    "h2": ("h2", "http2"),
    "priority": ("priority", "http2"),
    "wsproto": ("wsproto", "websocket"),
}
"""The name of a package and the extra that installs it, by the module that is imported."""


class MissingPackage(StartError, ImportError):
    """RW750: a feature needs a package that is not installed. It is an ImportError, as Twisted raises it."""

    def __init__(self, feature: str, module: str) -> None:
        package, extra = EXTRAS[module]
        message = f"{feature} needs {package}, which is not installed."
        super().__init__("RW750", message, f"Run `{_command(extra)}`.")


def _command(extra: str) -> str:
    """What installs an extra, with the newest pyOpenSSL that this Twisted works with."""
    pin = "" if extra == "websocket" or takes_newest_pyopenssl(twisted.__version__) else " 'pyopenssl<26.2'"
    return f"pip install 'ropewalk[{extra}]'{pin}"


def require(feature: str, *modules: str) -> None:
    """Raise MissingPackage where one of the modules, each a key of `EXTRAS`, is not installed."""
    for module in modules:
        if not is_installed(module):
            raise MissingPackage(feature, module)


def missing_package(feature: str, error: BaseException) -> MissingPackage | None:
    """What to raise in place of an error of Twisted's that has its cause in a missing package; None for any other.

    Twisted fails to import the package, or, where it has guarded that import, to find a name that this would have
    defined.
    """
    if isinstance(error, ImportError):
        module = (error.name or "").partition(".")[0]
        return MissingPackage(feature, module) if module in EXTRAS and not is_installed(module) else None
    return MissingPackage(feature, "OpenSSL") if isinstance(error, NameError) and not is_installed("OpenSSL") else None


def is_installed(module: str) -> bool:
    """Whether a module can be imported."""
    try:
        import_module(module)
    except ImportError:
        return False
    return True


def is_tls_factory(factory: Any) -> bool:
    """Whether a factory is the one that Twisted puts around another for TLS.

    Its module needs pyOpenSSL. Where it has not been imported there is no such factory.
    """
    tls = sys.modules.get("twisted.protocols.tls")
    return tls is not None and isinstance(factory, tls.TLSMemoryBIOFactory)
