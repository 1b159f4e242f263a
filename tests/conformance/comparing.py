"""Compares our engine with two other parsers on the same bytes."""

from collections.abc import Callable, Iterable
from typing import Final

from tests.conformance import by_h11, by_llhttp, ours
from tests.conformance.reading import Difference, Reading, difference
from tests.conformance.rules import LENIENCES, RULES, Raw

ORACLES: Final[dict[str, Callable[[bytes], Reading]]] = {"h11": by_h11.read, "llhttp": by_llhttp.read}


def disagreements(pieces: Iterable[bytes]) -> list[str]:
    """The differences that no rule explains."""
    pieces = list(pieces)
    data, reading = b"".join(pieces), ours.read(pieces)
    found = {name: difference(read(data), reading) for name, read in ORACLES.items()}
    return [
        f"{name}: {it.what}, of {data[it.start :]!r}" for name, it in found.items() if it and not is_designed(it, data)
    ]


def is_designed(it: Difference, data: bytes) -> bool:
    """Whether a rule explains the difference, and its check of the bytes is true."""
    raw = Raw(data[it.start :])
    if it.our_refusal:
        return any(rule.refusal == it.our_refusal and rule.holds(raw) for rule in RULES)
    return any(it.their_refusal.startswith(lenience.refusal) and lenience.holds(raw) for lenience in LENIENCES)
