"""The certificate with which a client has identified itself over TLS."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """The certificate of a client, which an authority of `TLSOptions.client_ca` has signed.

    The client has proved that it has the key of the certificate. Compare `fingerprint`, or the names, with those that
    you allow.
    """

    subject: str
    """The distinguished name (RFC 4514), such as "CN=billing,O=Hotel"."""
    common_name: str
    """The common name of the subject; "" if it has none."""
    names: tuple[str, ...]
    """The alternative names: host names, addresses, email addresses and URIs, such as those of SPIFFE."""
    issuer: str
    """The distinguished name of the authority that has signed the certificate."""
    serial_number: int
    """The number that the authority gave to the certificate."""
    not_valid_after: datetime
    """When the certificate expires, in UTC."""
    fingerprint: str
    """The SHA-256 of the certificate, as 64 lower-case hexadecimal digits."""
    pem: str = field(repr=False)
    """The certificate in PEM format."""
