"""The required results of a run, computed from its figures."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.claims import Claim
from benchmarks.contest import Score, Scores
from benchmarks.report import counts
from benchmarks.rest.claims import at_least, at_most


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of a run: the scores of each comparison by its name."""

    scores: Mapping[str, Scores]

    def cpu(self, comparison: str, case: str, peer: str) -> list[float]:
        """The CPU microseconds per request of each round; empty if there is no figure."""
        score = self.scores.get(comparison, {}).get(case, {}).get(peer, Score())
        return [sample.cpu_microseconds for sample in score.samples] if counts(score) else []

    def cheapest(self, comparison: str, case: str, peers: Iterable[str]) -> list[float]:
        """The figures of the peer with the least CPU time."""
        found = [figures for peer in peers if (figures := self.cpu(comparison, case, peer))]
        return min(found, key=statistics.median, default=[])


def claims(figures: Figures) -> list[Claim]:
    """The claims for which the run has the figures."""
    return [claim for each in CLAIMS for claim in each(figures)]


Maker = Callable[[Figures], Iterator[Claim]]


def over(what: str, place: tuple[str, str], peer: str, rivals: tuple[str, ...], least: float, aim: float) -> Maker:
    """The CPU time of the cheapest rival, divided by that of our `peer`. `place`: the comparison and the case."""

    def claim(figures: Figures) -> Iterator[Claim]:
        own, other = figures.cpu(*place, peer), figures.cheapest(*place, rivals)
        if own and other:
            by_round = [theirs / each for theirs, each in zip(other, own, strict=True)]
            yield at_least(what, by_round, statistics.median(other) / statistics.median(own), least, aim)

    return claim


def times(what: str, place: tuple[str, str], peer: str, base: str, least: float, aim: float) -> Maker:
    """The CPU time of `peer`, divided by that of `base`. Both are ours."""

    def claim(figures: Figures) -> Iterator[Claim]:
        own, other = figures.cpu(*place, peer), figures.cpu(*place, base)
        if own and other:
            by_round = [each / raw for each, raw in zip(own, other, strict=True)]
            yield at_most(what, by_round, statistics.median(own) / statistics.median(other), least, aim)

    return claim


def added(what: str, place: tuple[str, str], peer: str, base: str, most: float) -> Maker:
    """The claim that one thing adds at most this much CPU time to a request."""

    def claim(figures: Figures) -> Iterator[Claim]:
        more, less = figures.cpu(*place, peer), figures.cpu(*place, base)
        if more and less:
            by_round = [own - other for own, other in zip(more, less, strict=True)]
            value = statistics.median(more) - statistics.median(less)
            yield at_most(what, by_round, value, most, most, " µs")

    return claim


_PAGE: Final = ("pages", "page")
_FORM: Final = ("forms", "form")
_UPLOAD: Final = ("uploads", "upload")
_SESSION: Final = ("sessions", "sessions")
_CACHE: Final = ("cache", "cache")
_FLASK: Final = ("flask", "flask-sync")
CLAIMS: Final[tuple[Maker, ...]] = (
    over("page with a session: times Flask on gunicorn", _PAGE, "ropewalk", _FLASK, 2, 4),
    over("page with a session: times FastAPI with Jinja2 on uvicorn", _PAGE, "ropewalk", ("fastapi",), 2, 4),
    over("form of 10 fields, typed: times Starlette on uvicorn", _FORM, "typed", ("starlette",), 3, 5),
    over("form of 10 fields, by hand: times Starlette on uvicorn", _FORM, "by-hand", ("starlette",), 3, 5),
    times("multipart form of 10 MiB over its raw body, kept", _UPLOAD, "form", "body", 1.3, 1.1),
    times("multipart form of 10 MiB over its raw body, streamed", _UPLOAD, "parts", "stream", 1.3, 1.1),
    added("a session read from a signed cookie adds", _SESSION, "read", "none", 3),
    added("a session written to a signed cookie adds", _SESSION, "written", "none", 15),
    times("a cached response over the plain handler", _CACHE, "cached", "none", 1.3, 1.05),
)
