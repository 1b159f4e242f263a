"""`ServerTLS`: the certificate that listeners use, which is read again when its files change."""

import stat
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Final

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.logger import Logger
from zope.interface import implementer

from ropewalk.errors import StartError
from ropewalk.server.server import Server
from ropewalk.server.tls.context import make_context
from ropewalk.server.tls.identity import (
    Identity,
    check_regular,
    read_authorities,
    read_identity,
    readable_by_others,
)
from ropewalk.server.tls.local_authority import LocalAuthority, how_to_trust, local_authority
from ropewalk.server.tls.port import check_endpoint, listen
from ropewalk.server.tls.self_signed import fingerprint, make_self_signed
from ropewalk.server.tls_options import TLSOptions

CHECK_INTERVAL: Final = 1.0
"""The minimum number of seconds between two checks of whether the files have changed. A check happens when a client
connects."""

log = Logger(namespace="ropewalk.server")


@implementer(IOpenSSLServerConnectionCreator)
class ServerTLS:
    """Makes the TLS state of new connections. Raises StartError (RW425) if the certificate or the key cannot be used.

    If the files change, new connections use the new certificate, and open connections continue. If the new files cannot
    be used, for example because only one of them is written yet, the old certificate stays in use.
    """

    def __init__(self, options: TLSOptions, clock: Callable[[], float] = monotonic) -> None:
        self.options = options
        self._clock = clock
        self._seen = self._signature()
        self._next_check = clock() + CHECK_INTERVAL
        self._authority: LocalAuthority | None = None
        self.identity = self._read()
        self._context = self._make_context(self.identity)

    def listen(self, server: Server, description: str) -> Any:
        """Open a listening socket whose connections are encrypted, and return its Twisted port.

        Raises StartError (RW401, RW426) and EngineError (RW502).
        """
        return listen(server, description, self, loopback_only=self.options.is_made)

    def check_endpoint(self, description: str) -> None:
        """Raises StartError (RW401, RW426) for an endpoint on which `listen` would not work."""
        check_endpoint(description, loopback_only=self.options.is_made)

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """Called by Twisted for each new connection."""
        del protocol
        if self._clock() >= self._next_check:
            self._next_check = self._clock() + CHECK_INTERVAL
            self._reload_if_changed()
        return SSL.Connection(self._context, None)

    def covers(self, name: str) -> bool:
        """Whether the certificate is valid for a host."""
        return self.identity.names.cover(name)

    def warnings(self) -> list[str]:
        """A sentence for each warning about the certificate and its files."""
        if self.options.self_signed:
            digest = fingerprint(self.identity.certificate)
            return [
                f"TLS uses a self-signed certificate, made at this start: browsers warn about it. SHA-256: {digest}"
            ]
        if self._authority is not None:
            return [how_to_trust(self._authority)]
        lines = []
        late = self._date_warning()
        if late is not None:
            lines.append(late)
        key = self.options.key_file
        if readable_by_others(key):
            lines.append(f"Every user of this machine can read the TLS key {key}: run `chmod 600 {key}`.")
        return lines

    def _read(self) -> Identity:
        if self.options.self_signed:
            return make_self_signed()
        if self.options.local_authority:
            self._authority = local_authority()
            return self._authority.issue()
        return read_identity(self.options.certificate_file, self.options.key_file)

    def _make_context(self, identity: Identity) -> SSL.Context:
        options = self.options
        authorities = () if options.client_ca is None else read_authorities(Path(options.client_ca))
        required = options.client_certificates == "required"
        return make_context(identity, options.minimum_version, authorities, required=required)

    def _reload_if_changed(self) -> None:
        signature = self._signature()
        if signature == self._seen:
            return
        self._seen = signature
        try:
            for path in self._files():
                check_regular(path)  # a pipe would block the reactor
            identity = self._read()
            self._context = self._make_context(identity)
        except StartError as error:
            log.error("The TLS certificate has changed, but the old one stays in use. {error}", error=error)
            return
        self.identity = identity
        end = identity.certificate.not_valid_after_utc
        log.info("The TLS certificate is read again. It is valid until {end:%Y-%m-%d}.", end=end)
        late = self._date_warning()
        if late is not None:
            log.warn("{warning}", warning=late)

    def _files(self) -> list[Path]:
        options = self.options
        paths = [] if options.is_made else [options.certificate_file, options.key_file]
        return paths if options.client_ca is None else [*paths, Path(options.client_ca)]

    def _signature(self) -> tuple[Any, ...]:
        """A value that changes when one of the files changes, or when a symbolic link to it gets another target.

        For a pipe, the value does not depend on the content, because a pipe can be read only once.
        """
        found: list[Any] = []
        for path in self._files():
            try:
                status = path.stat()
            except OSError as error:
                found.append(error.errno)
            else:
                content = (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else ()
                found.append((status.st_dev, status.st_ino, *content))
        return tuple(found)

    def _date_warning(self) -> str | None:
        return self.identity.date_warning(f"{self.options.certificate_file}")
