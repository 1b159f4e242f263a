"""Klein as in its documentation: it writes Twisted's log, with the requests, to the standard output."""

import sys

from klein_pages import app

app.run(endpoint_description=f"tcp:{sys.argv[1]}:interface=127.0.0.1:backlog=1024")
