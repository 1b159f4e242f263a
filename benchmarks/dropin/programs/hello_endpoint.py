"""`hello.py`, listening by the description of an endpoint."""

import sys

from pages import root
from twisted.internet import endpoints, reactor
from twisted.web.server import Site

endpoints.serverFromString(reactor, sys.argv[1]).listen(Site(root))
reactor.run()
