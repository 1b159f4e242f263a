"""`CacheOptions`: where a cache keeps responses, and its limits."""

from dataclasses import dataclass

from ropewalk.errors import KnownOptions
from ropewalk.headers import TOKEN
from ropewalk.middleware.options import check_count, wrong
from ropewalk.stores import ResponseStore


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheOptions(KnownOptions):
    """The options of `Cache`. Raises HandlerError (RW230) for an invalid value."""

    store: ResponseStore | None = None
    """Where responses are kept. None: in the memory of this process, a `MemoryResponses` of its own."""
    body_limit: int = 1024 * 1024
    """The maximum size in bytes of a body that is stored. Larger bodies are sent, and not stored."""
    most_waiting: int = 1000
    """How many requests may wait for a response that another request is making. Further ones get 503."""
    name: str | None = "Ropewalk"
    """The name of the cache in the field Cache-Status (RFC 9211). None leaves the field out."""

    def __post_init__(self) -> None:
        check_count(self, "body_limit")
        check_count(self, "most_waiting")
        given: object = self.name
        if given is not None and not (isinstance(given, str) and TOKEN.fullmatch(given) and given[0].isalpha()):
            raise wrong(self, "name", given, 'Use a letter, and then letters, digits and hyphens: "Ropewalk".')
