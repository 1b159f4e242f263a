"""`TLSOptions`: the certificate, the key and the versions of TLS that a listener uses."""

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import twisted

from ropewalk.errors import KnownOptions, StartError, full_name, install_remedy
from ropewalk.twisted_versions import pyopenssl_pins

if TYPE_CHECKING:
    from ropewalk.server.tls import ServerTLS

TLSVersion = Literal["1.2", "1.3"]
"""A version of TLS. Older ones are not secure (RFC 8996)."""

ClientCertificates = Literal["required", "optional"]
"""Whether clients must have a certificate."""

_PACKAGES: Final = {"OpenSSL": "pyOpenSSL", "cryptography": "cryptography", "service_identity": "service_identity"}
"""The packages of the extra `tls`, by the name of their module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TLSOptions(KnownOptions):
    """How a listener serves HTTPS: `app.run(tls=TLSOptions(certificate="certificate.pem", key="key.pem"))`.

    Raises StartError (RW426) for options that contradict each other.
    """

    certificate: str | Path | None = None
    """The file with the certificate in PEM format. The certificates that lead to the root may follow it in the file,
    without the root itself."""
    key: str | Path | None = field(default=None, repr=False)
    """The file with the private key in PEM format, without a password. By default, the key is in the file of the
    certificate."""
    minimum_version: TLSVersion = "1.2"
    """The oldest version of TLS that clients may use, by default 1.2."""
    self_signed: bool = False
    """Whether to make a certificate at the start, instead of reading one. It is for development: browsers warn about
    it, and it works only on addresses of this machine, such as 127.0.0.1."""
    local_authority: bool = False
    """Whether to make a certificate at the start, signed by an authority that is kept in the user's data folder. It is
    for development: browsers that trust the authority show no warning. It works only on addresses of this machine."""
    client_ca: str | Path | None = None
    """The file with the certificates, in PEM format, of the authorities that sign certificates of clients. By default,
    the server requests no certificate from clients."""
    client_certificates: ClientCertificates = "required"
    """With `client_ca`, whether a client must have a certificate ("required"), or may have one ("optional"). A
    certificate of another authority is refused either way."""

    def __post_init__(self) -> None:
        for name in ("certificate", "key", "client_ca"):
            given: Any = getattr(self, name)
            if not isinstance(given, str | Path | None):
                what = f"The {name} of TLSOptions is of type {full_name(type(given))}."  # not shown: it may be a key
                raise StartError("RW426", what, "Give the path of a file in PEM format.")
            if "-----BEGIN" in f"{given}":  # the message does not show it, because it may be a secret
                what = f"The {name} of TLSOptions is the text of a {name}, not a path."
                raise StartError("RW426", what, "Give the path of a file with this text.")
        if self.minimum_version not in get_args(TLSVersion):
            what = f"The minimum_version of TLSOptions is {self.minimum_version!r}."
            raise StartError("RW426", what, 'Set it to "1.2" or "1.3".')
        if self.client_certificates not in get_args(ClientCertificates):
            what = f"The client_certificates of TLSOptions is {self.client_certificates!r}."
            raise StartError("RW426", what, 'Set it to "required" or "optional".')
        if self.client_certificates == "optional" and self.client_ca is None:
            what = "TLSOptions has client_certificates, and no authority that signs them."
            raise StartError("RW426", what, 'Set client_ca="authorities.pem", too.')
        if self.self_signed and self.local_authority:
            what = "TLSOptions has self_signed and local_authority."
            raise StartError("RW426", what, "Leave out one of them.")
        if self.is_made:
            if self.certificate is not None or self.key is not None:
                name = "self_signed" if self.self_signed else "local_authority"
                what = f"TLSOptions has {name}, and files that would not be used."
                raise StartError("RW426", what, f"Leave out {name}, or certificate and key.")
        elif not self.certificate:
            what = "TLSOptions has no certificate."
            raise StartError("RW426", what, 'Set certificate="certificate.pem" and key="key.pem".')

    @property
    def is_made(self) -> bool:
        """Whether the certificate is made at the start, for this machine only."""
        return bool(self.self_signed or self.local_authority)

    @property
    def certificate_file(self) -> Path:
        """The path of the file with the certificate."""
        return Path(self.certificate or "")

    @property
    def key_file(self) -> Path:
        """The path of the file with the key."""
        return Path(self.key or self.certificate or "")


def load_tls(options: TLSOptions) -> "ServerTLS":
    """Read the certificate and the key.

    Raises StartError: RW425 if they cannot be used, RW426 if `options` is not a TLSOptions, RW750 if the extra `tls` is
    not installed.
    """
    given: Any = options
    if not isinstance(given, TLSOptions):
        what = f"tls is of type {full_name(type(given))}, not TLSOptions."
        raise StartError("RW426", what, 'Give TLSOptions(certificate="certificate.pem", key="key.pem").')
    for module, package in _PACKAGES.items():
        try:
            import_module(module)
        except ImportError as error:
            what = f"TLS needs {package}, which is not installed."
            raise StartError("RW750", what, install_remedy("tls", *pyopenssl_pins(twisted.__version__))) from error
    from ropewalk.server.tls import ServerTLS

    return ServerTLS(options)
