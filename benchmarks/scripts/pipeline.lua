-- GET of the URL, several at once on each connection. Argument: how many.

require "report"

local batch

function init(arguments)
  batch = string.rep(wrk.format(), tonumber(arguments[1]))
end

function request()
  return batch
end
