"""Certificates that tests make, for localhost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Files:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path

    @property
    def flags(self) -> tuple[str, ...]:
        return "--tls-certificate", f"{self.certificate}", "--tls-key", f"{self.key}"


@dataclass(frozen=True)
class Authority:
    """A certificate that signs others."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def make_authority(name: str = "Test authority", above: Authority | None = None) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, key, above).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Authority(builder.sign(above.key if above else key, hashes.SHA256()), key)


def make_files(
    folder: Path,
    *,
    hosts: Sequence[str] = ("localhost", "*.example.com"),
    addresses: Sequence[str] = ("127.0.0.1", "::1"),
    common_name: str = "localhost",
    key: Any = None,
    ends: datetime = NOW + timedelta(days=30),
    begins: datetime = NOW - timedelta(days=1),
    password: bytes | None = None,
    authority: Authority | None = None,
    chain: Sequence[Authority] = (),
    usage: x509.ObjectIdentifier | None = None,
    extension: x509.ExtensionType | None = None,
    name: str = "certificate",
) -> Files:
    """Write a certificate and its key, which only this user can read."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = _builder(common_name, key, authority, begins, ends)
    names = [*map(x509.DNSName, hosts), *(x509.IPAddress(ip_address(each)) for each in addresses)]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    signing = authority.key if authority else key
    certificate = builder.sign(signing, None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    files = Files(folder / f"{name}.pem", folder / f"{name}-key.pem")
    files.certificate.write_bytes(
        b"".join(each.public_bytes(Encoding.PEM) for each in (certificate, *(above.certificate for above in chain)))
    )
    files.key.touch(0o600)
    files.key.write_bytes(key_bytes(key, password))
    return files


def key_bytes(key: Any, password: bytes | None = None, encoding: Encoding = Encoding.PEM) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    found: bytes = key.private_bytes(encoding, PrivateFormat.PKCS8, encryption)
    return found


def _builder(
    name: str,
    key: Any,
    above: Authority | None,
    begins: datetime = NOW - timedelta(days=1),
    ends: datetime = NOW + timedelta(days=30),
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(above.certificate.subject if above else named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
