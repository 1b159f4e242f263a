"""A resource that has been rendered already, for Twisted's code, which renders it itself."""

from typing import Any

from twisted.web.error import UnsupportedMethod


class Rendered:
    """Stands in for a resource. Its first `render` repeats the outcome of the call that has been made."""

    def __init__(self, resource: Any, outcome: Any) -> None:
        self._resource = resource
        self._outcome = outcome
        """What `render` returned, or the UnsupportedMethod that it raised."""
        self._used = False

    def render(self, request: Any) -> Any:
        """Return or raise the outcome; from the second call on, render the resource."""
        if self._used:
            return request._rw_render_again(self._resource)  # noqa: SLF001 - ours
        self._used = True
        if isinstance(self._outcome, UnsupportedMethod):
            raise self._outcome
        return self._outcome

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_resource" not in vars(self):  # while a copy is made
            raise AttributeError(name)
        return getattr(self._resource, name)

    def __repr__(self) -> str:
        return repr(self._resource)

    def __str__(self) -> str:
        return str(self._resource)
