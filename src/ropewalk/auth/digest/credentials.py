"""Digest credentials, in the form that the checkers of twisted.cred accept."""

from typing import Any

from twisted.cred.credentials import ICredentials, IUsernameDigestHash, IUsernameHashedPassword
from zope.interface import implementer

from ropewalk.auth.digest.hashes import digest_hash, proof
from ropewalk.auth.digest.nonces import Nonces
from ropewalk.auth.secrets import same_secret
from ropewalk.request import Request


class IDigestCredentials(ICredentials):
    """Digest credentials with the name as text, and with the algorithm."""


@implementer(IDigestCredentials, IUsernameHashedPassword, IUsernameDigestHash)
class DigestCredentials:
    """Digest credentials of one request.

    They replace Twisted's class, which supports neither SHA-256 nor nonce counts, and whose comparison is open to
    timing attacks.
    """

    def __init__(self, name: str, request: Request, algorithm: str, fields: dict[str, str], nonces: Nonces) -> None:
        self.name = name
        self.username = name.encode()
        self.algorithm = algorithm
        self.is_right = False
        """Whether the client has proved that it knows the password, even if its nonce was invalid."""
        self.request = request
        self._fields = fields
        self._nonces = nonces
        self._is_fresh: bool | None = None

    def checkPassword(self, password: Any) -> bool:
        """Whether the client knows this password, and uses a valid nonce with a new count."""
        text = password if isinstance(password, str) else password.decode("utf-8", "surrogateescape")
        try:
            user_hash = digest_hash(self.name, self._fields["realm"], text, self.algorithm)
        except UnicodeEncodeError:
            return False
        return self.checkHash(user_hash.encode())

    def checkHash(self, digestHash: Any) -> bool:
        """Like `checkPassword`, for the hash of name, realm and password in hexadecimal digits."""
        known = digestHash if isinstance(digestHash, str) else digestHash.decode("ascii", "replace")
        expected = proof(self.algorithm, known.lower(), self.request.method, self._fields)
        if not known or not same_secret(self._fields["response"].lower(), expected):
            return False
        self.is_right = True
        if self._is_fresh is None:
            self._is_fresh = self._nonces.use(self._fields["nonce"], int(self._fields["nc"], 16))
        return self._is_fresh
