"""The keys of a token issuer: fetched in a thread, kept, and fetched again when the issuer rotates them."""

from collections.abc import Callable

from ropewalk.auth.jwt_algorithms import UnusableKey
from ropewalk.auth.jwt_keys import Key, public_keys
from ropewalk.auth.jwt_options import JWKS
from ropewalk.auth.provider_http import fetch_json
from ropewalk.auth.refreshed import Refreshed
from ropewalk.clocks import monotonic


class FetchedKeys(Refreshed[tuple[Key, ...]]):
    """The keys at a URL. At most one fetch runs, and all requests that need its result wait for it."""

    def __init__(
        self, options: JWKS, algorithms: tuple[str, ...] | None, clock: Callable[[], float] = monotonic
    ) -> None:
        def load() -> tuple[Key, ...]:
            """Fetch the keys, in a thread. Raises FetchFailed and UnusableKey."""
            document = fetch_json(options.url, timeout=options.timeout, body_limit=options.body_limit)
            keys = public_keys(document, algorithms)
            if not keys:
                raise UnusableKey("it has no key that can be used")
            return keys

        super().__init__(options, "RW243", load, clock)
