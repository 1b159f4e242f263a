"""The lists of differences as the documentation shows them: `python -m tests.conformance.tables` prints them."""

from collections.abc import Iterable

from tests.conformance.comparing import ORACLES
from tests.conformance.differences import CORPUS, NOTES
from tests.conformance.rules import LENIENCES, RULES


def tables() -> list[str]:
    """Every table, in the order of the page."""
    return [corpus(), stricter(), more_lenient(), notes()]


def corpus() -> str:
    """The differences for gunicorn's corpus."""
    rows = ((", ".join(f"`{file}`" for file in it.files), it.verdict, it.section, it.reason) for it in CORPUS)
    return table(("files", "with us", "RFC 9112", "why"), rows)


def stricter() -> str:
    """The messages that we refuse and an oracle accepts."""
    rows = (
        (
            rule.refusal,
            ", ".join(name for name, read in ORACLES.items() if read(rule.example).complete),
            rule.section,
            rule.reason,
        )
        for rule in RULES
    )
    return table(("we refuse it because", "taken by", "RFC 9112", "why"), rows)


def more_lenient() -> str:
    """The messages that an oracle refuses and we accept."""
    rows = ((f"“{it.refusal}”", it.section, it.reason) for it in LENIENCES)
    return table(("llhttp refuses it by", "RFC 9112", "why we do not"), rows)


def notes() -> str:
    """The warnings of REDbot that we accept."""
    return table(("warning", "why it stays"), ((f"“{note.summary}”", note.reason) for note in NOTES))


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [list(titles), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    print("\n".join(tables()))
