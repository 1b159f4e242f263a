"""Optional packages, and the extras in `pyproject.toml` that install them.

Only the modules of `ropewalk.server.tls` import optional packages at module level, and only `load_tls` imports these
modules, so that a program without TLS needs no pyOpenSSL.
"""

import sys
from importlib import import_module
from typing import Any, Final

import twisted

from ropewalk.errors import StartError, install_remedy
from ropewalk.twisted_versions import pyopenssl_pins

EXTRAS: Final = {
    "OpenSSL": ("pyOpenSSL", "tls"),
    "cryptography": ("cryptography", "tls"),
    "service_identity": ("service_identity", "tls"),
    "h2": ("h2", "http2"),
    "priority": ("priority", "http2"),
    "wsproto": ("wsproto", "websocket"),
}
"""For each module: the name of its package, and the extra that installs the package."""


class MissingPackage(StartError, ImportError):
    """RW750: a feature needs a package that is not installed. It is an ImportError, because Twisted raises one."""

    def __init__(self, feature: str, module: str) -> None:
        package, extra = EXTRAS[module]
        message = f"{feature} needs {package}, which is not installed."
        pins = [] if extra == "websocket" else pyopenssl_pins(twisted.__version__)
        super().__init__("RW750", message, install_remedy(extra, *pins))


def require(feature: str, *modules: str) -> None:
    """Raise MissingPackage if one of the modules, which are keys of `EXTRAS`, is not installed."""
    for module in modules:
        if not is_installed(module):
            raise MissingPackage(feature, module)


def missing_package(feature: str, error: BaseException) -> MissingPackage | None:
    """Return the exception to raise instead of `error`, if a missing package has caused `error`; otherwise None.

    Without the package, Twisted raises an ImportError. Where Twisted ignores the ImportError, it raises a NameError
    when it first uses a name from the package.
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
    """Whether a factory is Twisted's wrapper for TLS around another factory.

    The wrapper's module needs pyOpenSSL, so it is not imported here. If no other code has imported it, there are no
    such factories.
    """
    tls = sys.modules.get("twisted.protocols.tls")
    return tls is not None and isinstance(factory, tls.TLSMemoryBIOFactory)
