"""The response for a request whose session cannot be loaded or saved."""

from ropewalk.errors import HTTPError
from ropewalk.middleware.store_options import RETRY_SOON, refusal
from ropewalk.stores import StoreUnavailable


def unavailable(failure: StoreUnavailable) -> HTTPError:
    """The HTTPError 503 to raise."""
    error = refusal(503, "The session cannot be loaded or saved at the moment.", [RETRY_SOON])
    error.__cause__ = failure
    return error
