"""The words that the project does not use: see `docs/reference/glossary.md` for the terms."""

import re
from collections.abc import Mapping

ON_PAGES = {
    r"\banswer(s|ed|ing)?\b": "response, respond or send",
    r"\b(somebody|nobody|anybody|whoever|whosoever)\b": "the client, peer, caller or user",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\babroad\b": "another thread or process",
    r"\b(homecoming|goes home|went home|came home)\b": "drain",
    r"\bhear(s)? of\b": "is notified of",
    r"\bsay(s)? of\b": "report",
    r"\btell(s)? of\b": "report",
    r"\bat rest\b": "idle",
    r"\bjoints?\b": "the two things, by name",
    r"\buntold\b": "not reported",
}
"""For each pattern, the words to use instead. These patterns are banned everywhere, also on pages of documentation."""

BANNED = {
    **ON_PAGES,
    r"\b(someone|everybody|everyone|anyone)\b": "the client, peer, caller or user",
    r"\b(he|she|him|his|her)\b": "the client, peer, caller or user",
    r"\bbehind the (head|last|first|end|answer|response|request)\b": "after",
    r"\bsee(s|n)? to (it|the|a)\b": "handle",
    r"\bbring(s)? about\b": "cause",
    r"\bpart(s)? with\b": "release",
    r"\bbear(s)? (with|of|the)\b": "allow",
    r"\b(came|comes|come) of\b": "is caused by",
    r"\b(is|are|was|were|been|being) told\b|\btold of\b": "is notified",
    r"\b(is|are|was|were|been|being) asked\b": "is called, read or requested",
    r"\bhanded over\b": "passed",
    r"(?<!there )\b(is|are) no (?!(fewer|less|longer|more)\b)": "is not a",
    r"\b(of|to|for|in|by|with) whom\b|\bof whose\b": "two sentences",
    r"\bupon\b": "on or onto",
    r"\b(anew|once more)\b": "again",
    r"\bfor good\b(?! reason)": "permanently",
    r"\bto be had\b|\bbe had\b": "is available",
    r"\bbecom(e|es|ing) of\b|\bbecame of\b": "happens to",
    r"\bblam(e|es|ed|ing)\b": "the cause of",
    r"\bimpatien(t|tly|ce)\b": "the deadline, or the second signal",
    r"\bat (rest|work)\b": "idle or running",
    r"\bthe (elder|older|younger) brother\b|\bits brothers\b": "the related thing, by name",
    r"\bfit for the wire\b": "valid",
    r"\bwhence\b|\bthereupon\b|\bwhereupon\b|\bheretofore\b": "a plain word",
}
"""The same for messages, help texts, comments and docstrings."""


def violations(text: str, banned: Mapping[str, str] = BANNED) -> list[str]:
    """Every banned word in a text, with the words to use instead."""
    return [
        f"{found[0]!r}: use {instead}, in {text.strip()[:100]!r}"
        for pattern, instead in banned.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]
