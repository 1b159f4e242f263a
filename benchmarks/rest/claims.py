"""The required results of a run, computed from its figures."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.claims import Claim
from benchmarks.contest import Score, Scores
from benchmarks.report import counts
from benchmarks.rest.start import Start, ratios

OURS: Final = frozenset(("typed", "by-hand"))


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of a run: the scores of each comparison by its name, and the start-up."""

    scores: Mapping[str, Scores]
    starts: Mapping[str, Start]

    def cpu(self, comparison: str, case: str, peer: str) -> list[float]:
        """The CPU microseconds per request of each round; empty if there is no figure."""
        score = self.scores.get(comparison, {}).get(case, {}).get(peer, Score())
        return [sample.cpu_microseconds for sample in score.samples] if counts(score) else []

    def rivals(self, case: str) -> dict[str, list[float]]:
        """The other frameworks with a figure."""
        peers = [peer for peer in self.scores.get("frameworks", {}).get(case, {}) if peer not in OURS]
        return {peer: found for peer in peers if (found := self.cpu("frameworks", case, peer))}

    def start(self, name: str) -> Start | None:
        start = self.starts.get(name)
        return start if start is not None and start.total and not start.failed else None


def claims(figures: Figures) -> list[Claim]:
    """The claims for which the run has the figures."""
    return [claim for each in CLAIMS for claim in each(figures)]


def at_least(what: str, by_round: Sequence[float], value: float, least: float, aim: float) -> Claim:
    verdict = "aim" if value >= aim else "least" if value >= least else "missed"
    return Claim(what, f"{value:.2f}{_spread(by_round)}", f"{least:g}", f"{aim:g}", verdict)


def at_most(what: str, by_round: Sequence[float], value: float, least: float, aim: float, unit: str = "") -> Claim:
    verdict = "aim" if value <= aim else "least" if value <= least else "missed"
    return Claim(what, f"{value:.2f}{unit}{_spread(by_round)}", f"{least:g}{unit}", f"{aim:g}{unit}", verdict)


def _spread(by_round: Sequence[float]) -> str:
    return f" ({min(by_round):.2f} to {max(by_round):.2f})" if len(by_round) > 1 else ""


def over_fastapi(case: str, what: str, least: float, aim: float) -> Callable[[Figures], Iterator[Claim]]:
    def claim(figures: Figures) -> Iterator[Claim]:
        fastapi = figures.cpu("frameworks", case, "fastapi")
        for peer, how in (("typed", "typed"), ("by-hand", "by hand")):
            own = figures.cpu("frameworks", case, peer)
            if own and fastapi:
                by_round = [other / each for other, each in zip(fastapi, own, strict=True)]
                value = statistics.median(fastapi) / statistics.median(own)
                yield at_least(f"{what}, {how}: times FastAPI on uvicorn", by_round, value, least, aim)

    return claim


def over_all(case: str, what: str) -> Callable[[Figures], Iterator[Claim]]:
    def claim(figures: Figures) -> Iterator[Claim]:
        own, rivals = figures.cpu("frameworks", case, "typed"), figures.rivals(case)
        if own and rivals:
            medians = {peer: statistics.median(each) for peer, each in rivals.items()}
            next_one = min(medians, key=medians.__getitem__)
            value = medians[next_one] / statistics.median(own)
            by_round = [other / each for other, each in zip(rivals[next_one], own, strict=True)]
            yield at_least(f"{what}, typed: times the next, {next_one}", by_round, value, 1, 2)

    return claim


def typed_over_untyped(comparison: str, case: str, what: str) -> Callable[[Figures], Iterator[Claim]]:
    def claim(figures: Figures) -> Iterator[Claim]:
        typed, untyped = (figures.cpu(comparison, case, peer) for peer in ("typed", "untyped"))
        if typed and untyped:
            by_round = [own / other for own, other in zip(typed, untyped, strict=True)]
            value = statistics.median(typed) / statistics.median(untyped)
            yield at_most(f"a typed handler over an untyped one: {what}", by_round, value, 1.33, 1.1)

    return claim


def added(comparison: str, peer: str, what: str, least: float, aim: float) -> Callable[[Figures], Iterator[Claim]]:
    """The claim that one thing adds at most this much CPU time to a request."""

    def claim(figures: Figures) -> Iterator[Claim]:
        more, none = (figures.cpu(comparison, comparison, each) for each in (peer, "none"))
        if more and none:
            by_round = [own - other for own, other in zip(more, none, strict=True)]
            value = statistics.median(more) - statistics.median(none)
            yield at_most(what, by_round, value, least, aim, " µs")

    return claim


def start_up(figures: Figures) -> Iterator[Claim]:
    typed, untyped, fastapi = (figures.start(name) for name in ("typed", "untyped", "fastapi"))
    if typed is None:
        return
    for other, what, least, aim in ((untyped, "the same untyped", 3.0, 2.0), (fastapi, "FastAPI's", 0.2, 0.1)):
        if other is not None:
            value = typed.median() / other.median()
            yield at_most(f"start-up of typed routes over {what}", ratios(typed, other), value, least, aim)


CLAIMS: Final[Iterable[Callable[[Figures], Iterator[Claim]]]] = (
    over_fastapi("create", "validated POST", 5.5, 7),
    over_all("create", "validated POST"),
    over_fastapi("list", "list of objects", 5, 10),
    over_all("list", "list of objects"),
    typed_over_untyped("parameters", "parameters", "path and query"),
    typed_over_untyped("body", "create", "body"),
    added("middleware", "one", "one middleware adds", 1, 0.5),
    added("middleware", "ten", "ten middlewares add", 6, 3),
    added("jwt", "protected", "a token of HS256 adds", 15, 8),
    start_up,
)
