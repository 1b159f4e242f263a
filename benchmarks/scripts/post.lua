-- POST of a body. Arguments: the content type, then either the number of bytes to send or the text itself.

require "report"

function init(arguments)
  local size = tonumber(arguments[2])
  wrk.method = "POST"
  wrk.headers["Content-Type"] = arguments[1]
  wrk.body = size and string.rep("x", size) or arguments[2]
end
