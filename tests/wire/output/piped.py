"""Serves the faulty handlers over a transport that is not a plain socket, on Twisted's default reactor."""

import sys
from typing import Any

from tests.wire.output.service import app
from twisted.internet import reactor
from twisted.protocols.policies import WrappingFactory

from ropewalk import Site

factory: Any = WrappingFactory(Site(app))
port: Any = reactor.listenTCP(0, factory, interface="127.0.0.1")
print(f"http://127.0.0.1:{port.getHost().port} \nStop with SIGTERM", file=sys.stderr, flush=True)
reactor.run()
