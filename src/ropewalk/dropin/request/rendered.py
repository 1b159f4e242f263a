"""Replaces a resource that was already rendered, so that Twisted's code does not render it a second time."""

from typing import Any

from twisted.web.error import UnsupportedMethod


class Rendered:
    """Replaces a resource. Its first `render` repeats the result of an earlier call of the resource's `render`."""

    def __init__(self, resource: Any, outcome: Any) -> None:
        self._resource = resource
        self._outcome = outcome
        """The value that `render` returned, or the UnsupportedMethod that it raised."""
        self._used = False

    def render(self, request: Any) -> Any:
        """Return or raise the outcome. From the second call on, render the resource."""
        if self._used:
            return request._rw_render_again(self._resource)  # noqa: SLF001 - our own method
        self._used = True
        if isinstance(self._outcome, UnsupportedMethod):
            raise self._outcome
        return self._outcome

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_resource" not in vars(self):  # a copy in progress has no `_resource`
            raise AttributeError(name)
        return getattr(self._resource, name)

    def __repr__(self) -> str:
        return repr(self._resource)

    def __str__(self) -> str:
        return str(self._resource)
