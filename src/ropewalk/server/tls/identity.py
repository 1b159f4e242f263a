"""Reads a certificate and its private key, and says what is wrong with them (RW425)."""

import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from ropewalk.errors import StartError
from ropewalk.server.tls.names import CertifiedNames, names_of

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey

_KINDS: Final = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)
"""The kinds of keys that TLS can use."""

LARGEST: Final = 4 << 20
"""The maximum size of a file, in bytes. For comparison, the certificates of all public authorities together take a
quarter of a MiB."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """The other certificates in the file: those of the authorities between the certificate and the root."""
    key: PrivateKey = field(repr=False)
    names: CertifiedNames

    def pem(self) -> bytes:
        """The certificate, its chain and the key in PEM format. The key has no password."""
        certificates = [each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.chain)]
        return b"".join([*certificates, self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())])

    def date_warning(self, where: str, now: datetime | None = None) -> str | None:
        """A sentence if the certificate has expired or is not valid yet; otherwise None."""
        now = now or datetime.now(UTC)
        begin, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        if now > end:
            return f"The TLS certificate {where} expired on {end:%Y-%m-%d}: clients refuse it."
        if now < begin:
            return f"The TLS certificate {where} is not valid before {begin:%Y-%m-%d %H:%M} UTC: clients refuse it."
        return None


def read_identity(certificate_file: Path, key_file: Path) -> Identity:
    """Read a certificate and its key. Raises StartError (RW425) that says what is wrong."""
    first, *chain = _parse_certificates(certificate_file, _read(certificate_file, "certificate"))
    key = _parse_key(key_file, _read(key_file, "key"))
    try:
        names = names_of(first)
        certified, above = _spki(first.public_key()), [_spki(each.public_key()) for each in chain]
    except (ValueError, UnsupportedAlgorithm) as error:
        message = f"{certificate_file}, the TLS certificate, cannot be used: {_reason(error)}."
        raise StartError("RW425", message, "Request it again, with a key for ECDSA P-256.") from error
    if certified != _spki(key.public_key()):
        if _spki(key.public_key()) in above:
            what = f"{certificate_file}: the certificate of the key {key_file} is not the first one in the file."
            raise StartError(
                "RW425", what, "Put the server's certificate first, and those of its authorities after it."
            )
        what = f"{key_file} is not the key of the certificate in {certificate_file}."
        raise StartError("RW425", what, "Use the key with which the certificate was requested.")
    return Identity(first, tuple(chain), key, names)


def read_authorities(path: Path) -> tuple[x509.Certificate, ...]:
    """Read the certificates of the authorities that sign the certificates of clients. Raises StartError (RW425)."""
    what = "certificate of client authorities"
    found = tuple(_parse_certificates(path, _read(path, what), what))
    for each in found:
        try:
            is_authority = each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except (x509.ExtensionNotFound, ValueError):  # ValueError: malformed extensions
            is_authority = False
        if not is_authority:
            what = f"{path} has a certificate that is not of an authority: {each.subject.rfc4514_string()}."
            raise StartError("RW425", what, "Name a file with the certificates of authorities only.")
    return found


def readable_by_others(path: Path) -> bool:
    """Whether every user of the machine can read a file."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def check_regular(path: Path) -> None:
    """Raises StartError (RW425) for a pipe or another file whose reading may block. A missing file is accepted here,
    because reading it later reports the error."""
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - those of Path may raise an exception
        raise StartError("RW425", f"{path} is not a regular file.", "Replace it with a regular file.")


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            message = f"{path}, the TLS {what}, is larger than {LARGEST >> 20} MiB."
            raise StartError("RW425", message, "Name a file in PEM format.")
        return data
    except OSError as error:
        remedies: dict[type[OSError], str] = {
            FileNotFoundError: "Check its path, which is relative to the working directory.",
            PermissionError: "Let the user of this process read it.",
        }
        message = f"{path}, the TLS {what}, cannot be read: {error.strerror}."
        raise StartError("RW425", message, remedies.get(type(error), "Name a file in PEM format.")) from error


def _parse_certificates(path: Path, data: bytes, kind: str = "certificate") -> list[x509.Certificate]:
    if b"-----BEGIN CERTIFICATE-----" not in data:
        if b"PRIVATE KEY-----" in data:
            what = f"{path} has a private key, but no certificate."
            raise StartError("RW425", what, "Name the file of the certificate. Perhaps the two file names are swapped.")
        _not_pem(path, data, kind, "openssl x509 -inform DER -in OLD -out NEW")
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        message = f"{path}, the TLS {kind}, is damaged: {_reason(error)}."
        raise StartError("RW425", message, "Copy it again, or request it again.") from error


def _parse_key(path: Path, data: bytes) -> PrivateKey:
    if b"PRIVATE KEY-----" not in data:
        if b"-----BEGIN CERTIFICATE-----" in data:
            what = f"{path} has a certificate, but no private key."
            raise StartError("RW425", what, "Name the file of the key, too.")
        _not_pem(path, data, "key", "openssl pkey -inform DER -in OLD -out NEW")
    try:
        key: Any = load_pem_private_key(_key_block(data), None)
    except TypeError as error:  # it has a password
        remedy = f"Decrypt it: openssl pkey -in {path} -out NEW. Only the user of this process may read the new file."
        raise StartError("RW425", f"{path}, the TLS key, is encrypted with a password.", remedy) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        message = f"{path}, the TLS key, is damaged, or of an unknown kind: {_reason(error)}."
        raise StartError("RW425", message, "Copy it again, or make a new one.") from error
    if not isinstance(key, _KINDS):
        message = f"{path}, the TLS key, is of a kind that TLS cannot use: {type(key).__name__.strip('_')}."
        raise StartError("RW425", message, "Use a key for ECDSA, RSA or Ed25519.")
    return key


def _key_block(data: bytes) -> bytes:
    """The private key, without other parts of the file before it, such as the parameters of its curve or a
    certificate."""
    begin = data.index(b"PRIVATE KEY-----")
    return data[data.rindex(b"-----BEGIN", 0, begin) :] if b"-----BEGIN" in data[:begin] else data


def _not_pem(path: Path, data: bytes, what: str, command: str) -> NoReturn:
    if not data.strip():
        raise StartError("RW425", f"{path}, the TLS {what}, is empty.", f"Name a file with a {what} in PEM format.")
    if data[:1] == b"\x30":  # an ASN.1 sequence
        message = f"{path}, the TLS {what}, is in DER format, not in PEM format."
        raise StartError("RW425", message, f"Convert it: {command}.")
    raise StartError("RW425", f"{path}, the TLS {what}, is not in PEM format.", f"Name the file of the {what}.")


def _reason(error: Exception) -> str:
    return f"{error}".split("\n", 1)[0].partition(". ")[0].rstrip(".") or type(error).__name__


def _spki(key: Any) -> bytes:
    """A public key as bytes, for comparison."""
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
