"""Suggest the known word that a user has probably mistyped."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean x?`, with a leading space, or an empty string if no known word is similar."""
    close = get_close_matches(word, sorted(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""
