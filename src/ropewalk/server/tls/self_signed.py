"""Makes a certificate for development, for this machine only."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ropewalk.server.tls.identity import Identity
from ropewalk.server.tls.names import names_of

DAYS_VALID: Final = 30
"""The days for which a certificate is valid. A server for development does not run that long."""

LOCAL: Final = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
)
"""The names in the certificate."""


def make_self_signed() -> Identity:
    """Make a key and a certificate for localhost. Neither is written to a file."""
    return make_local_certificate(None, None)


def make_local_certificate(above: x509.Certificate | None, signing: ec.EllipticCurvePrivateKey | None) -> Identity:
    """Make a key and a certificate for localhost, signed by the authority `above`, or else by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    signing = signing or key
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ropewalk development")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if above is None else above.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # for clients whose clock is behind
        .not_valid_after(now + timedelta(days=DAYS_VALID))
        .add_extension(x509.SubjectAlternativeName(LOCAL), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(signing, hashes.SHA256())
    )
    return Identity(certificate, () if above is None else (above,), key, names_of(certificate))


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 fingerprint of a certificate, as browsers show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
