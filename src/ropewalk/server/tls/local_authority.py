"""The certificate authority of this user and machine, for development: browsers that trust it show no warning.

Its key stays in a file of the user's data folder, which only the user can read. The authority may sign certificates
only for names and addresses of this machine (RFC 5280, section 4.2.1.10), so that a stolen key is worth nothing
elsewhere.
"""

import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from secrets import token_hex
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ropewalk.errors import StartError
from ropewalk.server.tls.identity import Identity, read_identity
from ropewalk.server.tls.self_signed import make_local_certificate

DAYS_VALID: Final = 3650
"""The days for which the authority is valid: many, because users should have to install it only once on a machine."""
_DAYS_LEFT: Final = 60
"""An authority that expires within this number of days is replaced."""

_ALLOWED: Final = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_network("127.0.0.0/8")),
    x509.IPAddress(ip_network("::1/128")),
)


@dataclass(frozen=True, slots=True)
class LocalAuthority:
    """The authority: its certificate, and the file that browsers import."""

    file: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    is_new: bool
    """Whether the authority was made just now, so that no browser can trust it yet."""

    def issue(self) -> Identity:
        """Make a key and a certificate for localhost. Neither is written to a file."""
        return make_local_certificate(self.certificate, self.key)


def local_authority(folder: Path | None = None) -> LocalAuthority:
    """The authority in a folder, by default `data_folder()`. If there is none, or if it expires soon, a new one is
    made.

    Raises StartError (RW425) if it cannot be read or written, or if other users can read its key.
    """
    folder = data_folder() if folder is None else folder
    file = folder / "authority.pem"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = _read(folder / "authority-key.pem")
        certificate, key = found or _make()
        public = certificate.public_bytes(Encoding.PEM)
        if found is None:
            secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _write(folder / "authority-key.pem", public + secret, 0o600)  # one file, so that both always match
        if not file.exists() or file.read_bytes() != public:
            _write(file, public, 0o644)
    except OSError as error:
        what = f"The local certificate authority in {folder} cannot be written: {error.strerror}."
        raise StartError("RW425", what, "Make the folder writable, set XDG_DATA_HOME, or use self_signed.") from error
    return LocalAuthority(file, certificate, key, is_new=found is None)


def data_folder() -> Path:
    """The folder of the authority: below XDG_DATA_HOME, or else below `~/.local/share`."""
    given = os.environ.get("XDG_DATA_HOME", "")
    base = Path(given) if given.startswith("/") else Path("~/.local/share").expanduser()
    return base / "ropewalk"


def how_to_trust(authority: LocalAuthority) -> str:
    """A sentence that tells users how to make their browser trust the authority."""
    made = "was made now" if authority.is_new else "must be trusted once"
    return (
        f"TLS uses a certificate of the local authority {authority.file}, which {made}: import this file in your "
        "browser as an authority for web sites, or see docs/how-to/tls.md."
    )


def _make() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Ropewalk local authority {token_hex(4)}")])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=DAYS_VALID))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=_ALLOWED, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _read(file: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None:
    """The authority in a file; None if there is none, or if it expires soon."""
    if not file.exists():
        return None
    _check_permissions(file)
    found = read_identity(file, file)
    left = found.certificate.not_valid_after_utc - datetime.now(UTC)
    if left < timedelta(days=_DAYS_LEFT) or not isinstance(found.key, ec.EllipticCurvePrivateKey):
        return None
    return found.certificate, found.key


def _check_permissions(key_file: Path) -> None:
    """Raises StartError (RW425) for a key that other users can read or replace."""
    status = key_file.stat()
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        what = f"{key_file}, the key of the local certificate authority, is open to other users."
        raise StartError(
            "RW425",
            what,
            "Remove it: browsers would trust certificates that these users sign with it. A new authority is then made.",
        )


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a file atomically, so that another server that starts at the same time never reads only a part of it."""
    beside = path.with_name(f".{token_hex(8)}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
