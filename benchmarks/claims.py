"""The required results of a run, computed from its scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.cases import BASELINE
from benchmarks.contest import Score, Scores

OURS: Final = "ropewalk"
CEILING: Final = "ceiling"
NO_RIVALS: Final = {CEILING, "ropewalk", "ropewalk-epoll", "ropewalk-site"}
KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of the table."""

    what: str
    measured: str
    least: str
    aim: str
    verdict: str
    """`aim`, `least` or `missed`."""


def claims(scores: Scores) -> list[Claim]:
    """The claims for which the run has the figures."""
    return [claim for make in CLAIMS if (claim := make(Figures(scores)))]


class Figures:
    """The medians of a run; None if there are none."""

    def __init__(self, scores: Scores) -> None:
        self.scores = scores

    def value(self, case: str, peer: str, value: str) -> float | None:
        score = self.scores.get(case, {}).get(peer, Score())
        return score.median(value) if score.samples and not score.failed else None

    def cpu(self, case: str, peer: str = OURS) -> float | None:
        return self.value(case, peer, "cpu_microseconds")

    def rate(self, case: str, peer: str = OURS) -> float | None:
        return self.value(case, peer, "requests_per_second")

    def rivals(self, case: str, value: str) -> Iterator[tuple[str, float]]:
        for peer in self.scores.get(case, {}):
            if peer not in NO_RIVALS and (found := self.value(case, peer, value)) is not None:
                yield peer, found


def at_most(what: str, value: float | None, other: float | None, least: float, aim: float) -> Claim | None:
    if value is None or other is None:
        return None
    measured = value / other
    verdict = "aim" if measured <= aim else "least" if measured <= least else "missed"
    return Claim(what, f"{measured:.2f}", f"{least:g}", f"{aim:g}", verdict)


def over_ceiling(figures: Figures) -> Claim | None:
    what = "hello, 64 connections: CPU per request over the ceiling's"
    return at_most(what, figures.cpu(BASELINE), figures.cpu(BASELINE, CEILING), 1.5, 1.15)


def under_all(figures: Figures) -> Claim | None:
    ours, rivals = figures.cpu(BASELINE), dict(figures.rivals(BASELINE, "cpu_microseconds"))
    if ours is None or not rivals:
        return None
    below = [peer for peer, cpu in rivals.items() if ours < cpu]
    next_one = min(rivals, key=rivals.__getitem__)
    measured = f"{len(below)} of {len(rivals)}; next is {next_one} at {rivals[next_one] / ours:.2f} times ours"
    return Claim(
        "the same: peers that need more", measured, "all", "all", "aim" if len(below) == len(rivals) else "missed"
    )


def beside_fastpysgi(connections: int) -> Callable[[Figures], Claim | None]:
    def claim(figures: Figures) -> Claim | None:
        case = f"plaintext-{connections}"
        ours, theirs = figures.rate(case), figures.rate(case, "fastpysgi")
        if ours is None or theirs is None:
            return None
        measured = ours / theirs
        verdict = "aim" if measured > 1.02 else "least" if measured >= 0.98 else "missed"
        what = f"requests/s at {connections} connection{'s' if connections > 1 else ''} over fastpysgi's"
        return Claim(what, f"{measured:.2f}", "equal", "ahead", verdict)

    return claim


def coroutine(figures: Figures) -> Claim | None:
    what = "a coroutine handler that does not suspend, CPU over a plain one's"
    return at_most(what, figures.cpu("coroutine"), figures.cpu(BASELINE), 1.3, 1.1)


def many_routes(figures: Figures) -> Claim | None:
    return at_most(
        "10,000 routes, CPU over that of 10", figures.cpu("routes-10000"), figures.cpu("routes-10"), 1.05, 1.0
    )


def sleeping(case: str, what: str) -> Callable[[Figures], Claim | None]:
    def claim(figures: Figures) -> Claim | None:
        ours = figures.rate(case)
        theirs = dict(figures.rivals("sleep", "requests_per_second"))
        named = {peer: theirs[peer] for peer in ("uvicorn", "granian-rsgi", "granian-asgi") if peer in theirs}
        if ours is None or not named:
            return None
        best = max(named, key=named.__getitem__)
        measured = ours / named[best]
        verdict = "aim" if measured > 1 else "missed"
        return Claim(
            f"10 ms of sleep in {what}: requests/s over {best}'s", f"{measured:.2f}", "ahead", "ahead", verdict
        )

    return claim


def idle(figures: Figures) -> Claim | None:
    ours = figures.value("idle-10k", OURS, "idle_bytes")
    if ours is None:
        return None
    verdict = "aim" if ours <= KIB else "least" if ours <= 2.5 * KIB else "missed"
    return Claim("memory per idle keep-alive connection", f"{ours / KIB:.2f} KiB", "2.5 KiB", "1 KiB", verdict)


CLAIMS: Final[tuple[Callable[[Figures], Claim | None], ...]] = (
    over_ceiling,
    under_all,
    beside_fastpysgi(1),
    beside_fastpysgi(512),
    coroutine,
    many_routes,
    sleeping("sleep", "asyncio"),
    sleeping("sleep-deferred", "a Deferred"),
    idle,
)
