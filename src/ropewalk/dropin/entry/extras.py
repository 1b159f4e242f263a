"""Optional packages, and the extras of `pyproject.toml` that install them.

No module of ours imports one of them at module level, so that a program without TLS runs without pyOpenSSL.
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
"""By the name of a module: the name of its package, and the extra that installs it."""


class MissingPackage(StartError, ImportError):
    """RW750: a feature needs a package that is not installed. As in Twisted, it is an ImportError."""

    def __init__(self, feature: str, module: str) -> None:
        package, extra = EXTRAS[module]
        message = f"{feature} needs {package}, which is not installed."
        super().__init__("RW750", message, f"Run `{_command(extra)}`.")


def _command(extra: str) -> str:
    """Return the command that installs an extra, with a version of pyOpenSSL that this Twisted supports."""
    pin = "" if extra == "websocket" or takes_newest_pyopenssl(twisted.__version__) else " 'pyopenssl<26.2'"
    return f"pip install 'ropewalk[{extra}]'{pin}"


def require(feature: str, *modules: str) -> None:
    """Raise MissingPackage if one of the modules, which are keys of `EXTRAS`, is not installed."""
    for module in modules:
        if not is_installed(module):
            raise MissingPackage(feature, module)


def missing_package(feature: str, error: BaseException) -> MissingPackage | None:
    """Return the exception to raise instead of an error of Twisted that a missing package caused; None otherwise.

    Twisted fails with an ImportError or, if it guards the import, with a NameError for a name that the package defines.
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
    """Whether a factory is the one in which Twisted wraps another for TLS.

    Its module needs pyOpenSSL. If it has not been imported, there is no such factory.
    """
    tls = sys.modules.get("twisted.protocols.tls")
    return tls is not None and isinstance(factory, tls.TLSMemoryBIOFactory)
