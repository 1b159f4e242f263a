-- POST of a file. Arguments: the content type, and the path of the file.

require "report"

function init(arguments)
  local file = assert(io.open(arguments[2], "rb"))
  wrk.method = "POST"
  wrk.headers["Content-Type"] = arguments[1]
  wrk.body = file:read("*a")
  file:close()
end
