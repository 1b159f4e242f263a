"""`DigestAuth`: the client sends a name, and proves that it knows the password without sending it (RFC 7616)."""

from ropewalk.auth.digest.digest_auth import DigestAuth, DigestAuthOptions
from ropewalk.auth.digest.hashes import digest_hash
from ropewalk.auth.digest.users import DigestUser

__all__ = ["DigestAuth", "DigestAuthOptions", "DigestUser", "digest_hash"]
