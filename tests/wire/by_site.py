"""Serves the service of these tests by a Site: `python by_site.py adopted|piped`."""

import sys
from typing import Any

from tests.wire.service import app
from twisted.internet import reactor
from twisted.protocols.policies import WrappingFactory

from ropewalk import Site

site = Site(app)
# A wrapped transport is not a plain socket: its bytes pass through Twisted.
factory: Any = site if sys.argv[1] == "adopted" else WrappingFactory(site)
port: Any = reactor.listenTCP(0, factory, backlog=1024, interface="127.0.0.1")
print(f"http://127.0.0.1:{port.getHost().port} \nStop with SIGTERM", file=sys.stderr, flush=True)
reactor.run()
