"""A folder of files."""

import sys

from twisted.internet import reactor
from twisted.web.server import Site
from twisted.web.static import File

reactor.listenTCP(int(sys.argv[1]), Site(File(sys.argv[2])), backlog=1024, interface="127.0.0.1")
reactor.run()
