"""The host names and addresses for which a certificate is valid (RFC 9525)."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from cryptography import x509


@dataclass(frozen=True, slots=True)
class CertifiedNames:
    """The names in a certificate."""

    hosts: frozenset[str]
    """Host names in lower case. The first label may be `*`, which stands for exactly one label."""
    addresses: frozenset[IPv4Address | IPv6Address]

    def cover(self, name: str) -> bool:
        """Whether the certificate is valid for a host: a name in lower case, an IPv4 address, or an IPv6 address in
        brackets."""
        try:
            return ip_address(name.strip("[]")) in self.addresses
        except ValueError:
            pass
        if "*" in name:
            return False
        first, _, parent = name.partition(".")
        return name in self.hosts or (bool(first and parent) and f"*.{parent}" in self.hosts)


def names_of(certificate: x509.Certificate) -> CertifiedNames:
    """The names in a certificate. Its common name counts only if it has no other names, as in old certificates."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return _names([f"{each.value!s}" for each in common], [])
    return _names(found.get_values_for_type(x509.DNSName), found.get_values_for_type(x509.IPAddress))


def _names(hosts: Sequence[str], addresses: Sequence[object]) -> CertifiedNames:
    plain = [each for each in addresses if isinstance(each, IPv4Address | IPv6Address)]
    return CertifiedNames(frozenset(each.lower().rstrip(".") for each in hosts), frozenset(plain))
