"""A site as in tutorials. It writes its requests to Twisted's log, which has no observer."""

import sys

from twisted.internet import reactor
from twisted.web.server import Site

from pages import root

reactor.listenTCP(int(sys.argv[1]), Site(root), backlog=1024, interface="127.0.0.1")
reactor.run()
