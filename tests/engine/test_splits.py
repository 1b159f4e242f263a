"""The responses do not depend on how the requests are split into segments."""

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.harness import Harness, Recorder

REQUESTS = (
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\nHEAD /head HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n",
    b"GET /ten HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello there",
    b"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
    b"POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://a/absolute?q HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
)

INSERTED = (
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b" ",
    b":",
    b"\t",
    b"\xff",
    b"Content-Length: 5\r\n",
    b"chunked",
    b"0",
    b"-",
    b"%00",
)


@st.composite
def conversations(draw: st.DrawFn) -> bytes:
    """Several requests, perhaps with a fault somewhere."""
    data = b"".join(draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.integers(0, 3))
        data = data[:at] + draw(st.sampled_from((b"", *INSERTED))) + data[at + cut :]
    return data


def outcome(pieces: list[bytes]) -> tuple[bytes, list[str]]:
    """The responses, and how the connection ended."""

    def echo(request: Recorder) -> bytes:
        return request.target + b" " + (request.take() or b"")

    harness = Harness(body_size=50)
    harness.serve(echo, whole_body=True)
    for piece in pieces:
        harness.pipe.feed(piece)
        harness.run_turns()
    harness.pipe.eof()
    output = harness.output()
    assert harness.engine.running_exchanges == harness.engine.connections == 0
    # The time at which the connection ends depends on the segments. The way in which it ends does not.
    end = [call for call in harness.sink.calls if call != "end_writing"]
    return re.sub(rb"Date: .{29}\r\n|HTTP/1.1 100 Continue\r\n\r\n", b"", output), end[:1]


@settings(deadline=None, max_examples=300)
@given(data=conversations(), cuts=st.lists(st.integers(0, 400), max_size=4))
def test_splits_do_not_matter(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    whole = outcome([data])
    assert outcome(pieces) == whole
    assert outcome([bytes([byte]) for byte in data]) == whole


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=300))
def test_noise_is_refused_or_waits_for_more(data: bytes) -> None:
    output, _ = outcome([data])
    assert not output or re.match(rb"HTTP/1\.1 (400|501|505|414|431) ", output)
