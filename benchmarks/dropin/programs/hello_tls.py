"""`hello.py` over TLS."""

import sys
from pathlib import Path

from twisted.internet import reactor, ssl
from twisted.web.server import Site

from pages import root

certificate = ssl.PrivateCertificate.loadPEM(Path(sys.argv[2]).read_bytes())
reactor.listenSSL(int(sys.argv[1]), Site(root), certificate.options(), backlog=1024, interface="127.0.0.1")
reactor.run()
