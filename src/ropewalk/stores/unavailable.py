"""The error of a store that cannot be used at the moment."""

from ropewalk.errors import RopewalkError


class StoreUnavailable(RopewalkError):
    """RW234: a store cannot be reached, is too slow, or is full.

    A store raises it, and nothing else, for what its caller may survive. What the middleware does then is set by its
    `on_store_failure`.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__("RW234", message, remedy)


class TooManyKeys(StoreUnavailable):
    """RW234: one client has taken its whole share of a store. Others may still use the store."""
