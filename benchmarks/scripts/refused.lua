-- A head that is refused, for its two Hosts (RFC 9112, section 3.2). The connection closes after each.

require "report"

function request()
  return "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"
end
