"""Serves `service.py` with a Site, on a Twisted port: `python by_site.py adopted|piped`."""

import sys
from typing import Any

from tests.stops.service import app
from twisted.internet import asyncioreactor
from twisted.protocols.policies import WrappingFactory

from ropewalk import Limits, Site

asyncioreactor.install()

from twisted.internet import reactor  # noqa: E402 - after it is installed

site = Site(app, limits=Limits(drain_grace=10))
# A wrapped transport is not a plain socket: its bytes pass through Twisted.
factory: Any = site if sys.argv[1] == "adopted" else WrappingFactory(site)
port: Any = reactor.listenTCP(0, factory, interface="127.0.0.1")
print(f"http://127.0.0.1:{port.getHost().port}\nStop with SIGTERM", file=sys.stderr, flush=True)
reactor.run()
