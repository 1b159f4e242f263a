"""A proxy in front of us and our server count the same requests (RFC 9112, section 11.2)."""

from pathlib import Path

import pytest
from tests.conformance.conftest import corpus
from tests.conformance.corpus import Case as Other
from tests.processes import Server
from tests.proxies.conftest import require
from tests.proxies.corpus import CORPUS, Case
from tests.proxies.counts import count
from tests.proxies.exchange import History
from tests.proxies.fronts import APACHE, HAPROXY, NGINX, VARNISH, Front
from tests.proxies.relay import Relay
from tests.wire.conftest import address_of

pytestmark = pytest.mark.slow

__all__ = ["corpus"]

# Each proxy stamps the requests that it forwards, and reuses its connections for several clients.

NGINX_LINES = """
        upstream server { server 127.0.0.1:SERVER; keepalive 8; }
        server {
            listen 127.0.0.1:PORT;
            location / {
                proxy_pass http://server;
                proxy_http_version 1.1;
                proxy_ignore_client_abort on;
                proxy_set_header Connection "";
                proxy_set_header Host $host;
                proxy_set_header X-Front-Request $request_id;
            }
            LENIENT
        }
"""

HAPROXY_LINES = """
frontend front
    bind 127.0.0.1:PORT
    http-request set-header X-Front-Request %[uuid()]
    LENIENT
    default_backend back
backend back
    http-reuse always
    server one 127.0.0.1:SERVER
"""

APACHE_LINES = """
# What a client names in Connection is dropped, even if it was set here.
RequestHeader edit* Connection "(?i)x-front-request" "x"
RequestHeader set X-Front-Request "%{UNIQUE_ID}e"
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:SERVER/
LENIENT
"""

VARNISH_LINES = """
backend server { .host = "127.0.0.1"; .port = "SERVER"; }
sub vcl_recv { return (pass); }
sub vcl_backend_fetch { set bereq.http.X-Front-Request = "PORT-" + bereq.xid; }
"""

STAMPING = {NGINX: NGINX_LINES, HAPROXY: HAPROXY_LINES, APACHE: APACHE_LINES, VARNISH: VARNISH_LINES}

LENIENT = {
    NGINX: """
            ignore_invalid_headers off;
            underscores_in_headers on;
            merge_slashes off;
            proxy_request_buffering off;
            large_client_header_buffers 8 64k;
    """,
    HAPROXY: "option accept-invalid-http-request",
    APACHE: """
HttpProtocolOptions Unsafe
AllowEncodedSlashes NoDecode
LimitRequestFieldSize 65536
LimitRequestFields 0
""",
}
"""Settings with which a proxy forwards more than by default. Varnish has none."""

HALTING = {NGINX, HAPROXY}
"""Proxies that forward a head before its body has arrived, with the settings above."""

SETTINGS = [(front, lenient) for front in STAMPING for lenient in (False, True) if front in LENIENT or not lenient]


@pytest.mark.parametrize(
    ("front", "lenient"), SETTINGS, ids=[f"{front.name}{', lenient' * lenient}" for front, lenient in SETTINGS]
)
def test_they_count_alike(
    front: Front, lenient: bool, server: Server, corpus: dict[str, list[Other]], tmp_path: Path
) -> None:
    require(front)
    others = (case.with_host() for kind in ("valid", "invalid") for case in corpus[kind])
    cases = (*CORPUS, *(Case(case.name, case.data) for case in others))
    history = History(address_of(server))
    lines = STAMPING[front].replace("LENIENT", LENIENT[front] if lenient else "")
    with Relay(history.service) as relay, front.running(tmp_path / "front", lines, relay.port) as port:
        counts = count(cases, ("127.0.0.1", port), relay, history, halting=front in HALTING and lenient)
    print(f"| {front.name}{', lenient' * lenient} | {counts.row()} |")
    assert counts.differences == []
    # The proxy has reused its connections. Otherwise no request could have been read as a part of another.
    assert (counts.cases, counts.connections < counts.forwarded / 2) == (len(cases), True)
