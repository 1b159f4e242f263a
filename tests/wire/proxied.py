"""A service behind proxies: `python -m tests.wire.proxied adopted|piped WAY`, where WAY is one of `PROXIES`."""

import sys
from typing import Any

from twisted.internet import reactor
from twisted.protocols.policies import WrappingFactory

from ropewalk import App, Request, Site, TrustedProxies

PROXIES = {
    "x-forwarded": TrustedProxies("127.0.0.1", headers="x-forwarded"),
    "x-forwarded with host": TrustedProxies("127.0.0.1", headers="x-forwarded", host=True),
    "forwarded": TrustedProxies("127.0.0.1", headers="forwarded"),
    "protocol": TrustedProxies("127.0.0.1", proxy_protocol=True),
}

app = App()


@app.get("/who")
def who(request: Request) -> dict[str, Any]:
    return {
        "client": request.client,
        "peer": request.peer,
        "server": request.server,
        "url": request.url,
        "refused": request.service.engine.counters()["refused"],
    }


def serve(way: str, report: str) -> None:
    site = Site(app, proxies=PROXIES[report])
    factory: Any = site if way == "adopted" else WrappingFactory(site)
    port: Any = reactor.listenTCP(0, factory, interface="127.0.0.1")
    print(f"http://127.0.0.1:{port.getHost().port} \nStop with SIGTERM", file=sys.stderr, flush=True)
    reactor.run()


if __name__ == "__main__":
    serve(*sys.argv[1:])
