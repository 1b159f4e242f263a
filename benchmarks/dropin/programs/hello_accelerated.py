"""`hello.py` with one more line: `accelerate`."""

import sys

from twisted.internet import reactor
from twisted.web.server import Site

from pages import root
from ropewalk.dropin import accelerate

reactor.listenTCP(int(sys.argv[1]), accelerate(Site(root)), backlog=1024, interface="127.0.0.1")
reactor.run()
