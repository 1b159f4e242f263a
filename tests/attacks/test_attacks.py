"""Short forms of what `python -m benchmarks attacks` does at its full size."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from benchmarks.attacks.habits import Habit, Parting
from benchmarks.attacks.roster import CHUNKED, FORM, GET, GET_BIG, GET_FILE, GET_STREAM, UPLOAD, head
from benchmarks.attacks.target import Counters, Target
from tests.attacks.crowds import SIZE, Friend, crowd_of, responds_again, wait_until

from ropewalk import Limits

pytestmark = pytest.mark.slow

MEBIBYTE = 1 << 20
MOST_LINES = 5
"""The maximum number of lines that a server may log, however many connections it refuses."""

A_FEW = 8
"""The number of connections in attacks in which a single connection costs the server much."""
IN_PASSING = 6
"""The number of descriptors that are open during a response, including those of the second client."""

QUICK = {name: 0.5 for name in Limits.names if name.endswith(("_timeout", "_grace"))}
"""Every timeout is half a second."""


@contextmanager
def attacked(limits: Mapping[str, float], descriptors: int | None = None) -> Iterator[tuple[Target, Friend, Counters]]:
    """A server and its second client. After the attack, the server must be as before, and have logged little."""
    most = None if descriptors is None else descriptors + 1  # from its first use on, `Files` keeps its folder open
    with Target(limits, descriptors=most) as target, Counters(target.port) as counters:
        with Friend(target) as friend:
            friend.asks_for_a_file()
        wait_until(lambda: at_rest(counters))
        before = target.open_descriptors()
        with Friend(target) as friend:
            yield target, friend, counters
        wait_until(lambda: at_rest(counters) and target.open_descriptors() == before)
        assert len(target.logged()) <= MOST_LINES, target.logged()


def at_rest(counters: Counters) -> bool:
    """Whether the connection that reads the counters is the only one that is open."""
    found = counters.read()
    return (found["open"], found["running"]) == (1, 1)


class TestSlowness:
    """Slow clients are closed at the timeout, and other clients are not affected."""

    @pytest.mark.parametrize(
        ("habit", "counter"),
        [
            pytest.param(Habit(first=GET), "idle_timeouts", id="idle"),
            pytest.param(Habit(), "head_timeouts", id="silence"),
            pytest.param(Habit(first=GET[:-2], drip=b"X", interval=0.1), "head_timeouts", id="drips in heads"),
            pytest.param(Habit(first=GET[:-2] + b"X: " + b"x" * 31_000), "head_timeouts", id="half-open heads"),
            pytest.param(Habit(first=UPLOAD, drip=b"x" * 5, interval=0.1), "body_timeouts", id="drips in bodies"),
            pytest.param(Habit(first=FORM + b"x" * 100_000), "body_timeouts", id="stalls in bodies"),
            pytest.param(
                Habit(first=UPLOAD, then=b"x" * 30_000, drip=b"x", interval=0.1), "body_timeouts", id="rests in bodies"
            ),
            pytest.param(
                Habit(first=GET_STREAM * 4, reads=16, interval=0.1, window=1), "write_timeouts", id="drips in reads"
            ),
            pytest.param(Habit(first=GET_BIG * 4, reads=0, window=1), "write_timeouts", id="answers unread"),
        ],
    )
    def test_is_gone_by_its_limit(self, habit: Habit, counter: str) -> None:
        with attacked(QUICK) as (target, friend, counters), crowd_of(habit, target) as crowd:
            friend.asks_until(lambda: crowd.tally.connects == SIZE)
            friend.asks_until(lambda: counters.read()[counter] >= SIZE)

    def test_who_asks_without_end_is_gone_by_whichever_clock(self) -> None:
        """Clients that send requests without end, and read no response, are all disconnected. Usually the write timeout
        does this. If the server is slow to read, the idle timeout or the kernel's timeout may be earlier for some of
        them."""
        habit = Habit(flood=GET * 100, reads=0, window=1)
        with attacked(QUICK) as (target, friend, counters), crowd_of(habit, target) as crowd:
            friend.asks_until(lambda: crowd.tally.connects == SIZE)
            friend.asks_until(lambda: counters.read()["write_timeouts"] > 0 and crowd.tally.gone == SIZE)


class TestFloods:
    """Clients that send without end do not delay responses to other clients."""

    @pytest.mark.parametrize(
        "habit",
        [
            pytest.param(Habit(flood=GET * 100), id="pipelining"),
            pytest.param(Habit(first=CHUNKED, flood=b"1\r\nx\r\n" * 1000, comes_back=True), id="chunks of one byte"),
            pytest.param(
                Habit(first=CHUNKED, flood=b"1;" + b"e" * 1000 + b"\r\nx\r\n", comes_back=True), id="chunk extensions"
            ),
            pytest.param(Habit(first=CHUNKED + b"0\r\n", flood=b"T: t\r\n" * 100, comes_back=True), id="trailers"),
            pytest.param(Habit(flood=b"\r\n" * 1000, comes_back=True), id="empty lines"),
        ],
    )
    def test_the_second_client_is_served(self, habit: Habit) -> None:
        with attacked({}) as (target, friend, _), crowd_of(habit, target, size=8) as crowd:
            friend.asks_until(lambda: crowd.tally.bytes_sent > MEBIBYTE)
            for _ in range(20):
                friend.asks()


class TestStorms:
    """Clients that connect and leave use no resources afterwards."""

    @pytest.mark.parametrize(
        "habit",
        [
            pytest.param(Habit(parting=Parting.RST, comes_back=True), id="connect and reset"),
            pytest.param(Habit(parting=Parting.FIN, comes_back=True), id="connect and close"),
            pytest.param(Habit(first=GET, parting=Parting.FIN, comes_back=True), id="ask and close"),
            pytest.param(Habit(first=GET_BIG, parting=Parting.RST, comes_back=True), id="ask and reset"),
            pytest.param(Habit(first=UPLOAD + b"x" * 1000, parting=Parting.RST, comes_back=True), id="send and reset"),
            pytest.param(Habit(first=b"NONSENSE\r\n\r\n", comes_back=True), id="nonsense"),
        ],
    )
    def test_nothing_is_left(self, habit: Habit) -> None:
        with attacked({}) as (target, friend, _), crowd_of(habit, target) as crowd:
            friend.asks_until(lambda: crowd.tally.connects > 5 * SIZE)


class TestDescriptors:
    """While there are too many connections, connected clients are served. Afterwards, new clients are accepted."""

    @pytest.mark.parametrize(
        ("limits", "descriptors", "counter"),
        [
            pytest.param({"connections": SIZE}, None, "turned_away", id="over the limit of connections"),
            pytest.param({}, SIZE, "turned_away", id="over four fifths of the descriptors"),
            pytest.param({"connections": 10_000}, SIZE, "accept_backoffs", id="no descriptors left"),
        ],
    )
    def test_given_back(self, limits: dict[str, float], descriptors: int | None, counter: str) -> None:
        with attacked(limits, descriptors) as (target, friend, counters):
            friend.asks()
            with crowd_of(Habit(first=GET, comes_back=True), target, size=2 * SIZE) as crowd:
                friend.asks_until(lambda: counters.read()[counter] > 0, fresh=False)
                for _ in range(100):
                    friend.asks(fresh=False)
                assert set(crowd.tally.responses) <= {"200", "503"}
            wait_until(lambda: responds_again(target))
            friend.asks()


class TestFiles:
    """Clients that request files and do not read the responses do not use up the descriptors."""

    def test_a_file_for_each_reader(self) -> None:
        habit = Habit(first=GET_FILE * 4, reads=0, window=1, comes_back=True)
        with attacked(QUICK, SIZE) as (target, friend, counters):
            friend.asks()
            with crowd_of(habit, target):
                friend.asks_until(lambda: counters.read()["turned_away"] > 0, fresh=False)
                wait_until(lambda: counters.read()["write_timeouts"] >= SIZE, meanwhile=friend.asks_for_a_file)
            wait_until(lambda: responds_again(target))
            friend.asks()

    @pytest.mark.parametrize(
        ("file", "held"),
        [pytest.param("1k.bin", 0, id="read at once"), pytest.param("50k.bin", 1, id="one at a time")],
    )
    def test_pipelined_files(self, file: str, held: int) -> None:
        habit = Habit(flood=head(f"GET /files/{file} HTTP/1.1") * 100, reads=0, window=1)
        with attacked(QUICK, SIZE) as (target, friend, counters):
            friend.asks()
            before = target.open_descriptors()
            seen: list[int] = []

            def have_ended() -> bool:
                seen.append(target.open_descriptors())
                return bool(counters.read()["write_timeouts"] >= A_FEW)

            with crowd_of(habit, target, size=A_FEW):
                friend.asks_until(have_ended)
            assert max(seen) <= before + A_FEW * (1 + held) + IN_PASSING
