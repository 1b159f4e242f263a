"""The error for a store that cannot be used at the moment."""

from ropewalk.errors import RopewalkError


class StoreUnavailable(RopewalkError):
    """RW234: a store cannot be reached, is too slow, or is full.

    For temporary failures, a store must raise this error and no other. The middleware then acts according to its option
    `on_store_failure`.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__("RW234", message, remedy)


class TooManyKeys(StoreUnavailable):
    """RW234: one client has used its whole share of a store. Other clients may still use the store."""
