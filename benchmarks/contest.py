"""A whole run: for each case, rounds over all peers. Every sample is kept."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks import load
from benchmarks.cases import Case
from benchmarks.load import CheckFailed, Sample
from benchmarks.roster import Peer
from benchmarks.server import Server, ServerFailed

WARM_UP_SECONDS = 1


@dataclass(slots=True)
class Score:
    """All samples of one peer in one case, or the reason that there are none."""

    samples: list[Sample] = field(default_factory=list)
    missing: str = ""
    """The reason why the peer does not offer the case; empty if it does."""
    failed: str = ""
    """The error in the responses of a peer that offers the case; empty if there was none."""

    def median(self, value: str) -> float:
        return statistics.median(float(getattr(sample, value)) for sample in self.samples)


Scores = dict[str, dict[str, Score]]
"""The scores by the names of the case and the peer."""


class Contest:
    """Keeps one server for each peer. Only the measured one runs."""

    def __init__(self, peers: Sequence[Peer], seconds: int, rounds: int, say: Callable[[str], None]) -> None:
        self.peers = peers
        self.seconds = seconds
        self.rounds = rounds
        self.say = say
        self.scores: Scores = {}

    def run(self, cases: Iterable[Case]) -> Scores:
        cases = list(cases)
        self.scores = {
            case.name: {peer.name: Score(missing=peer.why_not(case.endpoint)) for peer in self.peers} for case in cases
        }
        for routes in sorted({case.routes for case in cases if case.kind == "load"}):
            with ExitStack() as stack:
                servers = self.start(stack, routes)
                for case in cases:
                    if case.kind == "load" and case.routes == routes:
                        self.measure(case, servers)
        for case in cases:
            if case.kind == "idle":
                self.measure_idle(case)
        return self.scores

    def start(self, stack: ExitStack, routes: int) -> list[Server]:
        servers = []
        for peer in self.peers:
            try:
                server = stack.enter_context(Server(peer, routes))
            except ServerFailed as error:
                self.say(f"  {error}")
                continue
            server.pause()
            servers.append(server)
        return servers

    def measure(self, case: Case, servers: list[Server]) -> None:
        self.say(case.title)
        started = {server.peer.name for server in servers}
        for name, score in self.scores[case.name].items():
            if name not in started and not score.missing:
                score.failed = "did not start"
        for number in range(self.rounds):
            turn = number % len(servers) if servers else 0
            for server in servers[turn:] + servers[:turn]:
                score = self.scores[case.name][server.peer.name]
                if score.missing or score.failed:
                    continue
                server.resume()
                try:
                    if number == 0:
                        load.check(server, case)
                        load.measure(server, case, WARM_UP_SECONDS)
                    score.samples.append(load.measure(server, case, self.seconds))
                except CheckFailed as error:
                    score.failed = str(error) if server.alive() else f"the server ended: {server.last_words()}"
                    server.stop()
                    server.start()
                server.pause()
        self.tell(case)

    def measure_idle(self, case: Case) -> None:
        """Every sample has a new server, because a process does not return memory that it has used."""
        self.say(case.title)
        for number in range(self.rounds):
            turn = number % len(self.peers)
            for peer in [*self.peers[turn:], *self.peers[:turn]]:
                score = self.scores[case.name][peer.name]
                if score.missing or score.failed:
                    continue
                try:
                    with Server(peer, case.routes) as server:
                        load.check(server, case)
                        load.measure(server, case, WARM_UP_SECONDS)
                        score.samples.append(load.measure_idle(server, case, self.seconds))
                except (CheckFailed, ServerFailed, OSError) as error:
                    score.failed = str(error) or repr(error)
        self.tell(case)

    def tell(self, case: Case) -> None:
        for name, score in self.scores[case.name].items():
            if score.samples:
                cpu, rate = score.median("cpu_microseconds"), score.median("requests_per_second")
                idle = f"{score.median('idle_bytes') / 1024:8.2f} KiB per idle" if case.kind == "idle" else ""
                self.say(f"  {name:16} {rate:12,.1f} requests/s {cpu:12,.2f} us of CPU {idle}")
            if score.failed:
                self.say(f"  {name:16} FAILED: {' '.join(score.failed.split())[:300]}")
