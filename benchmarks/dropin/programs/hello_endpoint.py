"""`hello.py`, listening by the description of an endpoint."""

import sys

from twisted.internet import endpoints, reactor
from twisted.web.server import Site

from pages import root

endpoints.serverFromString(reactor, sys.argv[1]).listen(Site(root))
reactor.run()
