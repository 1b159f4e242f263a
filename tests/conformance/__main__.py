"""Compares our engine with the oracles on many generated conversations: `python -m tests.conformance COUNT [SEED]`."""

import random
import sys
from collections import Counter
from itertools import pairwise

from hypothesis import HealthCheck, Phase, given, seed, settings
from tests.conformance import ours
from tests.conformance.comparing import disagreements
from tests.conformance.messages import conversations


def compare(count: int, number: int) -> Counter[str]:
    """Count how the conversations ended for our engine, and the differences that no rule explains."""
    tally: Counter[str] = Counter()
    dice = random.Random(number)

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(conversations())
    def one(data: bytes) -> None:
        edges = sorted(dice.choices(range(len(data) + 1), k=dice.randrange(5)))
        pieces = [data[start:end] for start, end in pairwise([0, *edges, len(data)])]
        reading = ours.read(pieces)
        tally["conversations"] += 1
        tally["bytes"] += len(data)
        tally["messages taken"] += len(reading.complete)
        tally[f"ended: {reading.ending}"] += 1
        for what in disagreements(pieces):
            tally["disagreements"] += 1
            print(what, file=sys.stderr)

    one()
    return tally


if __name__ == "__main__":
    count, number = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for what, times in sorted(compare(count, number).items()):
        print(f"{times:>12,} {what}")
