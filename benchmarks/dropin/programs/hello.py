"""A site as in tutorials. It writes its requests to Twisted's log, which has no observer."""

import sys

from pages import root
from twisted.internet import reactor
from twisted.web.server import Site

reactor.listenTCP(int(sys.argv[1]), Site(root), backlog=1024, interface="127.0.0.1")
reactor.run()
