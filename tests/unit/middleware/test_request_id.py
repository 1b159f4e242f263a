"""Ids of requests, and the traces that they belong to."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.middleware.every_response import PATHS, every_response

from ropewalk import App, Request, Response
from ropewalk.errors import HandlerError
from ropewalk.middleware import (
    RequestIDFilter,
    RequestIDOptions,
    TraceParent,
    current_request_id,
    current_traceparent,
    request_id,
)
from ropewalk.middleware.hosts import in_networks
from ropewalk.testing import Client

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def serve(**options: Any) -> Client:
    app = App(middleware=[request_id(RequestIDOptions(**options))])
    app.get("/")(lambda request: [request.state.request_id, request.state.traceparent is not None])
    return Client(app)


@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_one(path: str) -> None:
    client = Client(every_response(request_id()))
    first, second = (client.get(path).headers["x-request-id"] for _ in range(2))
    assert len(first) == len(second) == 32
    assert first != second


def test_the_handler_has_it_too() -> None:
    response = serve().get("/")
    assert response.json() == [response.headers["x-request-id"], False]


class TestGivenIDs:
    @pytest.mark.parametrize("given", ["7", "a-b_c.d", "a" * 128])
    def test_valid_ones_are_accepted_from_these_peers(self, given: str) -> None:
        assert serve(accept_from=["*"]).get("/", headers={"x-request-id": given}).headers["x-request-id"] == given

    @pytest.mark.parametrize("given", ["", "a b", "a" * 129, "a" * 9000, "<script>", "a\tb", "a,b", "\xe9", "a%0d%0ab"])
    def test_invalid_ones_are_replaced(self, given: str) -> None:
        response = serve(accept_from=["*"]).get("/", headers={"x-request-id": given})
        assert len(response.headers["x-request-id"]) == 32

    def test_two_are_none(self) -> None:
        response = serve(accept_from=["*"]).get("/", headers=[("x-request-id", "a"), ("x-request-id", "b")])
        assert len(response.headers["x-request-id"]) == 32

    @pytest.mark.parametrize("accept_from", [[], ["198.51.100.0/24"]])
    def test_those_of_other_peers_are_replaced(self, accept_from: list[str]) -> None:
        response = serve(accept_from=accept_from).get("/", headers={"x-request-id": "mine", "traceparent": TRACE})
        assert response.headers["x-request-id"] != "mine"
        assert "traceparent" not in response.headers

    def test_another_field(self) -> None:
        response = serve(accept_from=["*"], header="X-Correlation-ID").get("/", headers={"x-correlation-id": "7"})
        assert response.headers["x-correlation-id"] == "7"


@pytest.mark.parametrize(
    ("peer", "networks", "contained"),
    [
        (("10.1.2.3", 1), ["10.0.0.0/8"], True),
        (("11.1.2.3", 1), ["10.0.0.0/8"], False),
        (("::ffff:10.1.2.3", 1), ["10.0.0.0/8"], True),
        (("2001:db8::1", 1), ["2001:db8::/32", "10.0.0.0/8"], True),
        (("fe80::1%eth0", 1), ["10.0.0.0/8"], False),
        (("nonsense", 1), ["10.0.0.0/8"], False),
        ("/run/app.sock", ["unix"], True),
        (None, ["unix"], True),
        ("/run/app.sock", ["10.0.0.0/8"], False),
        (("11.1.2.3", 1), ["*"], True),
    ],
)
def test_networks(peer: Any, networks: list[str], contained: bool) -> None:
    assert in_networks(None, networks)(peer) is contained


class TestTraces:
    def test_a_valid_one_is_passed_through(self) -> None:
        response = serve(accept_from=["*"]).get("/", headers={"traceparent": TRACE})
        assert response.headers["traceparent"] == TRACE
        assert response.json()[1]

    def test_it_can_be_switched_off(self) -> None:
        response = serve(accept_from=["*"], traceparent=False).get("/", headers={"traceparent": TRACE})
        assert "traceparent" not in response.headers

    def test_its_parts(self) -> None:
        expected = TraceParent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=True)
        assert TraceParent.parse(TRACE) == expected
        assert TraceParent.parse(TRACE[:-1] + "2") == TraceParent(expected.trace_id, expected.parent_id, sampled=False)

    @pytest.mark.parametrize("value", [f"cc{TRACE[2:]}", f"cc{TRACE[2:]}-what-is-new"])
    def test_later_versions(self, value: str) -> None:
        assert TraceParent.parse(value) is not None

    @pytest.mark.parametrize(
        "value",
        [
            "",
            TRACE.upper(),
            f" {TRACE}",
            f"{TRACE}\n",
            TRACE[:-1],
            f"{TRACE}0",
            f"{TRACE}-extra",
            f"ff{TRACE[2:]}",
            f"{TRACE}, {TRACE}",
            f"cc{TRACE[2:]}-",
            f"cc{TRACE[2:]}-{'a' * 9000}",
            "00-" + "0" * 32 + TRACE[35:],
            TRACE[:36] + "0" * 16 + "-01",
            TRACE.replace("4", "\u0664"),
        ],
    )
    def test_malformed_ones(self, value: str) -> None:
        assert TraceParent.parse(value) is None


class TestLogs:
    def test_records_have_the_id(self) -> None:
        records: list[Any] = []
        keep = logging.Handler()
        keep.emit = records.append  # type: ignore[assignment,method-assign] # of this object only
        keep.addFilter(RequestIDFilter())
        logger = logging.Logger("app")
        logger.addHandler(keep)
        app = App(middleware=[request_id()])

        @app.get("/")
        async def stream(request: Request) -> AsyncIterator[str]:
            logger.info("first")
            yield "a"
            logger.info("second")
            yield "b"

        response = Client(app).get("/")
        logger.info("outside")
        own = response.headers["x-request-id"]
        assert [record.request_id for record in records] == [own, own, "-"]
        assert current_request_id() is None

    @pytest.mark.parametrize("accepted", [True, False])
    def test_the_current_trace(self, accepted: bool) -> None:
        options = RequestIDOptions(accept_from=["127.0.0.1"] if accepted else [])
        app = App(middleware=[request_id(options)])
        app.get("/")(lambda request: {"trace": current_traceparent()})
        client = Client(app)
        assert client.get("/", headers={"traceparent": TRACE}).json()["trace"] == (TRACE if accepted else None)
        assert client.get("/", headers={"traceparent": "malformed"}).json()["trace"] is None
        assert current_traceparent() is None

    def test_a_response_has_one_id(self) -> None:
        app = App(middleware=[request_id()])
        app.get("/", middleware=[request_id()])(lambda request: Response("x", headers={"x-request-id": "mine"}))
        assert len(Client(app).get("/").headers.all("x-request-id")) == 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"header": "a b"}, "RW230"),
        ({"header": "Content-Length"}, "RW230"),
        ({"header": None}, "RW230"),
        ({"traceparent": 1}, "RW230"),
        ({"accept_from": "10.0.0.0/8"}, "RW230"),
        ({"accept_from": ["10.0.0.1/8"]}, "RW233"),
        ({"accept_from": ["proxy.example"]}, "RW233"),
    ],
)
def test_wrong_options(options: dict[str, Any], code: str) -> None:
    with pytest.raises(HandlerError, match="RequestIDOptions") as caught:
        RequestIDOptions(**options)
    assert caught.value.code == code
