"""A resource that was rendered already, for Twisted's code, which would render it a second time."""

from typing import Any

from twisted.web.error import UnsupportedMethod


class Rendered:
    """Stands in for a resource. Its first `render` repeats the result of the call that was made before."""

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
        if name.startswith("__") or "_resource" not in vars(self):  # raised while the object is being copied
            raise AttributeError(name)
        return getattr(self._resource, name)

    def __repr__(self) -> str:
        return repr(self._resource)

    def __str__(self) -> str:
        return str(self._resource)
