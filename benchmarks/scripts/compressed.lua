-- GET of the URL with an Accept-Encoding field. Argument: the value of the field.

require "report"

function init(arguments)
  wrk.headers["Accept-Encoding"] = arguments[1]
end
