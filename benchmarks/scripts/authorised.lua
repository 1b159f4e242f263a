-- GET of the URL with an Authorization field. Argument: the value of the field.

require "report"

function init(arguments)
  wrk.headers["Authorization"] = arguments[1]
end
