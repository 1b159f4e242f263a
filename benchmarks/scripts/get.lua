-- GET of the URL, the same for every request.

require "report"
