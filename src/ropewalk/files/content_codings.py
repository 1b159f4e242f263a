"""The content codings that a client accepts (RFC 9110, section 12.5.3)."""

import re
from collections.abc import Sequence
from typing import Final

_WEIGHT: Final = re.compile(r"(?:0(?:\.[0-9]{0,9})?|1(?:\.0{0,9})?|\.[0-9]{1,9})")
_ALIASES: Final = {"x-gzip": "gzip", "x-compress": "compress"}
_MAX_FIELD: Final = 1024
"""A longer field counts as absent. That of a browser has about 30 characters."""


def accepted_codings(field: str | None, offers: Sequence[str]) -> list[str]:
    """The offered codings that a client prefers to the uncompressed content or accepts equally, the best first.

    `offers` are in the order of the server's preference, which decides between codings of equal weight. If the field is
    absent, the result is empty: a client that does not mention a coding may not be able to decode it.
    """
    if not field or len(field) > _MAX_FIELD:
        return []
    weights: dict[str, float] = {}
    for element in field.lower().split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, equals, value = parameter.partition("=")
            if equals and key.strip() == "q":
                value = value.strip()
                weight = float(value) if _WEIGHT.fullmatch(value) else 0.0
        if name:
            weights[_ALIASES.get(name, name)] = weight
    rest = weights.get("*", 0.0)
    least = weights.get("identity", 0.0)
    weighted = [(weights.get(offer, rest), offer) for offer in offers]
    return [offer for weight, offer in sorted(weighted, key=lambda each: -each[0]) if weight > 0 and weight >= least]
