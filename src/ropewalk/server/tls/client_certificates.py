"""Converts the certificate of a client for `request.client_certificate`."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from ropewalk.request import ClientCertificate


def client_certificate_of(certificate: x509.Certificate) -> ClientCertificate:
    """The parts of a certificate that applications need."""
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return ClientCertificate(
        subject=certificate.subject.rfc4514_string(),
        common_name=f"{common[0].value!s}" if common else "",
        names=_names_of(certificate),
        issuer=certificate.issuer.rfc4514_string(),
        serial_number=certificate.serial_number,
        not_valid_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
    )


def _names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The alternative names of a certificate. Other kinds of names, and malformed names, are left out."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    kinds = (x509.DNSName, x509.IPAddress, x509.RFC822Name, x509.UniformResourceIdentifier)
    return tuple(f"{each.value}" for each in found if isinstance(each, kinds))
