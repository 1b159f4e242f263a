"""Klein in a site: nobody observes Twisted's log, to which it writes its requests."""

import sys

from klein_pages import app
from twisted.internet import reactor
from twisted.web.server import Site

reactor.listenTCP(int(sys.argv[1]), Site(app.resource()), backlog=1024, interface="127.0.0.1")
reactor.run()
