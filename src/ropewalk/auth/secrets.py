"""Compares secrets in constant time."""

from hmac import compare_digest


def same_secret(given: str | bytes, expected: str | bytes) -> bool:
    """Whether two secrets are the same, in a time that does not depend on where they differ."""
    return compare_digest(_octets(given), _octets(expected))


def _octets(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
