"""Hashes of passwords by argon2id, made and verified in threads."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ropewalk.auth.bounded_threads import BoundedThreads
from ropewalk.auth.packages import optional

LONGEST: Final = 4096
"""The most bytes of a password in UTF-8. OWASP asks for at least 64 characters to be allowed."""


@dataclass(frozen=True, kw_only=True)
class PasswordOptions:
    """The cost of a hash, and how many are computed at the same time.

    The defaults of the cost are those of RFC 9106, section 4, for little memory: 64 MiB and 3 passes, about 0.1 s of a
    processor core.
    """

    time_cost: int = 3
    """Passes over the memory."""
    memory_cost: int = 65536
    """In KiB."""
    parallelism: int = 4
    """Lanes, which argon2 computes in threads of its own."""
    most_running: int = 2
    """Hashes computed at the same time. Each takes `memory_cost`."""
    most_waiting: int = 100
    """Hashes that wait for others. Beyond it, clients get 503."""


class Passwords:
    """Hashes and verifies passwords. Raises MissingPackage (RW244) without argon2-cffi.

    `hash_password`, `verify_password` and `needs_rehash` are the methods of one with the default options.
    """

    def __init__(self, options: PasswordOptions | None = None) -> None:
        self.options = options or PasswordOptions()
        self._argon2: Any = optional("argon2", "argon2-cffi", "Hashing passwords")
        self._hasher = self._argon2.PasswordHasher(
            time_cost=self.options.time_cost,
            memory_cost=self.options.memory_cost,
            parallelism=self.options.parallelism,
        )
        self._threads: BoundedThreads[Any] = BoundedThreads(self.options.most_running, self.options.most_waiting)

    async def hash_password(self, password: str) -> str:
        """The hash of a password, with its salt and cost. Raises ValueError for one that is too long."""
        octets = _octets(password)
        if octets is None:
            raise ValueError(f"A password has at most {LONGEST} bytes of Unicode text.")
        hashed: str = await self._threads.call(self._hasher.hash, octets)
        return hashed

    async def verify_password(self, password: str, hashed: str | None) -> bool:
        """Whether a password has a hash. With None, for a user that does not exist, False after the same time.

        Raises `argon2.exceptions.InvalidHashError` for a hash that is malformed.
        """
        octets = _octets(password)
        matches = await self._threads.call(self._verify, b"" if octets is None else octets, hashed)
        return bool(matches) and octets is not None and hashed is not None

    def needs_rehash(self, hashed: str) -> bool:
        """Whether a hash has another cost than that of the options. If so, make a new one after the next login."""
        return bool(self._hasher.check_needs_rehash(hashed))

    def _verify(self, octets: bytes, hashed: str | None) -> bool:
        """Runs in a thread."""
        try:
            return bool(self._hasher.verify(self._dummy if hashed is None else hashed, octets))
        except self._argon2.exceptions.VerifyMismatchError:
            return False

    @cached_property
    def _dummy(self) -> str:
        """A hash of the same cost that no password is known to have."""
        cost = f"m={self.options.memory_cost},t={self.options.time_cost},p={self.options.parallelism}"
        return f"$argon2id$v=19${cost}${'A' * 22}${'A' * 43}"


def _octets(password: str) -> bytes | None:
    """A password in UTF-8; None if no password can be this text."""
    try:
        octets = password.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return octets if len(octets) <= LONGEST else None


_shared: Final[list[Passwords]] = []
"""The `Passwords` of the functions below, made when one is first called. The bound on threads limits the memory of the
process, so all calls share it."""


def _default() -> Passwords:
    if not _shared:
        _shared.append(Passwords())
    return _shared[0]


async def hash_password(password: str) -> str:
    """The hash of a password by argon2id, computed in a thread. Raises ValueError for one over 4096 bytes."""
    return await _default().hash_password(password)


async def verify_password(password: str, hashed: str | None) -> bool:
    """Whether a password has a hash, computed in a thread. Give None for a user that does not exist.

    That takes the same time, so that clients cannot find out which users exist. Raises `argon2.exceptions.
    InvalidHashError` for a hash that is malformed.
    """
    return await _default().verify_password(password, hashed)


def needs_rehash(hashed: str) -> bool:
    """Whether a hash has another cost than the default. If so, make a new one after the next login."""
    return _default().needs_rehash(hashed)
