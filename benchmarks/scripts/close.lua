-- GET of the URL with a connection of its own for every request.

require "report"

wrk.headers["Connection"] = "close"
