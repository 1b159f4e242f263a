"""Guess what a mistyped word was meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean x?` with a space in front, or nothing where no known word is close."""
    close = get_close_matches(word, sorted(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""
