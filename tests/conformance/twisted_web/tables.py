"""The lists as numbers: `python -m tests.conformance.twisted_web.tables` prints what the documentation shows."""

from collections.abc import Iterator

from tests.conformance.tables import table
from tests.conformance.twisted_web.listing import CONFIGURATIONS, Configuration, Kind, everything, left_out, names

OURS: dict[Configuration, str] = {
    "twisted": "nothing",
    "channel": "`HTTPChannel`: over Twisted's transports, and adopting its plain sockets",
    "request": "`Request`, on Twisted's channel",
    "exec": "all that `ropewalk exec` puts in place: channel, request and listening ports",
}

KINDS: dict[Kind, str] = {
    "host": "sends no Host",
    "rule": "expects what Ropewalk's rules refuse",
    "extension": "expects an error that `ropewalk exec` avoids on purpose",
    "platform": "does not run or pass without Ropewalk either",
}


def tables() -> list[str]:
    """Every table, in the order of the page."""
    return [totals(), reasons()]


def totals() -> str:
    """How many tests pass."""
    every = sum(len(tests) for tests in everything().values())
    rows = []
    for configuration in CONFIGURATIONS:
        groups = left_out(configuration, everywhere=True)
        hosted = len(names(it for it in groups if it.kind == "host"))
        out = len(names(groups)) - hosted
        numbers = (every, every - hosted - out, hosted, out)
        rows.append((configuration, OURS[configuration], *(f"{number:,}" for number in numbers)))
    return table(("configuration", "ours is", "tests", "pass", "pass with a Host", "left out"), rows)


def reasons() -> str:
    """The reasons why some tests do not pass, and how many tests each affects in each configuration."""
    return table(("the test", "why", *CONFIGURATIONS), _reasons())


def _reasons() -> Iterator[tuple[str, ...]]:
    for group in left_out(everywhere=True):
        numbers = (str(len(group.tests)) if it in group.where else "" for it in CONFIGURATIONS)
        yield (KINDS[group.kind], group.reason, *numbers)


if __name__ == "__main__":
    print("\n".join(tables()))
