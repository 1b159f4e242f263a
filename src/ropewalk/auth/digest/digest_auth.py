"""`DigestAuth` and its options."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.portal import Portal

from ropewalk.auth.challenges import Challenge
from ropewalk.auth.cred import CredAuth
from ropewalk.auth.digest.credentials import DigestCredentials
from ropewalk.auth.digest.fields import check_fields, parse_fields, user_name
from ropewalk.auth.digest.hashes import ALGORITHMS
from ropewalk.auth.digest.nonces import Nonces
from ropewalk.auth.digest.users import FoundUsers
from ropewalk.auth.identity import Identity
from ropewalk.auth.option_checks import check_called_with, check_seconds
from ropewalk.auth.scheme import authorization
from ropewalk.auth.scheme_functions import SchemeFunction
from ropewalk.auth.unauthorized import Refused
from ropewalk.clocks import unix_time
from ropewalk.errors import KnownOptions, OptionError, check_options, shown
from ropewalk.request import Request


@dataclass(frozen=True, kw_only=True)
class DigestAuthOptions(KnownOptions):
    """Options of `DigestAuth`. Raises HandlerError (RW240) for invalid options."""

    algorithms: tuple[str, ...] = ("SHA-256",)
    """Hash algorithms that clients are offered, the best first: `SHA-256`, `SHA-512-256` and `MD5`. Old clients support
    only MD5. MD5 is broken. If it is offered, an attacker between client and server can make clients choose MD5."""
    nonce_time: float = 300.0
    """Seconds for which a nonce is valid. After that, clients get a new nonce, and users are not asked for their
    password again."""
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """Signs the nonces; at least 32 bytes. Several processes need the same secret, otherwise clients get a new nonce
    whenever another process responds. Each process knows only the nonce counts that it has received itself, so a
    request can be replayed at another process for `nonce_time`."""

    def __post_init__(self) -> None:
        if not self.algorithms or not set(ALGORITHMS).issuperset(self.algorithms):
            what = f"DigestAuthOptions has the algorithms {shown(self.algorithms)}."
            raise OptionError("RW240", what, f"Use a tuple with one or more of {', '.join(ALGORITHMS)}.")
        check_seconds(self, "nonce_time")
        given: Any = self.secret
        if not isinstance(given, bytes) or len(given) < 32:
            raise OptionError(
                "RW240",
                "DigestAuthOptions has a secret that is not bytes, or is shorter than 32 bytes.",
                "Use os.urandom(32).",
            )


class DigestAuth(CredAuth):
    """Digest authentication (RFC 7616) with qop=auth: the client proves that it knows the password of a user.

    It takes a function `find(name)` that returns a `DigestUser`, or None for an unknown name. The function may be
    plain, return a Deferred, or be a coroutine function. Instead of a function, DigestAuth takes checkers of
    twisted.cred, or a portal with `interfaces`, as `CredAuth` does. They must accept IUsernameHashedPassword or
    IUsernameDigestHash.

    The server must store the password, or a hash that gives the same access if it leaks. So prefer `BasicAuth` over TLS
    with argon2 hashes, and use Digest only for clients that support nothing else. Digest does not protect the body of a
    request.
    """

    def __init__(
        self,
        *accepting: Any,
        interfaces: tuple[Any, ...] = (),
        options: DigestAuthOptions | None = None,
        realm: str = "app",
        name: str = "digest",
        clock: Callable[[], float] = unix_time,
    ) -> None:
        is_function = len(accepting) == 1 and callable(accepting[0])
        if is_function and not ICredentialsChecker.providedBy(accepting[0]) and not isinstance(accepting[0], Portal):
            check_called_with(self, accepting[0], "a name")
            self._find = SchemeFunction(accepting[0], 1)
            accepting = (FoundUsers(self._find),)
        description = {"type": "http", "scheme": "digest"}
        super().__init__(*accepting, interfaces=interfaces, description=description, realm=realm, name=name)
        if not any(each.implementedBy(DigestCredentials) for each in self._accepted()):
            what = f"DigestAuth got {shown(accepting[0])}, which compares its own password hashes."
            raise OptionError("RW240", what, "Use a checker that knows the passwords, or use CredAuth with Basic.")
        self.options = DigestAuthOptions() if options is None else options
        check_options(self.options, DigestAuthOptions, "RW240")
        self._nonces = Nonces(self.options.secret, self.realm, self.options.nonce_time, clock)

    def challenge(self) -> Challenge:
        """The first challenge in `challenges`."""
        return self.challenges()[0]

    def challenges(self) -> tuple[Challenge, ...]:
        """One `Digest` challenge for each algorithm, in order, with a new nonce (RFC 7616, section 3.7)."""
        nonce = self._nonces.issue()
        fixed = (("realm", self.realm), ("nonce", nonce), ("qop", "auth"), ("charset", "UTF-8"))
        return tuple(Challenge("Digest", (*fixed, ("algorithm", each))) for each in self.options.algorithms)

    async def identify(self, request: Request) -> Identity | None:
        """The identity of the user or avatar; None without credentials. Raises Refused for wrong credentials."""
        credentials = self._read(request)
        if credentials is None:
            return None
        try:
            return await self._accept(credentials)
        except Refused as refusal:
            # The password was right, so only the nonce was invalid: stale=true makes the client repeat without a
            # prompt.
            if credentials.is_right:
                raise Refused({"stale": "true"}, why="their nonce is too old, or was used before") from None
            raise Refused(why=refusal.why) from None

    def _read(self, request: Request) -> DigestCredentials | None:
        written = authorization(request, "digest")
        if written is None:
            return None
        fields = parse_fields(written)
        check_fields(fields)
        name = user_name(fields)
        algorithms = {each.lower(): each for each in self.options.algorithms}
        algorithm = algorithms.get(fields.get("algorithm", "MD5").lower())
        if algorithm is None or fields["realm"] != self.realm:
            # The client sent these credentials for another realm on this host, or before the algorithms changed.
            raise Refused(why=f"they are for the realm {shown(fields['realm'])}, or for another algorithm")
        if fields["uri"].encode("utf-8", "surrogateescape") != request.uri:  # RFC 7616, section 3.4.6
            raise Refused(status=400, why=f"they are for the target {shown(fields['uri'])}")
        return DigestCredentials(name, request, algorithm, fields, self._nonces)
