"""`hello.py` with an access log in a file."""

import sys

from twisted.internet import reactor
from twisted.web.server import Site

from pages import root

reactor.listenTCP(int(sys.argv[1]), Site(root, logPath="access.log"), backlog=1024, interface="127.0.0.1")
reactor.run()
