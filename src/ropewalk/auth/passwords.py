"""Makes and verifies argon2id hashes of passwords, in threads."""

from collections.abc import Coroutine
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ropewalk.auth.bounded_threads import BoundedThreads
from ropewalk.auth.option_checks import check_count
from ropewalk.auth.packages import optional
from ropewalk.awaited_truth import AwaitedTruth
from ropewalk.errors import KnownOptions, check_options

LONGEST: Final = 4096
"""The maximum size in bytes of a password in UTF-8. OWASP demands that passwords of at least 64 characters are
allowed."""


@dataclass(frozen=True, kw_only=True)
class PasswordsOptions(KnownOptions):
    """The cost of a hash, and how many hashes are computed at the same time. Raises HandlerError (RW240).

    The default cost is the one that RFC 9106, section 4, recommends for limited memory: 64 MiB and 3 passes. A hash
    then takes about 0.1 s of a processor core.
    """

    time_cost: int = 3
    """The number of passes over the memory."""
    memory_cost: int = 65536
    """The memory for one hash, in KiB."""
    parallelism: int = 4
    """The number of lanes. argon2 computes each lane in its own thread."""
    most_running: int = 2
    """The maximum number of hashes that are computed at the same time. Each of them needs memory as `memory_cost`
    says."""
    most_waiting: int = 100
    """The maximum number of hashes that wait to be computed. If more are needed, clients get 503."""

    def __post_init__(self) -> None:
        check_count(self, "time_cost", "parallelism", "most_running")
        check_count(self, "memory_cost", least=8)  # the least that argon2 takes for each lane
        check_count(self, "most_waiting", least=0)


class Passwords:
    """Hashes and verifies passwords. Raises MissingPackage (RW244) if argon2-cffi is not installed.

    The functions `hash_password`, `verify_password` and `needs_rehash` use a shared object with the default options.
    """

    def __init__(self, options: PasswordsOptions | None = None) -> None:
        self.options = PasswordsOptions() if options is None else options
        check_options(self.options, PasswordsOptions, "RW240")
        self._argon2: Any = optional("argon2", "argon2-cffi", "Hashing passwords")
        self._hasher = self._argon2.PasswordHasher(
            time_cost=self.options.time_cost,
            memory_cost=self.options.memory_cost,
            parallelism=self.options.parallelism,
        )
        self._threads: BoundedThreads[Any] = BoundedThreads(self.options.most_running, self.options.most_waiting)

    async def hash_password(self, password: str) -> str:
        """The hash of a password, with its salt and cost. Raises ValueError for a password over 4096 bytes."""
        octets = _octets(password)
        if octets is None:
            raise ValueError(f"A password has at most {LONGEST} bytes of Unicode text.")
        hashed: str = await self._threads.call(self._hasher.hash, octets)
        return hashed

    def verify_password(self, password: str, hashed: str | None) -> Coroutine[Any, Any, bool]:
        """Await this: whether a password matches a hash.

        For a user that does not exist, pass None as the hash: the result is False, after the same time. Raises
        `argon2.exceptions.InvalidHashError` for a malformed hash. A condition without `await` raises HandlerError
        (RW210).
        """
        return AwaitedTruth(self._matches(password, hashed), "verify_password")

    async def _matches(self, password: str, hashed: str | None) -> bool:
        octets = _octets(password)
        matches = await self._threads.call(self._verify, b"" if octets is None else octets, hashed)
        return bool(matches) and octets is not None and hashed is not None

    def needs_rehash(self, hashed: str) -> bool:
        """Whether the cost of a hash differs from the options. If so, make a new hash after the user's next login."""
        return bool(self._hasher.check_needs_rehash(hashed))

    def _verify(self, octets: bytes, hashed: str | None) -> bool:
        """Verify a password. This is called in a thread."""
        try:
            return bool(self._hasher.verify(self._dummy if hashed is None else hashed, octets))
        except self._argon2.exceptions.VerifyMismatchError:
            return False
        except self._argon2.exceptions.InvalidHashError as error:  # has no text of its own
            what = "The hash that verify_password got is not an argon2 hash, as `await hash_password(...)` returns it."
            raise type(error)(f"{what} For a user without a password, pass None.") from None

    @cached_property
    def _dummy(self) -> str:
        """A hash with the cost of the options, which no known password matches. Without a user, it is verified, so that
        the check takes as long as with a user."""
        cost = f"m={self.options.memory_cost},t={self.options.time_cost},p={self.options.parallelism}"
        return f"$argon2id$v=19${cost}${'A' * 22}${'A' * 43}"


def _octets(password: str) -> bytes | None:
    """A password in UTF-8; None if it is too long or has lone surrogates."""
    try:
        octets = password.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return octets if len(octets) <= LONGEST else None


_shared: Final[list[Passwords]] = []
"""The object that the functions below use. It is made at the first call. All calls share it, so that its limit on
running hashes limits the memory of the process."""


def _default() -> Passwords:
    if not _shared:
        _shared.append(Passwords())
    return _shared[0]


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, computed in a thread. Raises ValueError for a password over 4096 bytes."""
    return await _default().hash_password(password)


def verify_password(password: str, hashed: str | None) -> Coroutine[Any, Any, bool]:
    """Await this: whether a password matches a hash, computed in a thread.

    For a user that does not exist, pass None as the hash: the result is False, after the same time, so that clients
    cannot find out which users exist. Raises `argon2.exceptions.InvalidHashError` for a malformed hash. A condition
    without `await` raises HandlerError (RW210).
    """
    return _default().verify_password(password, hashed)


def needs_rehash(hashed: str) -> bool:
    """Whether the cost of a hash differs from the default. If so, make a new hash after the user's next login."""
    return _default().needs_rehash(hashed)
