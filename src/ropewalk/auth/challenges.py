"""Challenges: the value of WWW-Authenticate (RFC 9110, sections 11.3 and 11.6.1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ropewalk.errors import OptionError, shown

_TOKENS_OF_DIGEST: Final = {"algorithm", "charset", "stale"}
"""Parameters that must not be quoted in a Digest challenge; other schemes may quote them (RFC 7616, section 3.3)."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a WWW-Authenticate field: a scheme and its parameters."""

    scheme: str
    """The name of the scheme, such as `Basic`."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Names and unquoted values, in order. `str(challenge)` quotes the values."""

    def extended(self, parameters: dict[str, str]) -> "Challenge":
        """A copy of the challenge with more parameters at its end."""
        return Challenge(self.scheme, (*self.parameters, *parameters.items()))

    def __str__(self) -> str:
        written = ", ".join(f"{name}={self._written(name, value)}" for name, value in self.parameters)
        return f"{self.scheme} {written}".rstrip()

    def _written(self, name: str, value: str) -> str:
        is_token = self.scheme == "Digest" and name in _TOKENS_OF_DIGEST
        return value if is_token else quoted(value)


def quoted(value: str) -> str:
    """A text as a quoted-string (RFC 9110, section 5.6.4)."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def joined(challenges: Iterable[Challenge]) -> str:
    """The value of one WWW-Authenticate field with these challenges. Duplicates are left out."""
    return ", ".join(dict.fromkeys(map(str, challenges)))


def check_realm(realm: str) -> str:
    """Raises HandlerError (RW240) for a realm that a header field cannot carry."""
    given: Any = realm
    if not isinstance(given, str) or not realm.isascii() or not realm.isprintable():
        raise OptionError("RW240", f"The realm {shown(realm)} is not printable ASCII.", "Use a short name in English.")
    return realm
