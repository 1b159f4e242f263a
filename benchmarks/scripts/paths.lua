-- GET of the URL with /0, /1, /2 ... behind it, in turn. Arguments: how many, and the first one.

require "report"

local requests = {}
local turn = 0

function init(arguments)
  local first = tonumber(arguments[2] or 0)
  for number = first, first + tonumber(arguments[1]) - 1 do
    requests[#requests + 1] = wrk.format(nil, wrk.path .. "/" .. number)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end
