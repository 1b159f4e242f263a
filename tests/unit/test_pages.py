"""Values from the source that the documentation repeats."""

import re
from pathlib import Path

from ropewalk import Limits

ROOT = Path(__file__).parents[2]

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def defined_limits() -> list[tuple[str, str, str]]:
    """Return the name, the unit and the comment of each limit in the engine's source."""
    source = (ROOT / "engine" / "src" / "limits.rs").read_text(encoding="utf-8")
    found = re.findall(r"((?: {4}///.*\n)+) {4}(\w+): (\w+) =", source)
    return [(name, unit, " ".join(comment.replace("///", "").split())) for comment, name, unit in found]


def amount(value: float, unit: str) -> str:
    """Format a value as the documentation does: 10 s, 0.01 s, 32 KiB, 100."""
    if unit == "Seconds":
        return f"{value:g} s"
    if value >= 1 << 20:
        return f"{value / (1 << 20):g} MiB"
    return f"{value / 1024:g} KiB" if value >= 4096 else f"{value:g}"


def test_the_table_of_limits_is_that_of_the_engine() -> None:
    defaults = Limits()
    limits = defined_limits()
    rows = [f"| `{name}` | {amount(getattr(defaults, name), unit)} | {meaning} |" for name, unit, meaning in limits]
    page = (ROOT / "docs" / "reference" / "limits.md").read_text(encoding="utf-8")
    assert [name for name, _, _ in limits] == list(Limits.names)
    assert re.findall(r"^\| `.*\|$", page, re.MULTILINE) == rows


def test_every_limit_is_explained() -> None:
    page = ROOT / "docs" / "explanation" / "back-pressure-and-limits.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in Limits.names if f"`{name}`" not in text] == [], f"explain these limits in {page}"


def test_unsafe_code_is_counted() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "binding" / "src").rglob("*.rs")]
    count = sum(len(re.findall(r"\bunsafe (?:\{|fn|impl)", source)) for source in sources)
    page = (ROOT / "docs" / "explanation" / "security.md").read_text(encoding="utf-8")
    assert f"**The binding to Python has {NUMBERS[count]} expressions of `unsafe`**" in page
    assert "#![forbid(unsafe_code)]" in (ROOT / "engine" / "src" / "lib.rs").read_text(encoding="utf-8")
