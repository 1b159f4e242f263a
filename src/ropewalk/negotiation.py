"""Content negotiation: choose the offered media type that the client prefers (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ropewalk.headers import Headers

_QUOTED: Final = r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)'
"""A quoted string. A string without a closing quote extends to the end, so that no part of the value is searched
twice."""
_ELEMENT: Final = re.compile(rf'(?:[^,"]++|{_QUOTED})+', re.DOTALL)
_PART: Final = re.compile(rf'(?:[^;"]++|{_QUOTED})+', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_WEIGHT: Final = re.compile(r"0?\.[0-9]{1,9}|0\.?|1(?:\.0{0,9})?")
"""A weight. RFC 9110, section 12.4.2, allows at most three decimal places and requires the leading 0, but some old
clients do not conform."""

_Parameters = frozenset[tuple[str, str]]


def vary_by_accept(headers: Headers) -> None:
    """Add Accept to the Vary field, so that caches keep one response for each value of Accept (RFC 9110, section
    12.5.5)."""
    vary_by(headers, ("Accept",))


def vary_by(headers: Headers, names: Iterable[str]) -> None:
    """Add the names of request fields to the Vary field, if they are missing (RFC 9110, section 12.5.5)."""
    given = headers.get("vary", "")
    present = {name.strip().lower() for name in given.split(",")}
    added = [name for name in names if name.lower() not in present]
    if added and "*" not in present:
        headers["vary"] = ", ".join([given, *added] if given.strip() else added)


class _Range(NamedTuple):
    """A media range in an Accept field."""

    kind: str
    subtype: str
    parameters: _Parameters
    weight: float


def preferred(accept: str | None, offers: Sequence[str]) -> str | None:
    """The offer that the client prefers, or None if it accepts none of them.

    `accept` is the value of the Accept field, with several lines joined by commas. None or an empty value accepts
    everything. `offers` are media types such as "text/html" or "text/html; level=1", the server's preferred one first:
    among offers with the same weight, the first is chosen. The weight of an offer is the weight of the most specific
    range in `accept` that matches it. If this range occurs several times, the greatest weight is used. Malformed ranges
    are ignored. For each offer, the time is linear in the length of `accept`.
    """
    if not offers:
        return None
    if accept is None or accept in ("", "*/*"):
        return offers[0]
    ranges = [each for element in _ELEMENT.findall(accept) if (each := _read_range(element)) is not None]
    if not ranges and not accept.strip(" \t,"):
        return offers[0]
    best, most = None, 0.0
    for offer in offers:
        weight = _weight_of(offer, ranges)
        if weight > most:
            best, most = offer, weight
    return best


def _weight_of(offer: str, ranges: list[_Range]) -> float:
    """The client's weight for an offer; 0 if the client does not accept it."""
    kind, subtype, parameters = _read_type(_PART.findall(offer))
    best, weight = (-1, -1), 0.0
    for each in ranges:
        if each.kind not in ("*", kind) or each.subtype not in ("*", subtype) or not each.parameters <= parameters:
            continue
        rank = ((each.kind != "*") + (each.subtype != "*"), len(each.parameters))
        if rank > best or (rank == best and each.weight > weight):
            best, weight = rank, each.weight
    return weight


def _read_range(element: str) -> _Range | None:
    """Parse a media range with its weight; None if it is malformed.

    Parameters after the weight are not a part of the range.
    """
    parts = _PART.findall(element)
    weight = 1.0
    for number, part in enumerate(parts[1:], 1):
        name, _, value = part.partition("=")
        if name.strip().lower() == "q":
            value = value.strip()
            if not _WEIGHT.fullmatch(value):
                return None
            weight = float(value)
            del parts[number:]
            break
    kind, subtype, parameters = _read_type(parts)
    if not kind or not subtype or (kind == "*" and subtype != "*"):
        return None
    return _Range(kind, subtype, parameters, weight)


def _read_type(parts: list[str]) -> tuple[str, str, _Parameters]:
    """Parse the type, the subtype and the parameters of a media type or range. Parameter values keep their case.

    A charset is ignored, because clients write `application/json; charset=utf-8`, although JSON has no such parameter.
    """
    kind, slash, subtype = parts[0].strip().lower().partition("/") if parts else ("", "", "")
    if kind == "*" and not slash:  # the HTTP client of old Java versions sends `*` instead of `*/*`
        subtype = "*"
    parameters = set()
    for part in parts[1:]:
        name, _, value = part.partition("=")
        name = name.strip().lower()
        if name and name != "charset":
            parameters.add((name, _unquoted(value.strip())))
    return kind.strip(), subtype.strip(), frozenset(parameters)


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value
