"""The corpus, sent to our server without a proxy in front."""

import pytest
from tests.processes import Server
from tests.proxies.corpus import CORPUS, PATH_LENGTH
from tests.proxies.exchange import History, send
from tests.proxies.relay import responses
from tests.wire.conftest import address_of

pytestmark = pytest.mark.slow


def test_what_may_be_read_in_two_ways_is_refused(server: Server) -> None:
    history = History(address_of(server))
    wrong = []
    for number, case in enumerate(CORPUS):
        path = f"{number:0{PATH_LENGTH}}"
        known = len(history.requests)
        received = responses(send(address_of(server), case.data(path)))
        history.read()
        targets = [target for _, target, _ in history.requests[known:]]
        has_last = f"/{path}/last" in targets
        served = (len(targets) - has_last, has_last, any("hidden" in target for target in targets))
        refused = [status for status, serial in received if serial is None]
        if (
            served != (case.served, not case.refused, False)
            or len(refused) > 1
            or any(status < 400 for status in refused)
        ):
            wrong.append((case.name, targets, received))
    assert wrong == []
