"""HTTPS on an app's own listeners, by Twisted's TLS. Its modules need the packages of the extra `tls`.

Twisted's port accepts the connections and Twisted's transport encrypts, while the engine speaks HTTP, as for a `Site`.
Only `ropewalk.server.tls_options` imports this package, so that a server of plain HTTP does not need the extra.
"""

from ropewalk.server.tls.server_tls import ServerTLS

__all__ = ["ServerTLS"]
